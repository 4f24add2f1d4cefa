// Package computeapi is the HTTP face of compute.Service: the Nova API, version
// 2.1, microversions 2.1 to 2.93.
//
// Handlers decode, call the Service and encode. What a microversion adds or takes
// away is a tag of a wire struct or of a route; nothing else knows versions. Calls
// about the things of other services that ended with 2.35 (images, security
// groups) are passed on to those.
//
// What compute does not offer is refused in words, with 501: resize, rebuild,
// rescue, shelve, migration, snapshots of servers, server groups, passwords.
//
// The package also serves guests their metadata, see Metadata.
package computeapi

import (
	"net/http"
	"slices"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/scheduler"
)

// The microversions of this face.
const (
	oldest = "2.1"
	newest = "2.93"
)

// lastProxy is the last microversion that answers for other services.
const lastProxy = "2.35"

// api holds the services that handlers call.
type api struct {
	compute.Service
	networks  network.Service
	images    image.Service
	scheduler scheduler.Service
}

// Face returns the face of p.Servers.
func Face(p Params) rest.Face {
	a := &api{p.Servers, p.Networks, p.Images, p.Scheduler}
	routes := slices.Concat(
		a.serverRoutes(), a.deviceRoutes(), a.flavorRoutes(), a.keypairRoutes(), a.quotaRoutes(), a.hostRoutes(),
		a.emptyRoutes(), extensionRoutes(),
	)
	if a.networks != nil {
		routes = append(routes, a.groupRoutes()...)
	}
	if a.images != nil {
		routes = append(routes, a.imageRoutes()...)
	}
	return rest.Face{
		Name:     "compute",
		Prefix:   "/compute",
		Services: []rest.Service{{Type: "compute", Name: "nova", Path: "/v2.1"}},
		Dialect:  dialect.Keyed,
		Statuses: map[error]int{fault.OverQuota: http.StatusForbidden},
		Microversions: &rest.Microversions{
			Min: oldest, Max: newest, Service: "compute", Header: "X-OpenStack-Nova-API-Version",
		},
		Documents:        documents,
		Aliases:          map[string][]string{"/v2.1": {"/v2.1/{project_id}", "/v2", "/v2/{project_id}"}},
		RequestIDHeaders: []string{"X-Compute-Request-Id"},
		Routes:           routes,
	}
}

func (a *api) serverRoutes() []rest.Route {
	return []rest.Route{
		rest.GET("/v2.1/servers", a.listServers),
		rest.GET("/v2.1/servers/detail", a.detailServers),
		rest.POST("/v2.1/servers", rest.JSON(a.createServers)).Status(http.StatusAccepted).Strict(),
		rest.GET("/v2.1/servers/{id}", a.showServer),
		rest.PUT("/v2.1/servers/{id}", rest.JSONUnder("server", a.updateServer)).Strict(),
		rest.DELETE("/v2.1/servers/{id}", a.deleteServer),
		rest.Actions("/v2.1/servers/{id}/action", a.actions()...).Status(http.StatusAccepted),

		rest.GET("/v2.1/servers/{id}/metadata", a.listItems),
		rest.POST("/v2.1/servers/{id}/metadata", rest.JSON(a.addItems)).Strict(),
		rest.PUT("/v2.1/servers/{id}/metadata", rest.JSON(a.replaceItems)).Strict(),
		rest.GET("/v2.1/servers/{id}/metadata/{key}", a.showItem),
		rest.PUT("/v2.1/servers/{id}/metadata/{key}", rest.JSON(a.setItem)).Strict(),
		rest.DELETE("/v2.1/servers/{id}/metadata/{key}", a.deleteItem),

		rest.GET("/v2.1/servers/{id}/tags", a.listTags).Since("2.26"),
		rest.PUT("/v2.1/servers/{id}/tags", rest.JSON(a.replaceTags)).Since("2.26").Strict(),
		rest.DELETE("/v2.1/servers/{id}/tags", a.deleteTags).Since("2.26"),
		rest.GET("/v2.1/servers/{id}/tags/{tag}", a.checkTag).Since("2.26"),
		rest.PUT("/v2.1/servers/{id}/tags/{tag}", a.addTag).Since("2.26"),
		rest.DELETE("/v2.1/servers/{id}/tags/{tag}", a.deleteTag).Since("2.26"),

		rest.GET("/v2.1/servers/{id}/ips", a.listAddresses),
		rest.GET("/v2.1/servers/{id}/ips/{network}", a.showAddresses),
		rest.GET("/v2.1/servers/{id}/os-instance-actions", a.listActions),
		rest.GET("/v2.1/servers/{id}/os-instance-actions/{request}", a.showAction),
		rest.POST("/v2.1/os-server-external-events", rest.JSON(a.externalEvents)).Strict(),

		rest.GET("/v2.1/servers/{id}/os-server-password", a.showPassword),
		rest.DELETE("/v2.1/servers/{id}/os-server-password", a.clearPassword),
		rest.POST("/v2.1/servers/{id}/remote-consoles", a.refused).Since("2.6"),
		rest.GET("/v2.1/servers/{id}/migrations", a.noMigrations).Since("2.23"),
	}
}

func (a *api) deviceRoutes() []rest.Route {
	return []rest.Route{
		rest.GET("/v2.1/servers/{id}/os-interface", a.listInterfaces),
		rest.POST("/v2.1/servers/{id}/os-interface", a.createInterface).Strict(),
		rest.GET("/v2.1/servers/{id}/os-interface/{port}", a.showInterface),
		rest.DELETE("/v2.1/servers/{id}/os-interface/{port}", a.deleteInterface).Status(http.StatusAccepted),

		rest.GET("/v2.1/servers/{id}/os-volume_attachments", a.listAttachments),
		rest.POST("/v2.1/servers/{id}/os-volume_attachments", rest.JSONUnder("volumeAttachment", a.createAttachment)).Strict(),
		rest.GET("/v2.1/servers/{id}/os-volume_attachments/{volume}", a.showAttachment),
		rest.PUT("/v2.1/servers/{id}/os-volume_attachments/{volume}", a.refused),
		rest.DELETE("/v2.1/servers/{id}/os-volume_attachments/{volume}", a.deleteAttachment).Status(http.StatusAccepted),
	}
}

func (a *api) flavorRoutes() []rest.Route {
	return []rest.Route{
		rest.GET("/v2.1/flavors", a.listFlavors),
		rest.GET("/v2.1/flavors/detail", a.detailFlavors),
		rest.POST("/v2.1/flavors", rest.JSONUnder("flavor", a.createFlavor)).Strict(),
		rest.GET("/v2.1/flavors/{id}", a.showFlavor),
		rest.PUT("/v2.1/flavors/{id}", rest.JSONUnder("flavor", a.updateFlavor)).Since("2.55").Strict(),
		rest.DELETE("/v2.1/flavors/{id}", a.deleteFlavor).Status(http.StatusAccepted),

		rest.GET("/v2.1/flavors/{id}/os-extra_specs", a.listSpecs),
		rest.POST("/v2.1/flavors/{id}/os-extra_specs", rest.JSON(a.addSpecs)).Strict(),
		rest.GET("/v2.1/flavors/{id}/os-extra_specs/{key}", a.showSpec),
		rest.PUT("/v2.1/flavors/{id}/os-extra_specs/{key}", rest.JSON(a.setSpec)),
		rest.DELETE("/v2.1/flavors/{id}/os-extra_specs/{key}", a.deleteSpec).Status(http.StatusOK),

		rest.GET("/v2.1/flavors/{id}/os-flavor-access", a.listAccess),
		rest.Actions("/v2.1/flavors/{id}/action",
			rest.Action("addTenantAccess", rest.JSON(a.addAccess)).Strict(),
			rest.Action("removeTenantAccess", rest.JSON(a.removeAccess)).Strict(),
		).Status(http.StatusOK),
	}
}

func (a *api) keypairRoutes() []rest.Route {
	return []rest.Route{
		rest.GET("/v2.1/os-keypairs", a.listKeypairs),
		rest.POST("/v2.1/os-keypairs", rest.JSONUnder("keypair", a.createKeypair)).Until("2.1").Strict(),
		rest.POST("/v2.1/os-keypairs", rest.JSONUnder("keypair", a.createKeypair)).Since("2.2").Status(http.StatusCreated).Strict(),
		rest.GET("/v2.1/os-keypairs/{name}", a.showKeypair),
		rest.DELETE("/v2.1/os-keypairs/{name}", a.deleteKeypair).Until("2.1").Status(http.StatusAccepted),
		rest.DELETE("/v2.1/os-keypairs/{name}", a.deleteKeypair).Since("2.2"),
	}
}

func (a *api) quotaRoutes() []rest.Route {
	return []rest.Route{
		rest.GET("/v2.1/limits", a.limits),
		rest.GET("/v2.1/os-quota-sets/{project}", a.showQuota),
		rest.GET("/v2.1/os-quota-sets/{project}/detail", a.detailQuota),
		rest.GET("/v2.1/os-quota-sets/{project}/defaults", a.defaultQuota),
		rest.PUT("/v2.1/os-quota-sets/{project}", rest.JSONUnder("quota_set", a.setQuota)).Strict(),
		rest.DELETE("/v2.1/os-quota-sets/{project}", a.resetQuota).Status(http.StatusAccepted),
		rest.GET("/v2.1/os-quota-class-sets/{class}", a.quotaClass),
	}
}

func (a *api) hostRoutes() []rest.Route {
	routes := []rest.Route{
		rest.GET("/v2.1/os-availability-zone", a.listZones),
		rest.GET("/v2.1/os-availability-zone/detail", a.detailZones),

		rest.GET("/v2.1/os-hypervisors", a.listHypervisors),
		rest.GET("/v2.1/os-hypervisors/detail", a.detailHypervisors),
		rest.GET("/v2.1/os-hypervisors/statistics", a.statistics).Until("2.87"),
		rest.GET("/v2.1/os-hypervisors/{id}", a.showHypervisor),
		rest.GET("/v2.1/os-hypervisors/{id}/uptime", a.uptime).Until("2.87"),
		rest.GET("/v2.1/os-hypervisors/{id}/search", a.searchHypervisors).Until("2.52"),
		rest.GET("/v2.1/os-hypervisors/{id}/servers", a.hypervisorServers).Until("2.52"),

		rest.GET("/v2.1/os-services", a.listServices),
	}
	if a.scheduler == nil {
		return routes
	}
	return append(routes,
		rest.PUT("/v2.1/os-services/enable", rest.JSON(a.enableService)).Until("2.52").Strict(),
		rest.PUT("/v2.1/os-services/disable", rest.JSON(a.disableService)).Until("2.52").Strict(),
		rest.PUT("/v2.1/os-services/disable-log-reason", rest.JSON(a.disableServiceWhy)).Until("2.52").Strict(),
		rest.PUT("/v2.1/os-services/{id}", rest.JSON(a.updateService)).Since("2.53").Strict(),
		rest.DELETE("/v2.1/os-services/{id}", a.deleteService),
	)
}
