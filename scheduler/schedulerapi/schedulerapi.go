// Package schedulerapi is the HTTP face of scheduler.Service: the reading half
// of the Placement API.
//
// Each host is a resource provider without parents or aggregates, each placement
// an allocation. Inventories and allocations are written by hosts and by Place,
// so the calls that write them answer 405.
package schedulerapi

import (
	"time"

	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
	"github.com/nacre-cloud/nacre/scheduler"
)

const newest = "1.39"

// New returns the face of s.
func New(s scheduler.Service) rest.Face {
	h := handlers{s}
	return rest.Face{
		Name:          "placement",
		Prefix:        "/placement",
		Services:      []rest.Service{{Type: "placement", Name: "placement"}},
		Dialect:       dialect.Listed(nil),
		Microversions: &rest.Microversions{Min: "1.0", Max: newest, Service: "placement"},
		Documents:     []rest.Document{{Path: "/", Body: root}},
		Routes: []rest.Route{
			rest.GET("/resource_providers", h.providers),
			rest.GET("/resource_providers/{uuid}", h.provider),
			rest.GET("/resource_providers/{uuid}/inventories", h.inventories),
			rest.GET("/resource_providers/{uuid}/inventories/{class}", h.inventory),
			rest.GET("/resource_providers/{uuid}/usages", h.usages),
			rest.GET("/resource_providers/{uuid}/aggregates", h.aggregates).Since("1.1"),
			rest.GET("/resource_providers/{uuid}/traits", h.hostTraits).Since("1.6"),
			rest.GET("/resource_providers/{uuid}/allocations", h.hostAllocations),
			rest.GET("/allocations/{consumer}", h.allocations),
			rest.GET("/usages", h.projectUsages).Since("1.9"),
			rest.GET("/resource_classes", h.classes).Since("1.2"),
			rest.GET("/resource_classes/{name}", h.class).Since("1.2"),
			rest.GET("/traits", h.traits).Since("1.6"),
			rest.GET("/traits/{name}", h.trait).Since("1.6"),
		},
	}
}

var root = map[string]any{"versions": []any{map[string]any{
	"id": "v1.0", "min_version": "1.0", "max_version": newest, "status": "CURRENT",
	"links": []rest.Link{{Rel: "self", Href: ""}},
}}}

type handlers struct{ scheduler.Service }

// reply returns body with the caching headers that come with version 1.15.
func reply(r *rest.Request, body any, modified time.Time) rest.Response {
	response := rest.Reply(body)
	if !r.Since("1.15") {
		return response
	}
	return response.Header("Cache-Control", "no-cache").
		Header("Last-Modified", modified.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
}
