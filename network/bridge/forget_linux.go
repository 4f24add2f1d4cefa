package bridge

import (
	"fmt"
	"net"
	"net/netip"
	"reflect"
	"slices"

	"github.com/vishvananda/netlink"

	"github.com/nacre-cloud/nacre/network"
)

// stale matches connections that have one of some addresses.
type stale map[netip.Addr]bool

// MatchConntrackFlow implements the filter of package netlink.
func (s stale) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	return slices.ContainsFunc([]net.IP{f.Forward.SrcIP, f.Forward.DstIP, f.Reverse.SrcIP, f.Reverse.DstIP}, func(ip net.IP) bool {
		return s[mustAddr(ip)]
	})
}

func (s stale) end(h *netlink.Handle) error {
	if len(s) == 0 {
		return nil
	}
	for _, family := range []netlink.InetFamily{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		if _, err := h.ConntrackDeleteFilters(netlink.ConntrackTable, family, s); err != nil {
			return fmt.Errorf("end connections: %w", err)
		}
	}
	return nil
}

// forget ends the connections of ports that lost a rule, an address or themselves. What is still
// allowed goes on: its next packet is a new connection.
func (d *Driver) forget(was, now network.View) error {
	after := map[string]network.HostPort{}
	for _, p := range now.Ports {
		after[p.ID] = p
	}
	gone := stale{}
	for _, p := range was.Ports {
		n, ok := after[p.ID]
		if reflect.DeepEqual(p, n) {
			continue
		}
		if !ok || n.Network != p.Network || (p.Unguarded && !n.Unguarded) || lost(p.Rules, n.Rules) || lost(p.Addresses, n.Addresses) || lost(p.Pairs, n.Pairs) {
			for _, a := range p.Addresses {
				gone[a] = true
			}
		}
	}
	groups := map[string][]netip.Prefix{}
	for _, g := range now.Groups {
		groups[g.ID] = g.Addresses
	}
	for _, g := range was.Groups {
		for _, p := range g.Addresses {
			if p.IsSingleIP() && !slices.Contains(groups[g.ID], p) {
				gone[p.Addr()] = true
			}
		}
	}
	return gone.end(d.nl)
}

func lost[T any](was, now []T) bool {
	return slices.ContainsFunc(was, func(t T) bool {
		return !slices.ContainsFunc(now, func(n T) bool { return reflect.DeepEqual(t, n) })
	})
}

// forgetFloating ends the connections of floating addresses that r has no longer, or for another.
func forgetFloating(sp *space, was, r network.HostRouter) error {
	gone := stale{}
	for _, f := range was.Floating {
		if !slices.ContainsFunc(r.Floating, func(n network.HostFloating) bool { return n.Address == f.Address && n.Fixed == f.Fixed }) {
			gone[f.Address] = true
		}
	}
	return gone.end(sp.nl)
}
