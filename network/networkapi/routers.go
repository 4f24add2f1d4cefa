package networkapi

import (
	"context"
	"net/http"

	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

func (a *api) routerRoutes() []rest.Route {
	show := func(ctx context.Context, id string) (network.Router, error) {
		return a.networks.Router(ctx, network.RouterID(id))
	}
	remove := func(ctx context.Context, id string) error { return a.networks.DeleteRouter(ctx, network.RouterID(id)) }
	return []rest.Route{
		rest.GET(root+"/routers", list("routers", []string{"admin_state_up=admin_up"}, a.networks.Routers, routerOf)),
		rest.POST(root+"/routers", rest.JSON(a.createRouter)).Status(http.StatusCreated),
		rest.GET(root+"/routers/{id}", about("Router", one("router", show, routerOf))),
		rest.PUT(root+"/routers/{id}", about("Router", rest.JSONUnder("router", a.updateRouter))),
		rest.DELETE(root+"/routers/{id}", about("Router", drop(remove))),
		rest.PUT(root+"/routers/{id}/add_router_interface", about("Router", rest.JSON(a.changeInterface(a.networks.AddInterface)))),
		rest.PUT(root+"/routers/{id}/remove_router_interface", about("RouterInterface", rest.JSON(a.changeInterface(a.networks.RemoveInterface)))),
		rest.PUT(root+"/routers/{id}/add_extraroutes", about("Router", rest.JSONUnder("router", a.changeRoutes(true)))),
		rest.PUT(root+"/routers/{id}/remove_extraroutes", about("Router", rest.JSONUnder("router", a.changeRoutes(false)))),
	}
}

type gateway struct {
	NetworkID string                   `json:"network_id"`
	SNAT      rest.Optional[bool]      `json:"enable_snat"`
	FixedIPs  rest.Optional[[]fixedIP] `json:"external_fixed_ips"`
}

// parse reads a gateway; null and an empty object are none.
func (g gateway) parse() (network.Gateway, error) {
	out := network.Gateway{NetworkID: network.ID(g.NetworkID), SNAT: g.SNAT.Pointer()}
	if len(g.FixedIPs.Value) == 0 {
		return out, nil
	}
	fixed, err := parseFixed(g.FixedIPs.Value)
	if err == nil {
		out.Addresses = *fixed
	}
	return out, err
}

type gatewayView struct {
	NetworkID network.ID `json:"network_id"`
	SNAT      bool       `json:"enable_snat"`
	FixedIPs  []fixedIP  `json:"external_fixed_ips"`
}

type routerView struct {
	standard
	AdminUp     bool           `json:"admin_state_up"`
	Status      network.Status `json:"status"`
	Gateway     *gatewayView   `json:"external_gateway_info"`
	Routes      []route        `json:"routes"`
	Distributed bool           `json:"distributed"`
	HA          bool           `json:"ha"`
	Zones       []string       `json:"availability_zones"`
	ZoneHints   []string       `json:"availability_zone_hints"`
	FlavorID    *string        `json:"flavor_id"`
}

func routerOf(_ *rest.Request, r network.Router) routerView {
	v := routerView{standard: standardOf(r.ID, r.Attributes), AdminUp: r.AdminUp, Status: network.Active, Routes: routesOf(r.Routes)}
	if r.GatewayNetworkID != "" {
		v.Gateway = &gatewayView{r.GatewayNetworkID, r.SNAT, fixedOf(r.GatewayAddresses)}
	}
	return v
}

type routerBody struct {
	_ struct{} `strict:"true"`
	base
	AdminUp     rest.Optional[bool]    `json:"admin_state_up"`
	Gateway     rest.Optional[gateway] `json:"external_gateway_info"`
	Routes      rest.Optional[[]route] `json:"routes"`
	Distributed rest.Optional[bool]    `json:"distributed"`
	HA          rest.Optional[bool]    `json:"ha"`
	ZoneHints   []string               `json:"availability_zone_hints"`
}

func (a *api) createRouter(r *rest.Request, in struct {
	One  *routerBody  `json:"router"`
	Many []routerBody `json:"routers"`
},
) (rest.Response, error) {
	return maker[routerBody, network.Router, routerView]{
		key: "router", show: routerOf,
		undo: func(ctx context.Context, r network.Router) error { return a.networks.DeleteRouter(ctx, r.ID) },
		create: func(r *rest.Request, b routerBody) (network.Router, error) {
			g, err := b.Gateway.Value.parse()
			if err != nil {
				return network.Router{}, err
			}
			return a.networks.CreateRouter(r.Context(), network.RouterSpec{
				Base: b.spec(), AdminDown: b.AdminUp.Given && !b.AdminUp.Value, Gateway: g,
			})
		},
	}.make(r, in.One, in.Many)
}

func (a *api) updateRouter(r *rest.Request, b routerBody) (rest.Response, error) {
	base, err := b.patch(r)
	if err != nil {
		return rest.Response{}, err
	}
	p := network.RouterPatch{ID: network.RouterID(r.Param("id")), BasePatch: base, AdminUp: b.AdminUp.Pointer()}
	if b.Gateway.Given {
		g, err := b.Gateway.Value.parse()
		if err != nil {
			return rest.Response{}, err
		}
		p.Gateway = &g
	}
	if b.Routes.Given {
		routes, err := parseRoutes("routes", b.Routes.Value)
		if err != nil {
			return rest.Response{}, err
		}
		p.Routes = &routes
	}
	out, err := a.networks.UpdateRouter(r.Context(), p)
	return rest.ReplyUnder("router", routerOf(r, out)), err
}

type interfaceBody struct {
	SubnetID string `json:"subnet_id"`
	PortID   string `json:"port_id"`
}

type interfaceView struct {
	ID        string             `json:"id"`
	ProjectID string             `json:"project_id"`
	TenantID  string             `json:"tenant_id"`
	PortID    network.PortID     `json:"port_id"`
	NetworkID network.ID         `json:"network_id"`
	SubnetID  network.SubnetID   `json:"subnet_id"`
	SubnetIDs []network.SubnetID `json:"subnet_ids"`
	Tags      []string           `json:"tags"`
}

func (a *api) changeInterface(change func(context.Context, network.InterfaceSpec) (network.Port, error)) func(*rest.Request, interfaceBody) (rest.Response, error) {
	return func(r *rest.Request, b interfaceBody) (rest.Response, error) {
		p, err := change(r.Context(), network.InterfaceSpec{
			Router: network.RouterID(r.Param("id")), Subnet: network.SubnetID(b.SubnetID), Port: network.PortID(b.PortID),
		})
		if err != nil {
			return rest.Response{}, err
		}
		v := interfaceView{ID: r.Param("id"), ProjectID: p.ProjectID, TenantID: p.ProjectID, PortID: p.ID, NetworkID: p.NetworkID}
		for _, f := range p.Addresses {
			v.SubnetIDs = append(v.SubnetIDs, f.SubnetID)
		}
		if len(v.SubnetIDs) > 0 {
			v.SubnetID = v.SubnetIDs[0]
		}
		return rest.Reply(v), nil
	}
}

func (a *api) changeRoutes(add bool) func(*rest.Request, struct {
	Routes []route `json:"routes"`
}) (rest.Response, error) {
	return func(r *rest.Request, in struct {
		Routes []route `json:"routes"`
	},
	) (rest.Response, error) {
		routes, err := parseRoutes("routes", in.Routes)
		if err != nil {
			return rest.Response{}, err
		}
		s := network.RoutesSpec{Router: network.RouterID(r.Param("id")), Remove: routes}
		if add {
			s.Add, s.Remove = routes, nil
		}
		out, err := a.networks.ChangeRoutes(r.Context(), s)
		return rest.ReplyUnder("router", routerOf(r, out)), err
	}
}
