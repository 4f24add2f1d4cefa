package network

import (
	"context"
	"net/netip"

	"github.com/uptrace/bun"
)

// A routerPlan is every router that is up, with its ports and floating IPs.
type routerPlan struct {
	all      []Router
	legs     []Port // oldest first
	floating []FloatingIP
}

func readRouters(ctx context.Context, idb bun.IDB) (routerPlan, error) {
	var p routerPlan
	var err error
	if p.all, err = allRouters(ctx, idb); err != nil || len(p.all) == 0 {
		return p, err
	}
	ids := make([]RouterID, len(p.all))
	for i, r := range p.all {
		ids[i] = r.ID
	}
	if p.legs, err = legsOf(ctx, idb, ids); err != nil {
		return p, err
	}
	p.floating, err = floatingOf(ctx, idb, ids...)
	return p, err
}

// routers describes them to the host that carries networks.
func (p routerPlan) routers(networks map[ID]HostNetwork) []HostRouter {
	at := map[RouterID]int{}
	out := make([]HostRouter, len(p.all))
	for i, r := range p.all {
		at[r.ID] = i
		out[i] = HostRouter{ID: string(r.ID), Routes: r.Routes}
	}
	for _, port := range p.legs {
		i, n := at[port.RouterID], networks[port.NetworkID]
		switch foot := leg(port, n); {
		case port.ID != p.all[i].GatewayPortID:
			out[i].Interfaces = append(out[i].Interfaces, foot)
		case len(port.Addresses) > 0:
			out[i].Gateway = &HostGateway{HostInterface: foot, NextHop: n.nextHop(port), SNAT: p.all[i].SNAT}
		}
	}
	for _, f := range p.floating {
		if i := at[f.RouterID]; out[i].Gateway != nil {
			out[i].Floating = append(out[i].Floating, HostFloating{ID: string(f.ID), Address: f.Address, Fixed: f.FixedAddress.Addr})
		}
	}
	return out
}

func leg(p Port, n HostNetwork) HostInterface {
	h := HostInterface{Port: string(p.ID), Network: string(p.NetworkID), MAC: p.MAC}
	for _, a := range p.Addresses {
		if s, ok := n.subnet(a.SubnetID); ok {
			h.Addresses = append(h.Addresses, netip.PrefixFrom(a.Address, s.CIDR.Bits()))
		}
	}
	return h
}

func (n HostNetwork) subnet(id SubnetID) (HostSubnet, bool) {
	for _, s := range n.Subnets {
		if s.ID == string(id) {
			return s, true
		}
	}
	return HostSubnet{}, false
}

// nextHop returns the gateway of the first of a port's subnets that has one.
func (n HostNetwork) nextHop(p Port) netip.Addr {
	for _, a := range p.Addresses {
		if s, ok := n.subnet(a.SubnetID); ok && s.Gateway.IsValid() {
			return s.Gateway
		}
	}
	return netip.Addr{}
}
