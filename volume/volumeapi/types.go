package volumeapi

import (
	"maps"
	"net/http"
	"slices"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
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
	query := volume.TypeQuery{Query: q.Page(paging()), Name: q.String("name")}
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	list, err := a.volumes.Types(r.Context(), query)
	return rest.ReplyPage(r, "volume_types", page.Map(list, typeOf)), err
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
	Name        string            `json:"name" required:"true"`
	Description *string           `json:"description"`
	Public      *bool             `json:"os-volume-type-access:is_public"`
	Specs       map[string]string `json:"extra_specs"`
}) (rest.Response, error) {
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
	Name        *string `json:"name"`
	Description *string `json:"description"`
	Public      *bool   `json:"is_public"`
}) (rest.Response, error) {
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

func (a *api) listSpecs(r *rest.Request) (rest.Response, error) {
	t, err := a.volumes.Type(r.Context(), r.Param("id"))
	return rest.ReplyUnder("extra_specs", t.Specs), err
}

// changeSpecs lets change alter the specs of the request's type.
func (a *api) changeSpecs(r *rest.Request, change func(specs map[string]string) error) error {
	t, err := a.volumes.Type(r.Context(), r.Param("id"))
	if err != nil {
		return err
	}
	specs := map[string]string{}
	maps.Copy(specs, t.Specs)
	if err := change(specs); err != nil {
		return err
	}
	t.Specs, t.Backend = specs, specs[backendSpec]
	_, err = a.volumes.UpdateType(r.Context(), t)
	return err
}

func (a *api) addSpecs(r *rest.Request, in struct {
	Specs map[string]string `json:"extra_specs" required:"true"`
}) (rest.Response, error) {
	err := a.changeSpecs(r, func(specs map[string]string) error {
		maps.Copy(specs, in.Specs)
		return nil
	})
	return rest.ReplyUnder("extra_specs", in.Specs), err
}

func (a *api) spec(r *rest.Request) (map[string]string, error) {
	t, err := a.volumes.Type(r.Context(), r.Param("id"))
	if err != nil {
		return nil, err
	}
	key := r.Param("key")
	val, ok := t.Specs[key]
	if !ok {
		return nil, fault.NotFound.Errorf("volume type %s has no extra spec %.64q", t.ID, key)
	}
	return map[string]string{key: val}, nil
}

func (a *api) showSpec(r *rest.Request) (rest.Response, error) {
	spec, err := a.spec(r)
	return rest.Reply(spec), err
}

func (a *api) putSpec(r *rest.Request, in map[string]string) (rest.Response, error) {
	key := r.Param("key")
	if keys := slices.Collect(maps.Keys(in)); len(keys) != 1 || keys[0] != key {
		return rest.Response{}, fault.Invalid.Errorf("the body must hold the one extra spec %.64q that the path names", key)
	}
	err := a.changeSpecs(r, func(specs map[string]string) error {
		specs[key] = in[key]
		return nil
	})
	return rest.Reply(in), err
}

func (a *api) deleteSpec(r *rest.Request) (rest.Response, error) {
	if _, err := a.spec(r); err != nil {
		return rest.Response{}, err
	}
	return rest.Empty(), a.changeSpecs(r, func(specs map[string]string) error {
		delete(specs, r.Param("key"))
		return nil
	})
}
