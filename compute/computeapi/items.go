package computeapi

import (
	"unicode/utf8"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

type itemsIn struct {
	Items map[string]string `json:"metadata" required:"true"`
}

func (a *api) listItems(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	return rest.ReplyUnder("metadata", s.Metadata), err
}

func (a *api) addItems(r *rest.Request, in itemsIn) (rest.Response, error) {
	return a.patchItems(r, in.Items, compute.Patch{MetadataItems: changes(in.Items)})
}

func (a *api) replaceItems(r *rest.Request, in itemsIn) (rest.Response, error) {
	if in.Items == nil {
		return rest.Response{}, fault.Invalid.Errorf("metadata: expected an object, got null")
	}
	return a.patchItems(r, in.Items, compute.Patch{Metadata: in.Items})
}

func (a *api) showItem(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	key := r.Param("key")
	value, ok := s.Metadata[key]
	if !ok {
		return rest.Response{}, fault.NotFound.Errorf("metadata item %s was not found", key)
	}
	return rest.ReplyUnder("meta", map[string]string{key: value}), nil
}

type itemIn struct {
	Item map[string]string `json:"meta" required:"true" min:"1" max:"1"`
}

func (a *api) setItem(r *rest.Request, in itemIn) (rest.Response, error) {
	key := r.Param("key")
	value, ok := in.Item[key]
	if !ok {
		return rest.Response{}, fault.Invalid.Errorf("meta: the key must be %s, as in the URL", key)
	}
	_, err := a.patchItems(r, in.Item, compute.Patch{MetadataItems: changes(in.Item)})
	return rest.ReplyUnder("meta", map[string]string{key: value}), err
}

func (a *api) deleteItem(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	key := r.Param("key")
	if _, ok := s.Metadata[key]; !ok {
		return rest.Response{}, fault.NotFound.Errorf("metadata item %s was not found", key)
	}
	_, err = a.patchItems(r, nil, compute.Patch{MetadataItems: map[string]*string{key: nil}})
	return rest.Empty(), err
}

// patchItems sets items, all or some of them as p says, and answers with all that there are.
func (a *api) patchItems(r *rest.Request, set map[string]string, p compute.Patch) (rest.Response, error) {
	for key, value := range set {
		if n := utf8.RuneCountInString(key); n == 0 || n > 255 || utf8.RuneCountInString(value) > 255 {
			return rest.Response{}, fault.Invalid.Errorf("metadata %.40q: key and value have at most 255 characters and the key at least one", key)
		}
	}
	p.ID = compute.ServerID(r.Param("id"))
	s, err := a.UpdateServer(r.Context(), p)
	return rest.ReplyUnder("metadata", s.Metadata), err
}

// changes are those that set items.
func changes(items map[string]string) map[string]*string {
	out := make(map[string]*string, len(items))
	for key, value := range items {
		out[key] = &value
	}
	return out
}
