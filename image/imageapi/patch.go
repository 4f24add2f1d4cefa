package imageapi

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// patchTypes are the content types of a change to an image. In the older one an
// operation is the name of a member, {"replace": "/name", …}, and may only add
// what is not there.
var patchTypes = []string{
	"application/openstack-images-v2.1-json-patch",
	"application/openstack-images-v2.0-json-patch",
}

// An operation is one step of a change to an image.
type operation struct {
	verb, name string
	value      any
	strict     bool // an add that may not replace
}

func (a *api) patch(r *rest.Request, in []object) (rest.Response, error) {
	if kind, _, err := mime.ParseMediaType(r.Header("Content-Type")); err != nil || !slices.Contains(patchTypes, kind) {
		return rest.Response{}, rest.WithStatus(http.StatusUnsupportedMediaType,
			fault.Invalid.Errorf("a change of an image is sent as one of %s", strings.Join(patchTypes, ", ")))
	}
	list := make([]operation, len(in))
	for n, o := range in {
		var err error
		if list[n], err = read(o); err != nil {
			return rest.Response{}, err
		}
	}
	i, err := a.Image(r.Context(), id(r))
	if err != nil {
		return rest.Response{}, err
	}
	there := map[string]bool{}
	for name := range i.Properties {
		there[name] = true
	}
	var c change
	c.ID = i.ID
	for _, o := range list {
		if err := o.apply(&c, there); err != nil {
			return rest.Response{}, err
		}
	}
	if i, err = a.UpdateImage(r.Context(), c.Patch); err != nil {
		return rest.Response{}, err
	}
	return rest.Reply(body(i)), nil
}

var verbs = []string{"add", "replace", "remove"}

// read understands an operation of either content type.
func read(in object) (operation, error) {
	verb, there := in["op"].(string)
	path, _ := in["path"].(string)
	o := operation{verb: verb}
	if !there {
		for _, v := range verbs {
			if p, ok := in[v].(string); ok {
				if o.verb != "" {
					return o, fault.Invalid.Errorf("an operation object has one of %v, not several", verbs)
				}
				o.verb, path, o.strict = v, p, true
			}
		}
	}
	if !slices.Contains(verbs, o.verb) {
		return o, fault.Invalid.Errorf("an operation is one of %v", verbs)
	}
	var err error
	if o.name, err = pointer(path); err != nil {
		return o, err
	}
	if err := settable(o.name); err != nil {
		return o, err
	}
	value, there := in["value"]
	if !there && o.verb != "remove" {
		return o, fault.Invalid.Errorf("operation %s %s needs a value", o.verb, path)
	}
	o.value = value
	return o, nil
}

// pointer returns the member that a path such as "/name" points at.
func pointer(path string) (string, error) {
	name, ok := strings.CutPrefix(path, "/")
	if !ok || name == "" {
		return "", fault.Invalid.Errorf("path %.80q is not a slash and the name of an attribute", path)
	}
	for i := range len(name) {
		if name[i] == '~' && (i+1 == len(name) || name[i+1] != '0' && name[i+1] != '1') {
			return "", fault.Invalid.Errorf("path %.80q: a ~ is written ~0 and a / is written ~1", path)
		}
	}
	root, _, deep := strings.Cut(name, "/")
	if err := settable(root); err != nil {
		return "", err
	}
	if deep {
		return "", fault.Invalid.Errorf("path %.80q: attributes have no parts", path)
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(name), nil
}

// apply adds the operation to c. The properties that are there by then are known.
func (o operation) apply(c *change, there map[string]bool) error {
	isBase := slices.Contains(base, o.name)
	switch {
	case o.verb == "remove" && isBase:
		return fault.Forbidden.Errorf("property %s may not be removed", o.name)
	case !isBase && !there[o.name] && o.verb != "add":
		return fault.Conflict.Errorf("property %s does not exist", o.name)
	case o.verb == "add" && o.strict && (isBase || there[o.name]):
		return fault.Conflict.Errorf("property %s is already present", o.name)
	case o.verb == "remove":
		delete(there, o.name)
		c.property(o.name, nil)
		return nil
	}
	if !isBase {
		there[o.name] = o.value != nil
	}
	return c.assign(o.name, o.value)
}
