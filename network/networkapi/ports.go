package networkapi

import (
	"context"
	"net/http"
	"net/netip"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

func (a *api) portRoutes() []rest.Route {
	show := func(ctx context.Context, id string) (network.Port, error) {
		return a.networks.Port(ctx, network.PortID(id))
	}
	remove := func(ctx context.Context, id string) error { return a.networks.DeletePort(ctx, network.PortID(id)) }
	keys := []string{"network_id", "status", "device_id", "device_owner", "mac_address=mac"}
	return []rest.Route{
		rest.GET(root+"/ports", list("ports", keys, a.networks.Ports, portOf)),
		rest.POST(root+"/ports", rest.JSON(a.createPort)).Status(http.StatusCreated),
		rest.GET(root+"/ports/{id}", about("Port", one("port", show, portOf))),
		rest.PUT(root+"/ports/{id}", about("Port", rest.JSONUnder("port", a.updatePort))),
		rest.DELETE(root+"/ports/{id}", about("Port", drop(remove))),
	}
}

type fixedIP struct {
	SubnetID string `json:"subnet_id"`
	Address  string `json:"ip_address"`
}

type pair struct {
	Address string `json:"ip_address" required:"true"`
	MAC     string `json:"mac_address"`
}

type portView struct {
	standard
	NetworkID    network.ID                `json:"network_id"`
	MAC          string                    `json:"mac_address"`
	AdminUp      bool                      `json:"admin_state_up"`
	Status       network.Status            `json:"status"`
	DeviceID     string                    `json:"device_id"`
	DeviceOwner  string                    `json:"device_owner"`
	FixedIPs     []fixedIP                 `json:"fixed_ips"`
	Groups       []network.SecurityGroupID `json:"security_groups"`
	Pairs        []pair                    `json:"allowed_address_pairs"`
	PortSecurity bool                      `json:"port_security_enabled"`
	Options      []string                  `json:"extra_dhcp_opts"`
	DNSName      string                    `json:"dns_name"`
	VNICType     string                    `json:"binding:vnic_type"`

	// Only administrators and services see these.
	Host    *string         `json:"binding:host_id,omitzero"`
	VIFType *string         `json:"binding:vif_type,omitzero"`
	Details *map[string]any `json:"binding:vif_details,omitzero"`
	Profile *map[string]any `json:"binding:profile,omitzero"`
}

func fixedOf(addresses []network.FixedIP) []fixedIP {
	out := make([]fixedIP, 0, len(addresses))
	for _, a := range addresses {
		out = append(out, fixedIP{string(a.SubnetID), a.Address.String()})
	}
	return out
}

// portOf shows a port, to administrators and services with where it is plugged in.
func portOf(r *rest.Request, p network.Port) portView {
	v := portView{
		standard: standardOf(p.ID, p.Attributes), NetworkID: p.NetworkID, MAC: p.MAC, AdminUp: p.AdminUp, Status: p.Status,
		DeviceID: p.DeviceID, DeviceOwner: p.DeviceOwner, FixedIPs: fixedOf(p.Addresses), Groups: p.Groups,
		PortSecurity: p.PortSecurity, DNSName: p.Hostname, VNICType: p.VNICType,
	}
	for _, a := range p.Pairs {
		out := pair{a.Address.String(), a.MAC}
		if a.Address.IsSingleIP() {
			out.Address = a.Address.Addr().String()
		}
		if out.MAC == "" {
			out.MAC = p.MAC
		}
		v.Pairs = append(v.Pairs, out)
	}
	if identity.Allow(r.Context(), "network:port:bind", nil) == nil {
		kind, details := "unbound", map[string]any{}
		if p.Host != "" {
			kind, details = "bridge", map[string]any{"port_filter": true, "connectivity": "l2"}
		}
		v.Host, v.VIFType, v.Details, v.Profile = &p.Host, &kind, &details, &map[string]any{}
	}
	return v
}

type portBody struct {
	_ struct{} `strict:"true"`
	base
	NetworkID    string                   `json:"network_id"`
	MAC          rest.Optional[string]    `json:"mac_address"`
	AdminUp      rest.Optional[bool]      `json:"admin_state_up"`
	DeviceID     rest.Optional[string]    `json:"device_id"`
	DeviceOwner  rest.Optional[string]    `json:"device_owner"`
	FixedIPs     rest.Optional[[]fixedIP] `json:"fixed_ips"`
	Groups       rest.Optional[[]string]  `json:"security_groups"`
	Pairs        rest.Optional[[]pair]    `json:"allowed_address_pairs"`
	PortSecurity rest.Optional[bool]      `json:"port_security_enabled"`
	Options      []any                    `json:"extra_dhcp_opts"`
	DNSName      rest.Optional[string]    `json:"dns_name"`
	Host         rest.Optional[string]    `json:"binding:host_id"`
	VNICType     rest.Optional[string]    `json:"binding:vnic_type"`
	Profile      map[string]any           `json:"binding:profile"`
}

// parse reads the lists of a port's body: nil for those that were not given.
func (b portBody) parse() (fixed *[]network.FixedIP, groups *[]network.SecurityGroupID, pairs *[]network.AddressPair, err error) {
	if len(b.Options) > 0 {
		return nil, nil, nil, fault.Invalid.Errorf("extra_dhcp_opts are not supported")
	}
	if list := b.FixedIPs.Pointer(); list != nil {
		if fixed, err = parseFixed(*list); err != nil {
			return nil, nil, nil, err
		}
	}
	if b.Groups.Given {
		out := []network.SecurityGroupID{}
		for _, g := range b.Groups.Value {
			out = append(out, network.SecurityGroupID(g))
		}
		groups = &out
	}
	if b.Pairs.Given {
		out := []network.AddressPair{}
		for _, in := range b.Pairs.Value {
			p, err := parsePrefix("allowed_address_pairs", in.Address)
			if err != nil {
				return nil, nil, nil, err
			}
			out = append(out, network.AddressPair{Address: p, MAC: in.MAC})
		}
		pairs = &out
	}
	return fixed, groups, pairs, nil
}

func parseFixed(in []fixedIP) (*[]network.FixedIP, error) {
	out := []network.FixedIP{}
	for _, f := range in {
		a, err := parseAddr("fixed_ips", f.Address)
		if err != nil {
			return nil, err
		}
		if a == (netip.Addr{}) && f.SubnetID == "" {
			return nil, fault.Invalid.Errorf("invalid input for fixed_ips. Reason: it names neither subnet_id nor ip_address")
		}
		out = append(out, network.FixedIP{SubnetID: network.SubnetID(f.SubnetID), Address: a})
	}
	return &out, nil
}

func (a *api) createPort(r *rest.Request, in struct {
	One  *portBody  `json:"port"`
	Many []portBody `json:"ports"`
},
) (rest.Response, error) {
	return maker[portBody, network.Port, portView]{
		key: "port", show: portOf, create: a.makePort,
		undo: func(ctx context.Context, p network.Port) error { return a.networks.DeletePort(ctx, p.ID) },
	}.make(r, in.One, in.Many)
}

func (a *api) makePort(r *rest.Request, b portBody) (network.Port, error) {
	fixed, groups, pairs, err := b.parse()
	if err != nil {
		return network.Port{}, err
	}
	s := network.PortSpec{
		Base: b.spec(), NetworkID: network.ID(b.NetworkID), MAC: b.MAC.Value, AdminDown: b.AdminUp.Given && !b.AdminUp.Value,
		Addresses: fixed, Groups: groups, PortSecurity: b.PortSecurity.Pointer(), DeviceID: b.DeviceID.Value, DeviceOwner: b.DeviceOwner.Value,
		Hostname: b.DNSName.Value, VNICType: b.VNICType.Value, Host: b.Host.Value,
	}
	if pairs != nil {
		s.Pairs = *pairs
	}
	return a.networks.CreatePort(r.Context(), s)
}

func (a *api) updatePort(r *rest.Request, b portBody) (rest.Response, error) {
	base, err := b.patch(r)
	if err != nil {
		return rest.Response{}, err
	}
	fixed, groups, pairs, err := b.parse()
	if err != nil {
		return rest.Response{}, err
	}
	p, err := a.networks.UpdatePort(r.Context(), network.PortPatch{
		ID: network.PortID(r.Param("id")), BasePatch: base, MAC: b.MAC.Pointer(), AdminUp: b.AdminUp.Pointer(), Addresses: fixed, Groups: groups,
		Pairs: pairs, PortSecurity: b.PortSecurity.Pointer(), DeviceID: given(b.DeviceID), DeviceOwner: given(b.DeviceOwner),
		Hostname: given(b.DNSName), VNICType: b.VNICType.Pointer(), Host: given(b.Host),
	})
	return rest.ReplyUnder("port", portOf(r, p)), err
}
