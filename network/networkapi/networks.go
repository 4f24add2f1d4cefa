package networkapi

import (
	"context"
	"net/http"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

func (a *api) networkRoutes() []rest.Route {
	show := func(ctx context.Context, id string) (network.Network, error) {
		return a.networks.Network(ctx, network.ID(id))
	}
	remove := func(ctx context.Context, id string) error { return a.networks.DeleteNetwork(ctx, network.ID(id)) }
	return []rest.Route{
		rest.GET(root+"/networks", list("networks", []string{"mtu", "shared", "admin_state_up=admin_up"}, a.networks.Networks, networkOf)),
		rest.POST(root+"/networks", rest.JSON(a.createNetwork)).Status(http.StatusCreated),
		rest.GET(root+"/networks/{id}", about("Network", one("network", show, networkOf))),
		rest.PUT(root+"/networks/{id}", about("Network", rest.JSONUnder("network", a.updateNetwork))),
		rest.DELETE(root+"/networks/{id}", about("Network", drop(remove))),
	}
}

type networkView struct {
	standard
	AdminUp      bool               `json:"admin_state_up"`
	Status       network.Status     `json:"status"`
	Shared       bool               `json:"shared"`
	External     bool               `json:"router:external"`
	MTU          int                `json:"mtu"`
	PortSecurity bool               `json:"port_security_enabled"`
	Subnets      []network.SubnetID `json:"subnets"`
	Zones        []string           `json:"availability_zones"`
	ZoneHints    []string           `json:"availability_zone_hints"`
	Scope4       *string            `json:"ipv4_address_scope"`
	Scope6       *string            `json:"ipv6_address_scope"`
	IsDefault    *bool              `json:"is_default,omitzero"`

	// Only administrators see these.
	Type     *string `json:"provider:network_type,omitzero"`
	Provider *string `json:"provider:physical_network,omitzero"`
}

// networkOf shows a network, to administrators with what it stands for.
func networkOf(r *rest.Request, n network.Network) networkView {
	v := networkView{
		standard: standardOf(n.ID, n.Attributes), AdminUp: n.AdminUp, Status: network.Active, Shared: n.Shared, External: n.External,
		MTU: n.MTU, PortSecurity: n.PortSecurity, Subnets: n.Subnets,
	}
	if identity.Allow(r.Context(), "network:create:provider", nil) == nil {
		kind := "local"
		if n.Physical != "" {
			kind = "flat"
		}
		v.Type, v.Provider = &kind, &n.Physical
	}
	return v
}

type networkBody struct {
	_ struct{} `strict:"true"`
	base
	AdminUp      rest.Optional[bool]   `json:"admin_state_up"`
	Shared       rest.Optional[bool]   `json:"shared"`
	External     rest.Optional[bool]   `json:"router:external"`
	MTU          rest.Optional[int]    `json:"mtu"`
	PortSecurity rest.Optional[bool]   `json:"port_security_enabled"`
	Type         rest.Optional[string] `json:"provider:network_type"`
	Physical     rest.Optional[string] `json:"provider:physical_network"`
	Segment      rest.Optional[int]    `json:"provider:segmentation_id"`
	ZoneHints    []string              `json:"availability_zone_hints"`
	IsDefault    rest.Optional[bool]   `json:"is_default"`
	DNSDomain    rest.Optional[string] `json:"dns_domain"`
}

func (a *api) createNetwork(r *rest.Request, in struct {
	One  *networkBody  `json:"network"`
	Many []networkBody `json:"networks"`
},
) (rest.Response, error) {
	return maker[networkBody, network.Network, networkView]{
		key: "network", show: networkOf,
		undo: func(ctx context.Context, n network.Network) error { return a.networks.DeleteNetwork(ctx, n.ID) },
		create: func(r *rest.Request, b networkBody) (network.Network, error) {
			switch b.Type.Value {
			case "", "flat", "local":
			default:
				return network.Network{}, fault.Invalid.Errorf("invalid input for operation: provider:network_type '%s' is not supported; use flat or local", b.Type.Value)
			}
			return a.networks.CreateNetwork(r.Context(), network.Spec{
				Base: b.spec(), AdminDown: b.AdminUp.Given && !b.AdminUp.Value, Shared: b.Shared.Value,
				External: b.External.Value, Physical: b.Physical.Value, MTU: b.MTU.Value, PortSecurity: b.PortSecurity.Pointer(),
			})
		},
	}.make(r, in.One, in.Many)
}

func (a *api) updateNetwork(r *rest.Request, b networkBody) (rest.Response, error) {
	p, err := b.patch(r)
	if err != nil {
		return rest.Response{}, err
	}
	n, err := a.networks.UpdateNetwork(r.Context(), network.Patch{
		ID: network.ID(r.Param("id")), BasePatch: p, AdminUp: b.AdminUp.Pointer(), Shared: b.Shared.Pointer(),
		External: b.External.Pointer(), MTU: b.MTU.Pointer(), PortSecurity: b.PortSecurity.Pointer(),
	})
	return rest.ReplyUnder("network", networkOf(r, n)), err
}
