package computeapi

import (
	"maps"
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
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	items := cloned(s.Metadata)
	maps.Copy(items, in.Items)
	return a.patchItems(r, items, "")
}

func (a *api) replaceItems(r *rest.Request, in itemsIn) (rest.Response, error) {
	if in.Items == nil {
		return rest.Response{}, fault.Invalid.Errorf("metadata: expected an object, got null")
	}
	return a.patchItems(r, in.Items, "")
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
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	items := cloned(s.Metadata)
	items[key] = value
	return a.patchItems(r, items, key)
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
	items := cloned(s.Metadata)
	delete(items, key)
	_, err = a.patchItems(r, items, "")
	return rest.Empty(), err
}

// patchItems replaces all items and answers with them, or with one.
func (a *api) patchItems(r *rest.Request, items map[string]string, only string) (rest.Response, error) {
	for key, value := range items {
		if n := utf8.RuneCountInString(key); n == 0 || n > 255 || utf8.RuneCountInString(value) > 255 {
			return rest.Response{}, fault.Invalid.Errorf("metadata %.40q: key and value have at most 255 characters and the key at least one", key)
		}
	}
	s, err := a.UpdateServer(r.Context(), compute.Patch{ID: compute.ServerID(r.Param("id")), Metadata: items})
	if only != "" {
		return rest.ReplyUnder("meta", map[string]string{only: s.Metadata[only]}), err
	}
	return rest.ReplyUnder("metadata", s.Metadata), err
}

// cloned is maps.Clone that never returns nil.
func cloned[K comparable, V any](m map[K]V) map[K]V {
	out := make(map[K]V, len(m)+1)
	maps.Copy(out, m)
	return out
}
