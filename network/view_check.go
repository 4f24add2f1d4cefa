package network

import (
	"net"
	"net/netip"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Check tells what in a view cannot be true, as fault.Invalid. Drivers call it first.
func (v View) Check() error {
	networks := map[string]HostNetwork{}
	for _, n := range v.Networks {
		if _, twice := networks[n.ID]; !isID(n.ID) || twice {
			return fault.Invalid.Errorf("network %q is in the view twice or its id is not one", n.ID)
		}
		networks[n.ID] = n
		for _, s := range n.Subnets {
			if !s.CIDR.IsValid() || (s.DHCP.IsValid() && !s.CIDR.Contains(s.DHCP)) {
				return fault.Invalid.Errorf("subnet %s of network %s: DHCP address %s is not in %s", s.ID, n.ID, s.DHCP, s.CIDR)
			}
		}
	}
	groups := map[string]bool{}
	for _, g := range v.Groups {
		if !isID(g.ID) || groups[g.ID] {
			return fault.Invalid.Errorf("group %q is in the view twice or its id is not one", g.ID)
		}
		groups[g.ID] = true
	}
	if err := v.checkPorts(networks, groups); err != nil {
		return err
	}
	return v.checkRouters(networks)
}

func (v View) checkPorts(networks map[string]HostNetwork, groups map[string]bool) error {
	ids, taps := map[string]bool{}, map[string]string{}
	for _, p := range v.Ports {
		if !isID(p.ID) || ids[p.ID] {
			return fault.Invalid.Errorf("port %q is in the view twice or its id is not one", p.ID)
		}
		ids[p.ID] = true
		if _, ok := networks[p.Network]; !ok {
			return fault.Invalid.Errorf("port %s is on network %q, which is not in the view", p.ID, p.Network)
		}
		if other, twice := taps[p.Tap]; p.Tap == "" || len(p.Tap) > 15 || twice {
			return fault.Invalid.Errorf("port %s: device %q is also that of port %q, empty, or longer than 15 bytes", p.ID, p.Tap, other)
		}
		taps[p.Tap] = p.ID
		if !isMAC(p.MAC) {
			return fault.Invalid.Errorf("port %s: %q is not an Ethernet address", p.ID, p.MAC)
		}
		for _, pair := range p.Pairs {
			if !pair.Address.IsValid() || (pair.MAC != "" && !isMAC(pair.MAC)) {
				return fault.Invalid.Errorf("port %s: allowed address pair %s %q", p.ID, pair.Address, pair.MAC)
			}
		}
		for _, r := range p.Rules {
			if err := r.check(groups); err != nil {
				return fault.Invalid.Wrap(err, "port %s", p.ID)
			}
		}
	}
	return nil
}

func (r HostRule) check(groups map[string]bool) error {
	switch {
	case r.From > r.To:
		return fault.Invalid.Errorf("rule for ports %d to %d", r.From, r.To)
	case r.Group != "" && !groups[r.Group]:
		return fault.Invalid.Errorf("rule for group %q, which is not in the view", r.Group)
	case r.Remote.IsValid() && r.Remote.Addr().Is4() == r.IPv6:
		return fault.Invalid.Errorf("rule for %s is of the other IP version", r.Remote)
	}
	return nil
}

func (v View) checkRouters(networks map[string]HostNetwork) error {
	ids, ports := map[string]bool{}, map[string]bool{}
	for _, r := range v.Routers {
		if !isID(r.ID) || ids[r.ID] {
			return fault.Invalid.Errorf("router %q is in the view twice or its id is not one", r.ID)
		}
		ids[r.ID] = true
		legs := r.Interfaces
		if r.Gateway != nil {
			legs = append(legs[:len(legs):len(legs)], r.Gateway.HostInterface)
			if len(r.Gateway.Addresses) == 0 {
				return fault.Invalid.Errorf("router %s: its gateway has no address", r.ID)
			}
		} else if len(r.Floating) > 0 {
			return fault.Invalid.Errorf("router %s has floating addresses and no gateway", r.ID)
		}
		for _, leg := range legs {
			if _, ok := networks[leg.Network]; !ok || !isMAC(leg.MAC) || !isID(leg.Port) || ports[Tail(leg.Port)] {
				return fault.Invalid.Errorf("router %s: port %q twice, or without network (%q) or MAC (%q)", r.ID, leg.Port, leg.Network, leg.MAC)
			}
			ports[Tail(leg.Port)] = true
		}
		for _, f := range r.Floating {
			if !f.Address.Is4() || !f.Fixed.Is4() {
				return fault.Invalid.Errorf("floating address %s for %s: both must be IPv4", f.Address, f.Fixed)
			}
		}
		for _, route := range r.Routes {
			if !valid(route) {
				return fault.Invalid.Errorf("router %s: route to %s by %s", r.ID, route.Destination, route.NextHop)
			}
		}
	}
	return nil
}

func valid(r Route) bool {
	return r.Destination.IsValid() && r.NextHop.IsValid() && sameFamily(r.Destination.Addr(), r.NextHop)
}

func sameFamily(a, b netip.Addr) bool { return a.Is4() == b.Is4() }

// isID keeps ids fit for names of files and devices.
func isID(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "-0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func isMAC(s string) bool {
	mac, err := net.ParseMAC(s)
	return err == nil && len(mac) == 6
}
