package bridge

import (
	"fmt"
	"net/netip"

	"github.com/nacre-cloud/nacre/network"
)

// A segment is a network as this host carries it.
type segment struct {
	network.HostNetwork
	bridge  string
	foreign bool   // the operator's bridge
	tracked bool   // connections on it are looked at
	zone    uint16 // conntrack zone; 0 is the host's own
	serves  bool   // has DHCP and metadata
}

// A plan is a view with the names that its things have on this host.
type plan struct {
	view     network.View
	segments []*segment
	byID     map[string]*segment
	taps     map[string]string // device → port
	devices  map[string]bool   // bridges and cables
	spaces   map[string]bool
	space    func(what, id string) string
	cfg      Config
	viaIP    bool
}

func (d *Driver) plan(view network.View, have links) (*plan, error) {
	p := &plan{
		view: view, byID: map[string]*segment{}, taps: map[string]string{}, devices: map[string]bool{}, spaces: map[string]bool{},
		space: d.space, cfg: d.cfg, viaIP: d.viaIP,
	}
	occupied := map[string]bool{}
	for _, port := range view.Ports {
		p.taps[port.Tap] = port.ID
		if !port.Unguarded {
			occupied[port.Network] = true
		}
	}
	zones := d.zones(have)
	for _, n := range view.Networks {
		s := &segment{HostNetwork: n, bridge: d.cfg.device(aBridge, n.ID), tracked: !n.External || occupied[n.ID]}
		if s.MTU == 0 {
			s.MTU = 1500
		}
		if name, ok := d.cfg.Bridges[n.Physical]; ok && n.Physical != "" {
			s.bridge, s.foreign = name, true
		} else if p.devices[s.bridge] {
			return nil, fmt.Errorf("network %s and another have the same device name %s", n.ID, s.bridge)
		} else {
			p.devices[s.bridge] = true
		}
		if !n.External && !s.foreign {
			s.zone = zones(n.ID)
		}
		for _, sub := range n.Subnets {
			s.serves = s.serves || sub.DHCP.Is4()
		}
		if s.serves {
			p.devices[d.cfg.device(aServer, n.ID)] = true
			p.spaces[d.space("net", n.ID)] = true
		}
		p.segments, p.byID[n.ID] = append(p.segments, s), s
	}
	for _, r := range view.Routers {
		p.spaces[d.space("router", r.ID)] = true
		for _, leg := range legs(r) {
			p.devices[d.cfg.device(aLeg, leg.Port)] = true
		}
	}
	return p, nil
}

// space names a namespace. The host's inode is in it because names are the machine's, and a machine can stand for several hosts.
func (d *Driver) space(what, id string) string { return d.spaces + what + "-" + id }

// zones returns the zone of a network: the one that its bridge has, else a free one. Zones outlive the
// process, for a connection is not known in another.
func (d *Driver) zones(have links) func(id string) uint16 {
	byID, taken := map[string]uint16{}, map[uint16]bool{0: true}
	for _, l := range have {
		if o, ours := d.ownerOf(l); ours && o.what == "network" && !taken[o.zone] {
			byID[o.id], taken[o.zone] = o.zone, true
		}
	}
	next := uint16(1)
	return func(id string) uint16 {
		if z, ok := byID[id]; ok {
			return z
		}
		for taken[next] {
			next++
		}
		taken[next] = true
		return next
	}
}

// policy is what the host's rules should say.
func (p *plan) policy() policy {
	want := policy{
		zones: map[string]uint16{}, tracked: map[string]uint16{}, inside: map[string]uint16{},
		groups: map[string][]netip.Prefix{}, ports: map[string]network.HostPort{},
	}
	// A bridge is one device to IP; its own family sees the ports.
	enter := func(device string, s *segment) {
		if !p.viaIP && s.zone != 0 {
			want.zones[device] = s.zone
		}
		if !s.External && !s.foreign {
			want.inside[device] = 1
		}
	}
	for _, s := range p.segments {
		if p.viaIP && s.zone != 0 {
			want.zones[s.bridge] = s.zone
		}
		if p.viaIP && s.tracked {
			want.tracked[s.bridge] = 1
		}
		if s.serves {
			enter(p.cfg.device(aServer, s.ID), s)
		}
	}
	for _, r := range p.view.Routers {
		for _, leg := range legs(r) {
			enter(p.cfg.device(aLeg, leg.Port), p.byID[leg.Network])
		}
	}
	for _, port := range p.view.Ports {
		enter(port.Tap, p.byID[port.Network])
		if !port.Unguarded {
			want.ports[port.ID] = port
		}
	}
	if len(want.ports) > 0 {
		for _, g := range p.view.Groups {
			want.groups[g.ID] = g.Addresses
		}
	}
	return want
}

// legs are all feet of a router.
func legs(r network.HostRouter) []network.HostInterface {
	if r.Gateway == nil {
		return r.Interfaces
	}
	return append(r.Interfaces[:len(r.Interfaces):len(r.Interfaces)], r.Gateway.HostInterface)
}
