package computeapi

import (
	"net/netip"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

type floatingIn struct {
	Address string  `json:"address" required:"true"`
	Fixed   *string `json:"fixed_address"`
}

func (a *api) addFloatingIP(r *rest.Request, in floatingIn) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	f, err := a.floatingIP(r, in.Address)
	if err != nil {
		return rest.Response{}, err
	}
	port, fixed, err := portFor(&s, deref(in.Fixed))
	if err != nil {
		return rest.Response{}, err
	}
	_, err = a.networks.UpdateFloatingIP(r.Context(), network.FloatingIPPatch{ID: f.ID, PortID: &port, FixedAddress: fixed})
	return rest.Empty(), err
}

func (a *api) removeFloatingIP(r *rest.Request, in addressIn) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	f, err := a.floatingIP(r, in.Address)
	if err != nil {
		return rest.Response{}, err
	}
	for _, n := range s.NICs {
		if network.PortID(n.PortID) == f.PortID {
			nobody := network.PortID("")
			_, err := a.networks.UpdateFloatingIP(r.Context(), network.FloatingIPPatch{ID: f.ID, PortID: &nobody})
			return rest.Empty(), err
		}
	}
	return rest.Response{}, fault.Conflict.Errorf("floating IP %s is not associated with server %s", in.Address, s.ID)
}

func (a *api) floatingIP(r *rest.Request, address string) (network.FloatingIP, error) {
	if _, err := netip.ParseAddr(address); err != nil {
		return network.FloatingIP{}, fault.Invalid.Errorf("%q is not an address", address)
	}
	p, err := a.networks.FloatingIPs(r.Context(), network.Query{Where: map[string][]string{"floating_ip_address": {address}}})
	if err == nil && len(p.Items) == 0 {
		err = fault.NotFound.Errorf("floating IP %s could not be found", address)
	}
	if err != nil {
		return network.FloatingIP{}, err
	}
	return p.Items[0], nil
}

// portFor finds the port of a server that has a fixed IPv4 address, or any.
func portFor(s *compute.Server, fixed string) (network.PortID, netip.Addr, error) {
	for _, n := range s.NICs {
		for _, a := range n.Addresses {
			ip, err := netip.ParseAddr(a.IP)
			if err == nil && ip.Is4() && !a.Floating && (fixed == "" || fixed == a.IP) {
				return network.PortID(n.PortID), ip, nil
			}
		}
	}
	return "", netip.Addr{}, fault.Invalid.Errorf("server %s has no fixed IPv4 address %s", s.ID, fixed)
}
