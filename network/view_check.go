package network

import (
	"net"
	"net/netip"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Check tells what in a view cannot be true, as fault.Invalid. Drivers call it first.
func (v View) Check() error {
	if _, wrong := v.possible(); len(wrong.all) > 0 {
		return wrong.all[0]
	}
	return nil
}

// flaws are what in a view cannot be true, and the ports that are left out because of it.
type flaws struct {
	all   []error
	ports map[PortID]error
}

// A sieve lets through what can be true. Of two things that exclude each other the first stays.
type sieve struct {
	flaws
	seen    map[string]bool   // kinds and ids
	devices map[string]string // names of devices, and whose they are
}

// possible returns v without what cannot be true in it.
func (v View) possible() (View, flaws) {
	s := sieve{flaws: flaws{ports: map[PortID]error{}}, seen: map[string]bool{}, devices: map[string]string{}}
	v.Networks = sift(&s, v.Networks, s.network)
	v.Groups = sift(&s, v.Groups, s.group)
	v.Ports = sift(&s, v.Ports, func(p *HostPort) error {
		err := s.port(p)
		if err != nil {
			s.ports[PortID(p.ID)] = err
		}
		return err
	})
	v.Routers = sift(&s, v.Routers, s.router)
	return v, s.flaws
}

// sift keeps the things that pass.
func sift[T any](s *sieve, things []T, pass func(*T) error) []T {
	if things == nil {
		return nil
	}
	kept := make([]T, 0, len(things))
	for _, t := range things {
		if err := pass(&t); err == nil {
			kept = append(kept, t)
		} else {
			s.all = append(s.all, err)
		}
	}
	return kept
}

// claim takes an id, and the name of a device unless it is empty.
func (s *sieve) claim(what, id, device string) error {
	me := what + " " + id
	if !isID(id) || s.seen[me] {
		return fault.Invalid.Errorf("%s %q is in the view twice or its id is not one", what, id)
	}
	if other, taken := s.devices[device]; taken {
		return fault.Invalid.Errorf("%s: device %q is also that of %s", me, device, other)
	}
	s.seen[me] = true
	if device != "" {
		s.devices[device] = me
	}
	return nil
}

func (s *sieve) hasNetwork(id string) bool { return s.seen["network "+id] }

func (s *sieve) network(n *HostNetwork) error {
	n.Subnets = sift(s, n.Subnets, func(sub *HostSubnet) error {
		if !sub.CIDR.IsValid() || (sub.DHCP.IsValid() && !sub.CIDR.Contains(sub.DHCP)) {
			return fault.Invalid.Errorf("subnet %s of network %s: DHCP address %s is not in %s", sub.ID, n.ID, sub.DHCP, sub.CIDR)
		}
		return nil
	})
	return s.claim("network", n.ID, "network "+Tail(n.ID))
}

func (s *sieve) group(g *HostGroup) error { return s.claim("group", g.ID, "") }

func (s *sieve) port(p *HostPort) error {
	switch {
	case !s.hasNetwork(p.Network):
		return fault.Invalid.Errorf("port %s is on network %q, which is not in the view", p.ID, p.Network)
	case p.Tap == "" || len(p.Tap) > 15:
		return fault.Invalid.Errorf("port %s: device %q is empty, or longer than 15 bytes", p.ID, p.Tap)
	case !isMAC(p.MAC):
		return fault.Invalid.Errorf("port %s: %q is not an Ethernet address", p.ID, p.MAC)
	}
	p.Pairs = sift(s, p.Pairs, func(pair *AddressPair) error {
		if !pair.Address.IsValid() || (pair.MAC != "" && !isMAC(pair.MAC)) {
			return fault.Invalid.Errorf("port %s: allowed address pair %s %q", p.ID, pair.Address, pair.MAC)
		}
		return nil
	})
	p.Rules = sift(s, p.Rules, func(r *HostRule) error { return fault.Invalid.Wrap(r.check(s.seen), "port %s", p.ID) })
	return s.claim("port", p.ID, p.Tap)
}

func (r HostRule) check(seen map[string]bool) error {
	switch {
	case r.From > r.To:
		return fault.Invalid.Errorf("rule for ports %d to %d", r.From, r.To)
	case r.Group != "" && !seen["group "+r.Group]:
		return fault.Invalid.Errorf("rule for group %q, which is not in the view", r.Group)
	case r.Remote.IsValid() && r.Remote.Addr().Is4() == r.IPv6:
		return fault.Invalid.Errorf("rule for %s is of the other IP version", r.Remote)
	}
	return nil
}

func (s *sieve) router(r *HostRouter) error {
	if err := s.claim("router", r.ID, ""); err != nil {
		return err
	}
	leg := func(l *HostInterface) error {
		if !s.hasNetwork(l.Network) || !isMAC(l.MAC) {
			return fault.Invalid.Errorf("router %s: port %q without network (%q) or MAC (%q)", r.ID, l.Port, l.Network, l.MAC)
		}
		return s.claim("router port", l.Port, "leg "+Tail(l.Port))
	}
	r.Interfaces = sift(s, r.Interfaces, leg)
	if r.Gateway != nil {
		if ways := sift(s, []HostGateway{*r.Gateway}, func(g *HostGateway) error {
			if len(g.Addresses) == 0 {
				return fault.Invalid.Errorf("router %s: its gateway has no address", r.ID)
			}
			return leg(&g.HostInterface)
		}); len(ways) == 0 {
			r.Gateway = nil
		}
	}
	r.Floating = sift(s, r.Floating, func(f *HostFloating) error {
		if r.Gateway == nil || !f.Address.Is4() || !f.Fixed.Is4() {
			return fault.Invalid.Errorf("router %s: floating address %s for %s: it needs a gateway, and both must be IPv4", r.ID, f.Address, f.Fixed)
		}
		return nil
	})
	r.Routes = sift(s, r.Routes, func(route *Route) error {
		if !valid(*route) {
			return fault.Invalid.Errorf("router %s: route to %s by %s", r.ID, route.Destination, route.NextHop)
		}
		return nil
	})
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
