// Package identityapi is the HTTP face of identity.Service: the Identity API v3
// (Keystone).
//
// Services, endpoints and regions are made from the faces that the Server
// serves, so the calls that would change them do not exist.
package identityapi

import (
	"encoding/json"
	"net/http"

	"github.com/maypok86/otter/v2"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

// New returns the face of s.
func New(s identity.Service) rest.Face {
	a := &api{Service: s, catalogs: newCatalogs()}
	version := map[string]any{
		"id": "v3.14", "status": "stable", "updated": "2020-04-07T00:00:00Z",
		"links":       []rest.Link{{Rel: "self", Href: "{base}/v3/"}},
		"media-types": []any{map[string]any{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}},
	}
	return rest.Face{
		Name:     "identity",
		Prefix:   "/identity",
		Services: []rest.Service{{Type: "identity", Name: "keystone"}},
		Dialect:  dialect.Titled,
		Statuses: map[error]int{identity.ErrBadToken: http.StatusNotFound},
		Documents: []rest.Document{
			{
				Path: "/", Status: http.StatusMultipleChoices, Location: "{base}/v3/",
				Body: map[string]any{"versions": map[string]any{"values": []any{version}}},
			},
			{Path: "/v3", Body: map[string]any{"version": version}},
		},
		Routes: join(
			a.tokenRoutes(), a.catalogRoutes(), a.domainRoutes(), a.projectRoutes(), a.userRoutes(),
			a.groupRoutes(), a.roleRoutes(), a.grantRoutes(), a.credentialRoutes(), a.emptyRoutes(),
		),
	}
}

type api struct {
	identity.Service

	catalogs *otter.Cache[view, json.RawMessage]
}

func join(groups ...[]rest.Route) (all []rest.Route) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// paging is how every list is asked for. Lists are in the order of names.
var paging = rest.Paging{
	Keys:  map[string]string{"name": "name", "id": "id"},
	Links: rest.LinksObject,
}

// self is the links member of most bodies.
func self(r *rest.Request, path string, segments ...string) map[string]string {
	return map[string]string{"self": r.URL(path, segments...)}
}

// unpaged is a list that comes whole.
func unpaged(r *rest.Request, key string, items any) rest.Response {
	return rest.ReplyUnder(key, items).And("links", map[string]any{
		"self": r.Self(), "previous": nil, "next": nil,
	})
}

// A kind is how things of one type are written: alone, and in lists.
type kind[T any] struct {
	one, many string
	body      func(r *rest.Request, v T) object
}

// reply is one thing, or the error that came with it.
func (k kind[T]) reply(r *rest.Request, v T, err error) (rest.Response, error) {
	if err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyUnder(k.one, k.body(r, v)), nil
}

// page is a page of things, or the error that came with it.
func (k kind[T]) page(r *rest.Request, p page.Of[T], err error) (rest.Response, error) {
	if err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyPage(r, k.many, page.Map(p, func(v T) object { return k.body(r, v) })), nil
}

// whole is a list of things that comes whole.
func (k kind[T]) whole(r *rest.Request, all []T) rest.Response {
	bodies := make([]object, len(all))
	for i, v := range all {
		bodies[i] = k.body(r, v)
	}
	return unpaged(r, k.many, bodies)
}

// enabled reads a filter that may be a bare name.
func enabled(q *rest.Query) *bool {
	if !q.Has("enabled") {
		return nil
	}
	v := q.Flag("enabled")
	return &v
}

// emptyRoutes are lists that this cloud has nothing in, and that clients ask for.
func (a *api) emptyRoutes() []rest.Route {
	none := func(key string) rest.Handler {
		return func(r *rest.Request) (rest.Response, error) { return unpaged(r, key, []any{}), nil }
	}
	return []rest.Route{
		rest.GET("/v3/limits", none("limits")),
		rest.GET("/v3/registered_limits", none("registered_limits")),
		rest.GET("/v3/limits/model", func(*rest.Request) (rest.Response, error) {
			return rest.ReplyUnder("model", object{"name": "flat", "description": "Limits do not take the hierarchy of projects into account."}), nil
		}),
		rest.GET("/v3/policies", none("policies")),
		rest.GET("/v3/users/{user}/access_rules", none("access_rules")),
	}
}
