package networkapi

import (
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// An extension is a part of the protocol that clients ask for by its alias.
type extension struct {
	Alias       string   `json:"alias"`
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Updated     string   `json:"updated"`
	Links       []string `json:"links"`
}

// extensions lists what works here, and nothing else: clients skip what is
// absent, and fail on what is promised and missing.
var extensions = []extension{
	{Alias: "agent", Name: "agent", Description: "The hosts that carry networks.", Updated: "2013-02-03T10:00:00-00:00"},
	{Alias: "allowed-address-pairs", Name: "Allowed Address Pairs", Description: "Further senders that a port may speak for.", Updated: "2013-07-23T10:00:00-00:00"},
	{Alias: "availability_zone", Name: "Availability Zone", Description: "The zones that there are.", Updated: "2015-01-01T10:00:00-00:00"},
	{Alias: "binding", Name: "Port Binding", Description: "The host that a port is plugged into.", Updated: "2014-02-03T10:00:00-00:00"},
	{Alias: "external-net", Name: "External networks", Description: "Networks that lead outside.", Updated: "2013-01-14T10:00:00-00:00"},
	{Alias: "ext-gw-mode", Name: "Router L3 Configurable external gateway mode", Description: "Gateways with and without SNAT.", Updated: "2013-03-28T10:00:00-00:00"},
	{Alias: "extraroute", Name: "Extra routes", Description: "Static routes of routers.", Updated: "2013-02-01T10:00:00-00:00"},
	{Alias: "extraroute-atomic", Name: "Atomically add/remove extra routes", Description: "Static routes one by one.", Updated: "2019-07-10T00:00:00+00:00"},
	{Alias: "filter-validation", Name: "Filter parameters validation", Description: "Unknown filters are refused.", Updated: "2018-03-21T10:00:00-00:00"},
	{Alias: "ip-substring-filtering", Name: "IP address substring filtering", Description: "Ports by a part of their address.", Updated: "2017-11-28T09:00:00-00:00"},
	{Alias: "net-mtu", Name: "Network MTU", Description: "The size of the largest packet.", Updated: "2015-03-25T10:00:00-00:00"},
	{Alias: "net-mtu-writable", Name: "Network MTU (writable)", Description: "Its choice.", Updated: "2017-07-12T00:00:00-00:00"},
	{Alias: "pagination", Name: "Pagination support", Description: "Lists in pages.", Updated: "2016-06-12T00:00:00-00:00"},
	{Alias: "port-security", Name: "Port Security", Description: "Guards against spoofing, and groups, can be switched off.", Updated: "2012-07-23T10:00:00-00:00"},
	{Alias: "project-id", Name: "project_id field enabled", Description: "Every thing has a project_id.", Updated: "2016-09-09T09:09:09-09:09"},
	{Alias: "provider", Name: "Provider Network", Description: "The operator's network that a network stands for.", Updated: "2012-09-07T10:00:00-00:00"},
	{Alias: "quota_details", Name: "Quota details management support", Description: "What a project uses of its quota.", Updated: "2017-02-10T10:00:00-00:00"},
	{Alias: "quotas", Name: "Quota management support", Description: "Limits of projects.", Updated: "2012-07-29T10:00:00-00:00"},
	{Alias: "revision-if-match", Name: "If-Match constraints based on revision_number", Description: "Changes of one revision only.", Updated: "2016-12-11T00:00:00-00:00"},
	{Alias: "router", Name: "Neutron L3 Router", Description: "Routers and floating IPs.", Updated: "2012-07-20T10:00:00-00:00"},
	{Alias: "security-group", Name: "security-group", Description: "Rules about who may reach a port.", Updated: "2012-10-05T10:00:00-00:00"},
	{Alias: "sorting", Name: "Sorting support", Description: "Lists in an order.", Updated: "2016-06-12T00:00:00-00:00"},
	{Alias: "standard-attr-description", Name: "standard-attr-description", Description: "Every thing has a description.", Updated: "2016-02-10T10:00:00-00:00"},
	{Alias: "standard-attr-revisions", Name: "Resource revision numbers", Description: "Every thing counts its changes.", Updated: "2016-04-11T10:00:00-00:00"},
	{Alias: "standard-attr-tag", Name: "Tag support for resources with standard attribute", Description: "Every thing has tags.", Updated: "2017-01-01T00:00:00-00:00"},
	{Alias: "standard-attr-timestamp", Name: "Resource timestamps", Description: "Every thing knows when it was made and changed.", Updated: "2016-09-12T10:00:00-00:00"},
	{Alias: "subnet_allocation", Name: "Subnet Allocation", Description: "Subnets cut out of pools of addresses.", Updated: "2015-03-30T10:00:00-00:00"},
	{Alias: "tag-creation", Name: "Tag creation", Description: "Things are made with their tags.", Updated: "2019-11-01T00:00:00-00:00"},
}

func (a *api) otherRoutes() []rest.Route {
	return []rest.Route{
		rest.GET(root+"/extensions", func(*rest.Request) (rest.Response, error) { return rest.ReplyUnder("extensions", extensions), nil }),
		rest.GET(root+"/extensions/{alias}", showExtension),
		rest.GET(root+"/service-providers", func(*rest.Request) (rest.Response, error) {
			return rest.ReplyUnder("service_providers", []string{}), nil
		}),
		rest.GET(root+"/availability_zones", a.zones),
	}
}

func showExtension(r *rest.Request) (rest.Response, error) {
	for _, e := range extensions {
		if e.Alias == r.Param("alias") {
			return rest.ReplyUnder("extension", e), nil
		}
	}
	return rest.Response{}, fault.NotFound.Errorf("extension with alias %s does not exist", r.Param("alias"))
}

func (a *api) zones(r *rest.Request) (rest.Response, error) {
	type zone struct {
		Name     string `json:"name"`
		Resource string `json:"resource"`
		State    string `json:"state"`
	}
	names, err := a.networks.AvailabilityZones(r.Context())
	var out []zone
	for _, n := range names {
		out = append(out, zone{n, "network", "available"}, zone{n, "router", "available"})
	}
	return rest.ReplyUnder("availability_zones", out), err
}
