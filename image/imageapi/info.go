package imageapi

import (
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// infoRoutes tell what this cloud can do, and what it has none of.
func (a *api) infoRoutes() []rest.Route {
	return []rest.Route{
		rest.GET("/v2/info/import", func(*rest.Request) (rest.Response, error) {
			return rest.ReplyUnder("import-methods", object{
				"description": "Ways to import an image.", "type": "array", "value": []string{},
			}), nil
		}),
		rest.GET("/v2/info/stores", a.stores),
		rest.GET("/v2/info/usage", a.usage),
		rest.GET("/v2/tasks", func(*rest.Request) (rest.Response, error) {
			return rest.ReplyUnder("tasks", []object{}).And("first", "/v2/tasks").And("schema", "/v2/schemas/tasks"), nil
		}),
		rest.GET("/v2/images/{id}/tasks", func(r *rest.Request) (rest.Response, error) {
			_, err := a.Image(r.Context(), id(r))
			return rest.ReplyUnder("tasks", []object{}), err
		}),
	}
}

func (a *api) stores(r *rest.Request) (rest.Response, error) {
	names, err := a.Stores(r.Context())
	if err != nil {
		return rest.Response{}, err
	}
	list := make([]object, len(names))
	for i, name := range names {
		list[i] = object{"id": name}
		if i == 0 {
			list[i]["default"] = "true"
		}
	}
	return rest.ReplyUnder("stores", list), nil
}

func (a *api) usage(r *rest.Request) (rest.Response, error) {
	q, err := a.Quota(r.Context(), identity.CallerOf(r.Context()).ProjectID)
	if err != nil {
		return rest.Response{}, err
	}
	out := object{}
	for resource, limit := range q.Limits {
		out[resource] = object{"limit": limit, "usage": q.Used[resource]}
	}
	return rest.ReplyUnder("usage", out), nil
}
