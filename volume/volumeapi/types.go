package volumeapi

import (
	"net/http"
	"strings"

	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

// backendSpec is the spec in which clients name a type's backend.
const backendSpec = "volume_backend_name"

func (a *api) typeRoutes() []rest.Route {
	return []rest.Route{
		rest.GET(root+"/types", a.listTypes),
		rest.POST(root+"/types", rest.JSONUnder("volume_type", a.createType)).Status(http.StatusOK),
		rest.GET(root+"/types/{id}", a.showType),
		rest.PUT(root+"/types/{id}", rest.JSONUnder("volume_type", a.updateType)),
		rest.DELETE(root+"/types/{id}", a.deleteType).Status(http.StatusAccepted),
		rest.GET(root+"/types/{id}/extra_specs", a.listSpecs),
		rest.POST(root+"/types/{id}/extra_specs", rest.JSON(a.addSpecs)).Status(http.StatusOK),
		rest.GET(root+"/types/{id}/extra_specs/{key}", a.showSpec),
		rest.PUT(root+"/types/{id}/extra_specs/{key}", rest.JSON(a.putSpec)),
		rest.DELETE(root+"/types/{id}/extra_specs/{key}", a.deleteSpec).Status(http.StatusAccepted),
		rest.GET(root+"/types/{id}/os-volume-type-access", a.typeAccess),
		rest.Actions(root+"/types/{id}/action",
			rest.Action("addProjectAccess", rest.JSON(a.allowProject)),
			rest.Action("removeProjectAccess", rest.JSON(a.forbidProject)),
		).Status(http.StatusAccepted),
	}
}

type typeView struct {
	ID          volume.TypeID     `json:"id"`
	Name        string            `json:"name"`
	Description *string           `json:"description"`
	Public      bool              `json:"is_public"`
	Access      bool              `json:"os-volume-type-access:is_public"`
	QoS         *string           `json:"qos_specs_id"`
	Specs       map[string]string `json:"extra_specs"`
}

func typeOf(t volume.Type) typeView {
	return typeView{ID: t.ID, Name: t.Name, Description: nullable(t.Description), Public: t.Public, Access: t.Public, Specs: t.Specs}
}

func (a *api) listTypes(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	query := volume.TypeQuery{Query: q.Page(paging()), Name: q.String("name"), Public: publicOnly(q)}
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	list, err := a.volumes.Types(r.Context(), query)
	id := func(t volume.Type) string { return string(t.ID) }
	return replyPage(r, "volume_types", asked[volume.Type]{list, query.Limit, id}, typeOf), err
}

// publicOnly reads which types a list is about: those that are public, unless
// it says false for the others or none for both.
func publicOnly(q *rest.Query) *bool {
	yes := true
	switch strings.ToLower(q.String("is_public")) {
	case "":
		return &yes
	case "none":
		return nil
	}
	return q.OptionalBool("is_public")
}

func (a *api) showType(r *rest.Request) (rest.Response, error) {
	id := r.Param("id")
	if id == "default" {
		id = volume.DefaultType
	}
	t, err := a.volumes.Type(r.Context(), id)
	return rest.ReplyUnder("volume_type", typeOf(t)), err
}

// typeCreated is a new type; it does not say what it does not have yet.
type typeCreated struct {
	ID          volume.TypeID     `json:"id"`
	Name        string            `json:"name"`
	Description *string           `json:"description"`
	Public      bool              `json:"is_public"`
	Access      bool              `json:"os-volume-type-access:is_public"`
	Specs       map[string]string `json:"extra_specs"`
}

func (a *api) createType(r *rest.Request, in struct {
	Name        string            `json:"name" required:"true" min:"1" max:"255"`
	Description *string           `json:"description"`
	Public      *bool             `json:"os-volume-type-access:is_public" loose:"true"`
	Specs       map[string]string `json:"extra_specs"`
},
) (rest.Response, error) {
	t, err := a.volumes.CreateType(r.Context(), volume.Type{
		Name: in.Name, Description: value(in.Description), Public: in.Public == nil || *in.Public,
		Backend: in.Specs[backendSpec], Specs: in.Specs,
	})
	v := typeOf(t)
	return rest.ReplyUnder("volume_type", typeCreated{v.ID, v.Name, v.Description, v.Public, v.Access, v.Specs}), err
}

// typeUpdated is a changed type.
type typeUpdated struct {
	ID          volume.TypeID     `json:"id"`
	Name        string            `json:"name"`
	Description *string           `json:"description"`
	Public      bool              `json:"is_public"`
	Specs       map[string]string `json:"extra_specs"`
}

func (a *api) updateType(r *rest.Request, in struct {
	Name        *string `json:"name" min:"1" max:"255"`
	Description *string `json:"description"`
	Public      *bool   `json:"is_public" loose:"true"`
},
) (rest.Response, error) {
	t, err := a.volumes.Type(r.Context(), r.Param("id"))
	if err != nil {
		return rest.Response{}, err
	}
	if in.Name != nil {
		t.Name = *in.Name
	}
	if in.Description != nil {
		t.Description = *in.Description
	}
	if in.Public != nil {
		t.Public = *in.Public
	}
	t, err = a.volumes.UpdateType(r.Context(), t)
	v := typeOf(t)
	return rest.ReplyUnder("volume_type", typeUpdated{v.ID, v.Name, v.Description, v.Public, v.Specs}), err
}

func (a *api) deleteType(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.volumes.DeleteType(r.Context(), volume.TypeID(r.Param("id")))
}
