package identityapi

import (
	"context"
	"net/http"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/rest"
)

func (a *api) groupRoutes() []rest.Route {
	const member = "/v3/groups/{id}/users/{user}"
	return []rest.Route{
		rest.POST("/v3/groups", rest.JSONUnder("group", a.createGroup)).Status(http.StatusCreated),
		rest.GET("/v3/groups", a.groups),
		rest.GET("/v3/groups/{id}", a.group),
		rest.PATCH("/v3/groups/{id}", rest.JSONUnder("group", a.updateGroup)),
		rest.DELETE("/v3/groups/{id}", a.deleteGroup),
		rest.GET("/v3/groups/{id}/users", a.members),
		rest.GET(member, a.membership(a.Member)),
		rest.PUT(member, a.membership(a.AddMember)),
		rest.DELETE(member, a.membership(a.RemoveMember)),
	}
}

var asGroup = kind[identity.Group]{"group", "groups", groupBody}

func groupBody(r *rest.Request, g identity.Group) object {
	return object{
		"id": g.ID, "name": g.Name, "domain_id": g.DomainID, "description": g.Description,
		"links": self(r, "/v3/groups", string(g.ID)),
	}.with(g.Extra)
}

func (a *api) createGroup(r *rest.Request, in object) (rest.Response, error) {
	f := read(in)
	s := identity.GroupSpec{
		DomainID: identity.DomainID(f.text("domain_id")), Name: f.text("name"), Description: f.text("description"),
	}
	if s.Extra = f.extra(); f.err() != nil {
		return rest.Response{}, f.err()
	}
	g, err := a.CreateGroup(r.Context(), s)
	return asGroup.reply(r, g, err)
}

func (a *api) groups(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	query := identity.GroupQuery{Query: q.Page(paging), DomainID: identity.DomainID(q.String("domain_id")), Name: q.String("name")}
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	found, err := a.Groups(r.Context(), query)
	return asGroup.page(r, found, err)
}

func (a *api) group(r *rest.Request) (rest.Response, error) {
	g, err := a.Group(r.Context(), identity.GroupID(r.Param("id")))
	return asGroup.reply(r, g, err)
}

func (a *api) updateGroup(r *rest.Request, in object) (rest.Response, error) {
	f := read(in)
	p := identity.GroupPatch{ID: identity.GroupID(r.Param("id")), Name: f.change("name"), Description: f.change("description")}
	f.take("domain_id")
	if p.Extra = f.extra(); f.err() != nil {
		return rest.Response{}, f.err()
	}
	g, err := a.UpdateGroup(r.Context(), p)
	return asGroup.reply(r, g, err)
}

func (a *api) deleteGroup(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.DeleteGroup(r.Context(), identity.GroupID(r.Param("id")))
}

func (a *api) members(r *rest.Request) (rest.Response, error) {
	query, err := userQuery(r)
	if err != nil {
		return rest.Response{}, err
	}
	query.Group = identity.GroupID(r.Param("id"))
	found, err := a.Users(r.Context(), query)
	return asUser.page(r, found, err)
}

// membership is a handler that does one thing with the user and group in the path.
func (a *api) membership(do func(ctx context.Context, m identity.Membership) error) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		m := identity.Membership{GroupID: identity.GroupID(r.Param("id")), UserID: identity.UserID(r.Param("user"))}
		return rest.Empty(), do(r.Context(), m)
	}
}
