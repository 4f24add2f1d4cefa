package computeapi

import (
	"encoding/json"
	"regexp"
	"slices"
	"unicode/utf8"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// specs are extra specs as clients write them: text, or numbers that become text.
type specs map[string]json.RawMessage

var specKeys = regexp.MustCompile(`^[\w:. -]{1,255}$`)

func (s specs) texts() (map[string]string, error) {
	out := make(map[string]string, len(s))
	for key, raw := range s {
		var value string
		if json.Unmarshal(raw, &value) != nil {
			var n json.Number
			if json.Unmarshal(raw, &n) != nil {
				return nil, fault.Invalid.Errorf("extra_specs.%s: expected a string", key)
			}
			value = n.String()
		}
		if !specKeys.MatchString(key) || utf8.RuneCountInString(value) > 255 {
			return nil, fault.Invalid.Errorf("extra_specs %.40q: keys have 1 to 255 letters, digits, blanks and any of _:.-, values at most 255 characters", key)
		}
		out[key] = value
	}
	return out, nil
}

func (a *api) flavor(r *rest.Request) (compute.Flavor, error) {
	return a.Flavor(r.Context(), r.Param("id"))
}

func (a *api) listSpecs(r *rest.Request) (rest.Response, error) {
	f, err := a.flavor(r)
	return rest.ReplyUnder("extra_specs", f.Specs), err
}

type specsIn struct {
	Specs specs `json:"extra_specs" required:"true"`
}

func (a *api) addSpecs(r *rest.Request, in specsIn) (rest.Response, error) {
	added, err := in.Specs.texts()
	if err != nil {
		return rest.Response{}, err
	}
	err = a.patchSpecs(r, changes(added))
	return rest.ReplyUnder("extra_specs", added), err
}

func (a *api) setSpec(r *rest.Request, in specs) (rest.Response, error) {
	set, err := in.texts()
	if err != nil {
		return rest.Response{}, err
	}
	key := r.Param("key")
	if _, ok := set[key]; !ok || len(set) != 1 {
		return rest.Response{}, fault.Invalid.Errorf("the body must have the one member %s, as in the URL", key)
	}
	err = a.patchSpecs(r, changes(set))
	return rest.Reply(set), err
}

func (a *api) showSpec(r *rest.Request) (rest.Response, error) {
	f, err := a.flavor(r)
	if err != nil {
		return rest.Response{}, err
	}
	key := r.Param("key")
	if err := hasSpec(f.Specs, f.ID, key); err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyUnder(key, f.Specs[key]), nil
}

func hasSpec(all map[string]string, flavor, key string) error {
	if _, ok := all[key]; !ok {
		return fault.NotFound.Errorf("flavor %s has no extra specs with key %s", flavor, key)
	}
	return nil
}

func (a *api) deleteSpec(r *rest.Request) (rest.Response, error) {
	f, err := a.flavor(r)
	if err != nil {
		return rest.Response{}, err
	}
	key := r.Param("key")
	if err := hasSpec(f.Specs, f.ID, key); err != nil {
		return rest.Response{}, err
	}
	return rest.Empty(), a.patchSpecs(r, map[string]*string{key: nil})
}

func (a *api) patchSpecs(r *rest.Request, changes map[string]*string) error {
	_, err := a.UpdateFlavor(r.Context(), compute.FlavorPatch{ID: r.Param("id"), Specs: changes})
	return err
}

type accessOut struct {
	Flavor  string `json:"flavor_id"`
	Project string `json:"tenant_id"`
}

func (a *api) listAccess(r *rest.Request) (rest.Response, error) {
	f, err := a.flavor(r)
	if err != nil {
		return rest.Response{}, err
	}
	if f.Public {
		return rest.Response{}, fault.NotFound.Errorf("access list not available for public flavors")
	}
	if c := identity.CallerOf(r.Context()); !c.Admin() {
		// A project need not know who else has the flavor.
		f.Projects = slices.DeleteFunc(f.Projects, func(p string) bool { return p != c.ProjectID })
	}
	return replyAccess(f), nil
}

func replyAccess(f compute.Flavor) rest.Response {
	list := make([]accessOut, len(f.Projects))
	for i, project := range f.Projects {
		list[i] = accessOut{f.ID, project}
	}
	return rest.ReplyUnder("flavor_access", list)
}

type accessIn struct {
	Project string `json:"tenant" required:"true" min:"1" max:"255"`
}

func (a *api) addAccess(r *rest.Request, in accessIn) (rest.Response, error) {
	f, err := a.UpdateFlavor(r.Context(), compute.FlavorPatch{ID: r.Param("id"), AddProject: in.Project})
	return replyAccess(f), err
}

func (a *api) removeAccess(r *rest.Request, in accessIn) (rest.Response, error) {
	f, err := a.UpdateFlavor(r.Context(), compute.FlavorPatch{ID: r.Param("id"), RemoveProject: in.Project})
	return replyAccess(f), err
}
