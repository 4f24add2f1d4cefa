package computeapi

import (
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// emptyRoutes answer for things that compute does not offer: there are none, and
// none can be made.
func (a *api) emptyRoutes() []rest.Route {
	return []rest.Route{
		rest.GET("/v2.1/os-aggregates", operatorsOnly(none("aggregates"))),
		rest.GET("/v2.1/os-aggregates/{id}", operatorsOnly(missing("aggregate"))),
		rest.POST("/v2.1/os-aggregates", operatorsOnly(unsupported("host aggregates"))),
		rest.GET("/v2.1/os-server-groups", none("server_groups")),
		rest.GET("/v2.1/os-server-groups/{id}", missing("server group")),
		rest.DELETE("/v2.1/os-server-groups/{id}", missing("server group")),
		rest.POST("/v2.1/os-server-groups", unsupported("server groups")),
		rest.GET("/v2.1/os-migrations", operatorsOnly(none("migrations"))),
	}
}

func none(key string) rest.Handler {
	return func(*rest.Request) (rest.Response, error) { return rest.ReplyUnder(key, []string{}), nil }
}

func missing(what string) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		return rest.Response{}, fault.NotFound.Errorf("%s %s could not be found", what, r.Param("id"))
	}
}

func unsupported(what string) rest.Handler {
	return func(*rest.Request) (rest.Response, error) {
		return rest.Response{}, fault.Unsupported.Errorf("this cloud does not offer %s", what)
	}
}

func operatorsOnly(h rest.Handler) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		if err := identity.Allow(r.Context(), "host:list", nil); err != nil {
			return rest.Response{}, err
		}
		return h(r)
	}
}
