package networkapi

import (
	"context"
	"net/http"

	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

func (a *api) floatingRoutes() []rest.Route {
	show := func(ctx context.Context, id string) (network.FloatingIP, error) {
		return a.networks.FloatingIP(ctx, network.FloatingID(id))
	}
	remove := func(ctx context.Context, id string) error {
		return a.networks.DeleteFloatingIP(ctx, network.FloatingID(id))
	}
	keys := []string{"floating_ip_address=address", "floating_network_id=network_id", "port_id", "router_id"}
	return []rest.Route{
		rest.GET(root+"/floatingips", list("floatingips", keys, a.networks.FloatingIPs, floatingOf)),
		rest.POST(root+"/floatingips", rest.JSONUnder("floatingip", a.createFloating)).Status(http.StatusCreated),
		rest.GET(root+"/floatingips/{id}", about("FloatingIP", one("floatingip", show, floatingOf))),
		rest.PUT(root+"/floatingips/{id}", about("FloatingIP", rest.JSONUnder("floatingip", a.updateFloating))),
		rest.DELETE(root+"/floatingips/{id}", about("FloatingIP", drop(remove))),
	}
}

type floatingView struct {
	standard
	NetworkID network.ID        `json:"floating_network_id"`
	Address   string            `json:"floating_ip_address"`
	PortID    *network.PortID   `json:"port_id"`
	Fixed     *string           `json:"fixed_ip_address"`
	RouterID  *network.RouterID `json:"router_id"`
	Status    network.Status    `json:"status"`
	DNSName   string            `json:"dns_name"`
	DNSDomain string            `json:"dns_domain"`
}

func floatingOf(_ *rest.Request, f network.FloatingIP) floatingView {
	return floatingView{
		standard: standardOf(f.ID, f.Attributes), NetworkID: f.NetworkID, Address: f.Address.String(), PortID: orNull(f.PortID),
		Fixed: words(f.FixedAddress.Addr), RouterID: orNull(f.RouterID), Status: f.Status(), DNSName: f.DNSName, DNSDomain: f.DNSDomain,
	}
}

type floatingBody struct {
	_ struct{} `strict:"true"`
	base
	NetworkID string                `json:"floating_network_id"`
	SubnetID  rest.Optional[string] `json:"subnet_id"`
	Address   rest.Optional[string] `json:"floating_ip_address"`
	PortID    rest.Optional[string] `json:"port_id"`
	Fixed     rest.Optional[string] `json:"fixed_ip_address"`
	DNSName   rest.Optional[string] `json:"dns_name"`
	DNSDomain rest.Optional[string] `json:"dns_domain"`
}

func (a *api) createFloating(r *rest.Request, b floatingBody) (rest.Response, error) {
	address, err := parseAddr("floating_ip_address", b.Address.Value)
	if err != nil {
		return rest.Response{}, err
	}
	fixed, err := parseAddr("fixed_ip_address", b.Fixed.Value)
	if err != nil {
		return rest.Response{}, err
	}
	f, err := a.networks.CreateFloatingIP(r.Context(), network.FloatingIPSpec{
		Base: b.spec(), NetworkID: network.ID(b.NetworkID), SubnetID: network.SubnetID(b.SubnetID.Value),
		Address: address, PortID: network.PortID(b.PortID.Value), FixedAddress: fixed, DNSName: b.DNSName.Value, DNSDomain: b.DNSDomain.Value,
	})
	return rest.ReplyUnder("floatingip", floatingOf(r, f)), err
}

func (a *api) updateFloating(r *rest.Request, b floatingBody) (rest.Response, error) {
	base, err := b.patch(r)
	if err != nil {
		return rest.Response{}, err
	}
	fixed, err := parseAddr("fixed_ip_address", b.Fixed.Value)
	if err != nil {
		return rest.Response{}, err
	}
	p := network.FloatingIPPatch{ID: network.FloatingID(r.Param("id")), BasePatch: base, FixedAddress: fixed}
	if b.PortID.Given {
		port := network.PortID(b.PortID.Value)
		p.PortID = &port
	}
	f, err := a.networks.UpdateFloatingIP(r.Context(), p)
	return rest.ReplyUnder("floatingip", floatingOf(r, f)), err
}
