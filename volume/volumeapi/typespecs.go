package volumeapi

import (
	"maps"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

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
},
) (rest.Response, error) {
	if in.Specs == nil {
		return rest.Response{}, fault.Invalid.Errorf("extra_specs must be an object")
	}
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
	if _, ok := in[key]; !ok || len(in) != 1 {
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
