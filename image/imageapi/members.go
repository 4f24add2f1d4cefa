package imageapi

import (
	"net/http"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/rest"
)

func (a *api) memberRoutes() []rest.Route {
	return []rest.Route{
		rest.POST("/v2/images/{id}/members", rest.JSON(a.addMember)).Status(http.StatusOK),
		rest.GET("/v2/images/{id}/members", a.members),
		rest.GET("/v2/images/{id}/members/{member}", a.member),
		rest.PUT("/v2/images/{id}/members/{member}", rest.JSON(a.answer)),
		rest.DELETE("/v2/images/{id}/members/{member}", a.removeMember),
	}
}

type member struct {
	ImageID   image.ID           `json:"image_id"`
	MemberID  string             `json:"member_id"`
	Status    image.MemberStatus `json:"status"`
	CreatedAt string             `json:"created_at"`
	UpdatedAt string             `json:"updated_at"`
	Schema    string             `json:"schema"`
}

func memberBody(m image.Member) member {
	return member{m.ImageID, m.ProjectID, m.Status, stamp(m.CreatedAt), stamp(m.UpdatedAt), "/v2/schemas/member"}
}

func one(m image.Member, err error) (rest.Response, error) {
	if err != nil {
		return rest.Response{}, err
	}
	return rest.Reply(memberBody(m)), nil
}

func memberID(r *rest.Request) image.MemberID {
	return image.MemberID{ImageID: id(r), ProjectID: r.Param("member")}
}

type memberCreate struct {
	Member string `json:"member" required:"true" min:"1"`
}

func (a *api) addMember(r *rest.Request, in memberCreate) (rest.Response, error) {
	return one(a.AddMember(r.Context(), image.MemberID{ImageID: id(r), ProjectID: in.Member}))
}

func (a *api) members(r *rest.Request) (rest.Response, error) {
	list, err := a.Members(r.Context(), id(r))
	if err != nil {
		return rest.Response{}, err
	}
	out := make([]member, len(list))
	for i, m := range list {
		out[i] = memberBody(m)
	}
	return rest.ReplyUnder("members", out).And("schema", "/v2/schemas/members"), nil
}

func (a *api) member(r *rest.Request) (rest.Response, error) {
	return one(a.Member(r.Context(), memberID(r)))
}

type memberUpdate struct {
	Status image.MemberStatus `json:"status" required:"true"`
}

func (a *api) answer(r *rest.Request, in memberUpdate) (rest.Response, error) {
	return one(a.UpdateMember(r.Context(), image.MemberSpec{MemberID: memberID(r), Status: in.Status}))
}

func (a *api) removeMember(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.RemoveMember(r.Context(), memberID(r))
}
