// Package meteringapi is the HTTP face of metering.Service.
//
// It has two parts. Usage of projects belongs to compute's API and is served
// under its prefix: UsageRoutes. Meters are served as a reader's subset of the
// Gnocchi API, version 1:
//
//	GET /v1/metric                          meters; ?name= ?resource_id= ?project_id= ?limit= ?marker=
//	GET /v1/metric/{id}                     one meter
//	GET /v1/metric/{id}/measures            [time, seconds, value]; ?start= ?stop= ?aggregation= ?granularity=
//	GET /v1/resource/{type}/{id}            the meters of a server, by name; type is generic or instance
//	GET /v1/resource/{type}/{id}/metric/{name}[/measures]
//	GET /v1/archive_policy[/{name}]         how samples are kept: as they came
//
// Aggregations are mean, min, max, sum and count. Granularity is in seconds and
// may be any, 300 when it is not given. Nothing is written here, and there is
// no search.
package meteringapi

import (
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
	"github.com/nacre-cloud/nacre/metering"
)

// New returns the face of s.
func New(s metering.Service) rest.Face {
	h := handlers{s}
	return rest.Face{
		Name:      "metering",
		Prefix:    "/metering",
		Services:  []rest.Service{{Type: "metric", Name: "gnocchi"}},
		Dialect:   dialect.Flat,
		Documents: []rest.Document{{Path: "/", Body: versions}},
		Routes: []rest.Route{
			rest.GET("/v1/metric", h.metrics),
			rest.GET("/v1/metric/{id}", h.metric),
			rest.GET("/v1/metric/{id}/measures", h.measures),
			rest.GET("/v1/resource/{type}/{resource}", h.resource),
			rest.GET("/v1/resource/{type}/{resource}/metric/{name}", h.resourceMetric),
			rest.GET("/v1/resource/{type}/{resource}/metric/{name}/measures", h.resourceMeasures),
			rest.GET("/v1/archive_policy", h.policies),
			rest.GET("/v1/archive_policy/{name}", h.policy),
		},
	}
}

var versions = map[string]any{"versions": []any{map[string]any{
	"id": "v1.0", "status": "CURRENT", "links": []rest.Link{{Rel: "self", Href: "{base}/v1/"}},
}}}

type handlers struct{ metering.Service }
