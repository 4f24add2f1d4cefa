package networkapi

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

func (a *api) subnetRoutes() []rest.Route {
	show := func(ctx context.Context, id string) (network.Subnet, error) {
		return a.networks.Subnet(ctx, network.SubnetID(id))
	}
	remove := func(ctx context.Context, id string) error { return a.networks.DeleteSubnet(ctx, network.SubnetID(id)) }
	return []rest.Route{
		rest.GET(root+"/subnets", list("subnets", []string{"cidr", "network_id"}, a.networks.Subnets, subnetOf)),
		rest.POST(root+"/subnets", rest.JSON(a.createSubnet)).Status(http.StatusCreated),
		rest.GET(root+"/subnets/{id}", about("Subnet", one("subnet", show, subnetOf))),
		rest.PUT(root+"/subnets/{id}", about("Subnet", rest.JSONUnder("subnet", a.updateSubnet))),
		rest.DELETE(root+"/subnets/{id}", about("Subnet", drop(remove))),
	}
}

type pool struct {
	Start string `json:"start" required:"true"`
	End   string `json:"end" required:"true"`
}

type route struct {
	Destination string `json:"destination" required:"true"`
	NextHop     string `json:"nexthop" required:"true"`
}

type subnetView struct {
	standard
	NetworkID   network.ID            `json:"network_id"`
	IPVersion   int                   `json:"ip_version"`
	CIDR        string                `json:"cidr"`
	Gateway     *string               `json:"gateway_ip"`
	Pools       []pool                `json:"allocation_pools"`
	DNS         []netip.Addr          `json:"dns_nameservers"`
	Routes      []route               `json:"host_routes"`
	DHCP        bool                  `json:"enable_dhcp"`
	AddressMode *network.IPv6Mode     `json:"ipv6_address_mode"`
	RAMode      *network.IPv6Mode     `json:"ipv6_ra_mode"`
	PoolID      *network.SubnetPoolID `json:"subnetpool_id"`
	Types       []string              `json:"service_types"`
	SegmentID   *string               `json:"segment_id"`
}

func subnetOf(_ *rest.Request, s network.Subnet) subnetView {
	v := subnetView{
		standard: standardOf(s.ID, s.Attributes), NetworkID: s.NetworkID, IPVersion: 6, CIDR: s.CIDR.String(), Gateway: words(s.Gateway.Addr),
		DNS: s.DNS, Routes: routesOf(s.Routes), DHCP: s.DHCP, AddressMode: orNull(s.AddressMode), RAMode: orNull(s.RAMode),
		PoolID: orNull(s.SubnetPoolID),
	}
	if s.Is4() {
		v.IPVersion = 4
	}
	for _, p := range s.Pools {
		v.Pools = append(v.Pools, pool{p.First.String(), p.Last.String()})
	}
	return v
}

func routesOf(routes []network.Route) []route {
	out := make([]route, 0, len(routes))
	for _, r := range routes {
		out = append(out, route{r.Destination.String(), r.NextHop.String()})
	}
	return out
}

func parseRoutes(what string, in []route) ([]network.Route, error) {
	out := make([]network.Route, 0, len(in))
	for _, r := range in {
		to, err := parsePrefix(what, r.Destination)
		if err != nil {
			return nil, err
		}
		by, err := parseAddr(what, r.NextHop)
		if err != nil {
			return nil, err
		}
		out = append(out, network.Route{Destination: to, NextHop: by})
	}
	return out, nil
}

type subnetBody struct {
	_ struct{} `strict:"true"`
	base
	NetworkID   string                  `json:"network_id"`
	IPVersion   rest.Optional[int]      `json:"ip_version" loose:"true"`
	CIDR        rest.Optional[string]   `json:"cidr"`
	Gateway     rest.Optional[string]   `json:"gateway_ip"`
	Pools       rest.Optional[[]pool]   `json:"allocation_pools"`
	DNS         rest.Optional[[]string] `json:"dns_nameservers"`
	Routes      rest.Optional[[]route]  `json:"host_routes"`
	DHCP        rest.Optional[bool]     `json:"enable_dhcp"`
	AddressMode rest.Optional[string]   `json:"ipv6_address_mode"`
	RAMode      rest.Optional[string]   `json:"ipv6_ra_mode"`
	PoolID      rest.Optional[string]   `json:"subnetpool_id"`
	PrefixLen   rest.Optional[int]      `json:"prefixlen" loose:"true"`
	Types       []string                `json:"service_types"`
	SegmentID   rest.Optional[string]   `json:"segment_id"`
}

// parsed is what a subnet's body says in words.
type parsed struct {
	gateway *netip.Addr
	pools   []network.Pool
	dns     []netip.Addr
	routes  []network.Route
}

func (b subnetBody) parse() (p parsed, err error) {
	if b.Gateway.Given {
		g, err := parseAddr("gateway_ip", b.Gateway.Value)
		if err != nil {
			return p, err
		}
		p.gateway = &g
	}
	for _, in := range b.Pools.Value {
		first, err := parseAddr("allocation_pools", in.Start)
		if err != nil {
			return p, err
		}
		last, err := parseAddr("allocation_pools", in.End)
		if err != nil {
			return p, err
		}
		p.pools = append(p.pools, network.Pool{First: first, Last: last})
	}
	p.dns = []netip.Addr{}
	for _, in := range b.DNS.Value {
		d, err := parseAddr("dns_nameservers", in)
		if err != nil {
			return p, err
		}
		p.dns = append(p.dns, d)
	}
	p.routes, err = parseRoutes("host_routes", b.Routes.Value)
	return p, err
}

func (b subnetBody) spec() (network.SubnetSpec, error) {
	s := network.SubnetSpec{
		Base: b.base.spec(), NetworkID: network.ID(b.NetworkID), NoDHCP: b.DHCP.Given && !b.DHCP.Value,
		AddressMode: network.IPv6Mode(b.AddressMode.Value), RAMode: network.IPv6Mode(b.RAMode.Value),
		SubnetPoolID: network.SubnetPoolID(b.PoolID.Value), Bits: b.PrefixLen.Value,
	}
	switch {
	case b.NetworkID == "":
		return s, fault.Invalid.Errorf("failed to parse request. Required attribute 'network_id' not specified")
	case b.CIDR.Value == "" && b.PoolID.Value == "":
		return s, fault.Invalid.Errorf("bad subnets request: a subnetpool must be specified in the absence of a cidr")
	case b.CIDR.Value != "" && b.PrefixLen.Given:
		return s, fault.Invalid.Errorf("bad subnets request: cidr and prefixlen cannot both be specified")
	}
	p, err := b.parse()
	if err != nil {
		return s, err
	}
	if b.CIDR.Value != "" {
		if s.CIDR, err = parsePrefix("cidr", b.CIDR.Value); err != nil {
			return s, err
		}
		if v := b.IPVersion.Or(4); v != 4 && v != 6 || (v == 4) != s.CIDR.Addr().Is4() {
			return s, fault.Invalid.Errorf("invalid input for operation: cidr '%s' does not match the ip_version '%d'", b.CIDR.Value, v)
		}
	}
	s.Gateway, s.DNS, s.Routes = p.gateway, p.dns, p.routes
	if len(p.pools) > 0 {
		s.Pools = p.pools
	}
	return s, nil
}

func (a *api) createSubnet(r *rest.Request, in struct {
	One  *subnetBody  `json:"subnet"`
	Many []subnetBody `json:"subnets"`
},
) (rest.Response, error) {
	return maker[subnetBody, network.Subnet, subnetView]{
		key: "subnet", show: subnetOf,
		undo: func(ctx context.Context, s network.Subnet) error { return a.networks.DeleteSubnet(ctx, s.ID) },
		create: func(r *rest.Request, b subnetBody) (network.Subnet, error) {
			s, err := b.spec()
			if err != nil {
				return network.Subnet{}, err
			}
			return a.networks.CreateSubnet(r.Context(), s)
		},
	}.make(r, in.One, in.Many)
}

func (a *api) updateSubnet(r *rest.Request, b subnetBody) (rest.Response, error) {
	base, err := b.patch(r)
	if err != nil {
		return rest.Response{}, err
	}
	in, err := b.parse()
	if err != nil {
		return rest.Response{}, err
	}
	p := network.SubnetPatch{ID: network.SubnetID(r.Param("id")), BasePatch: base, Gateway: in.gateway, Pools: in.pools, DHCP: b.DHCP.Pointer()}
	if b.DNS.Given {
		p.DNS = &in.dns
	}
	if b.Routes.Given {
		p.Routes = &in.routes
	}
	s, err := a.networks.UpdateSubnet(r.Context(), p)
	return rest.ReplyUnder("subnet", subnetOf(r, s)), err
}
