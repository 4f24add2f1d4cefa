// Package networkapi serves networks over the protocol of OpenStack's network
// service, Neutron v2.0. Handlers decode, call network.Service and encode.
package networkapi

import (
	"net/http"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
	"github.com/nacre-cloud/nacre/network"
)

type api struct{ networks network.Service }

const root = "/v2.0"

// New returns the HTTP face of s.
func New(s network.Service) rest.Face {
	a := &api{s}
	f := rest.Face{
		Name:     "network",
		Prefix:   "/network",
		Services: []rest.Service{{Type: "network", Name: "neutron"}},
		Dialect:  capitalised(dialect.Typed(types())),
		Statuses: map[error]int{
			fault.OverQuota: http.StatusConflict, network.ErrRevision: http.StatusPreconditionFailed,
			network.ErrNoHost: http.StatusBadRequest, // an administrator named it
		},
		Documents: documents(),
	}
	for _, routes := range [][]rest.Route{
		a.networkRoutes(), a.subnetRoutes(), a.subnetPoolRoutes(), a.portRoutes(), a.routerRoutes(), a.floatingRoutes(),
		a.groupRoutes(), a.tagRoutes(), a.quotaRoutes(), a.agentRoutes(), a.otherRoutes(),
	} {
		f.Routes = append(f.Routes, routes...)
	}
	return f
}

// types are the names by which clients know failures.
func types() map[error]string {
	t := map[error]string{
		network.ErrNoAddress:      "IpAddressGenerationFailure",
		network.ErrNoPrefix:       "SubnetAllocationError",
		network.ErrAddressInUse:   "IpAddressAlreadyAllocated",
		network.ErrMACInUse:       "MacAddressInUse",
		network.ErrInvalidAddress: "InvalidIpForSubnet",
		network.ErrInUse:          "InUse",
		network.ErrGatewayInPool:  "GatewayConflictWithAllocationPools",
		network.ErrRuleExists:     "SecurityGroupRuleExists",
		network.ErrUnreachable:    "ExternalGatewayForFloatingIPNotFound",
		network.ErrRevision:       "RevisionNumberConstraintFailed",
	}
	for _, what := range []string{"Network", "Subnet", "SubnetPool", "Port", "Router", "FloatingIP", "SecurityGroup", "SecurityGroupRule", "Agent"} {
		t[notFound(what)], t[inUse(what)] = what+"NotFound", what+"InUse"
	}
	return t
}

func notFound(what string) fault.Reason { return fault.NotFound.Reason("networkapi." + what) }
func inUse(what string) fault.Reason    { return fault.Conflict.Reason("networkapi." + what) }

// about makes a handler say what it was that was not found or in use.
func about(what string, h rest.Handler) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		out, err := h(r)
		switch reason := fault.ReasonOf(err); {
		case err == nil:
		case reason == network.ErrInUse:
			err = inUse(what).Errorf("%w", err)
		case reason.Kind == fault.NotFound && reason.Name == "":
			err = notFound(what).Errorf("%w", err)
		}
		return out, err
	}
}

// capitalised begins messages with a capital letter, which clients match.
func capitalised(d dialect.Dialect) dialect.Dialect {
	return func(h http.Header, p dialect.Problem) []byte {
		if p.Message != "" {
			p.Message = strings.ToUpper(p.Message[:1]) + p.Message[1:]
		}
		return d(h, p)
	}
}

func documents() []rest.Document {
	links := func(path string) []rest.Link { return []rest.Link{{Rel: "self", Href: "{base}" + path}} }
	resources := []any{}
	for _, name := range []string{"network", "subnet", "subnetpool", "port", "router", "floatingip", "security_group", "security_group_rule"} {
		plural := name + "s"
		resources = append(resources, map[string]any{"name": name, "collection": plural, "links": links(root + "/" + strings.ReplaceAll(plural, "_", "-"))})
	}
	return []rest.Document{
		{Path: "/", Body: map[string]any{"versions": []any{map[string]any{"id": "v2.0", "status": "CURRENT", "links": links(root + "/")}}}},
		{Path: root, Body: map[string]any{"resources": resources}},
	}
}
