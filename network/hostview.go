package network

import (
	"context"
	"maps"
	"net/netip"
	"slices"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity"
)

// carried is what is known of one host's view.
type carried struct {
	host    string
	routes  bool // whether the host carries the routers
	db      bun.IDB
	watcher *applier // nil: nobody follows changes

	ports    map[PortID]HostPort
	waiting  map[PortID]bool // ports to be called active once the host has them
	rules    map[SecurityGroupID][]Rule
	members  map[SecurityGroupID]map[PortID][]netip.Prefix // of groups that rules name
	networks map[ID]HostNetwork
	routers  []HostRouter
	outside  []ID // networks that only routers need
}

func newCarried(a *applier) *carried {
	c := emptyCarried(a.m, a.host.Name)
	c.watcher = a
	return c
}

func emptyCarried(m *Manager, host string) *carried {
	return &carried{
		host: host, routes: m.config.RouterHost == host, db: m.db.Read(),
		ports: map[PortID]HostPort{}, waiting: map[PortID]bool{}, rules: map[SecurityGroupID][]Rule{},
		members: map[SecurityGroupID]map[PortID][]netip.Prefix{}, networks: map[ID]HostNetwork{},
	}
}

// HostView implements Service.
func (m *Manager) HostView(ctx context.Context, host string) (View, error) {
	if err := identity.Allow(ctx, "network:host:view", nil); err != nil {
		return View{}, err
	}
	c := emptyCarried(m, host)
	err := c.refresh(ctx, &attempt{topology: true}, true)
	return c.view(), err
}

// refresh reads what at says has changed, or every port of the host.
func (c *carried) refresh(ctx context.Context, at *attempt, all bool) error {
	var ports []Port
	var err error
	switch {
	case all:
		ports, err = portsOn(ctx, c.db, c.host)
	case len(at.ports) > 0:
		ids := slices.Collect(maps.Keys(at.ports))
		ports, err = portsByID(ctx, c.db, ids)
		c.forget(ids)
	}
	if err != nil {
		return err
	}
	if err := c.readRules(ctx, ports); err != nil {
		return err
	}
	needed := map[ID]bool{}
	for _, p := range ports {
		if c.put(p) {
			needed[p.NetworkID] = true
		}
	}
	if at.topology {
		return c.readTopology(ctx)
	}
	return c.readNetworks(ctx, slices.Collect(maps.Keys(needed)))
}

// forget drops ports, before those that are still there are put back.
func (c *carried) forget(ids []PortID) {
	for _, id := range ids {
		delete(c.ports, id)
		delete(c.waiting, id)
		for _, m := range c.members {
			delete(m, id)
		}
	}
}

// put takes a port in and reports whether the host carries it.
func (c *carried) put(p Port) bool {
	if p.Host != "" {
		for _, g := range p.Groups {
			if m, asked := c.members[g]; asked {
				m[p.ID] = p.speaks()
			}
		}
	}
	if p.Host != c.host {
		return false
	}
	c.ports[p.ID] = c.hostPort(p)
	if p.AdminUp && p.Status != Active {
		c.waiting[p.ID] = true
	}
	return true
}

// speaks returns the addresses that a port may send from.
func (p Port) speaks() []netip.Prefix {
	out := make([]netip.Prefix, 0, len(p.Addresses)+len(p.Pairs))
	for _, a := range p.Addresses {
		out = append(out, netip.PrefixFrom(a.Address, a.Address.BitLen()))
	}
	for _, pair := range p.Pairs {
		out = append(out, pair.Address)
	}
	return out
}

func (c *carried) hostPort(p Port) HostPort {
	h := HostPort{
		ID: string(p.ID), Network: string(p.NetworkID), MAC: p.MAC, Tap: TapName(string(p.ID)), Hostname: p.Hostname,
		Pairs: p.Pairs, Down: !p.AdminUp, Unguarded: !p.PortSecurity,
	}
	for _, a := range p.Addresses {
		h.Addresses = append(h.Addresses, a.Address)
	}
	for _, g := range p.Groups {
		for _, r := range c.rules[g] {
			h.Rules = append(h.Rules, r.host())
		}
	}
	return h
}

// readRules reads the rules of groups that are new here, and the members of the
// groups that these rules name.
func (c *carried) readRules(ctx context.Context, ports []Port) error {
	var fresh []SecurityGroupID
	for _, p := range ports {
		if p.Host != c.host {
			continue
		}
		for _, g := range p.Groups {
			if _, known := c.rules[g]; !known {
				c.rules[g], fresh = nil, append(fresh, g)
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if c.watcher != nil { // before reading, so that no change falls between
		c.watcher.watch(fresh...)
	}
	rules, err := rulesOf(ctx, c.db, fresh)
	if err != nil {
		return err
	}
	maps.Copy(c.rules, rules)
	return c.readMembers(ctx, rules)
}

func (c *carried) readMembers(ctx context.Context, rules map[SecurityGroupID][]Rule) error {
	var fresh []SecurityGroupID
	for _, list := range rules {
		for _, r := range list {
			if _, known := c.members[r.RemoteGroup]; r.RemoteGroup != "" && !known {
				c.members[r.RemoteGroup], fresh = map[PortID][]netip.Prefix{}, append(fresh, r.RemoteGroup)
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if c.watcher != nil {
		c.watcher.watch(fresh...)
	}
	bound, err := boundMembers(ctx, c.db, fresh)
	for _, p := range bound {
		for _, g := range p.Groups {
			if m, asked := c.members[g]; asked {
				m[p.ID] = p.speaks()
			}
		}
	}
	return err
}

// readNetworks reads networks that are new here.
func (c *carried) readNetworks(ctx context.Context, ids []ID) error {
	ids = slices.DeleteFunc(ids, func(id ID) bool { _, known := c.networks[id]; return known })
	if len(ids) == 0 {
		return nil
	}
	if c.watcher != nil {
		c.watcher.watchNetworks(ids...)
	}
	networks, err := networksByID(ctx, c.db, ids)
	if err != nil {
		return err
	}
	subnets, err := subnetsOf(ctx, c.db, ids...)
	for _, n := range networks {
		h := HostNetwork{ID: string(n.ID), MTU: n.MTU, External: n.External, Physical: n.Physical}
		for _, s := range subnets {
			if s.NetworkID == n.ID {
				h.Subnets = append(h.Subnets, HostSubnet{
					ID: string(s.ID), CIDR: s.CIDR, Gateway: s.Gateway.Addr, DHCP: s.DHCPAddress.Addr, DNS: s.DNS, Routes: s.Routes,
				})
			}
		}
		c.networks[n.ID] = h
	}
	return err
}

// readTopology reads the networks anew, and the routers where they live here.
func (c *carried) readTopology(ctx context.Context) error {
	clear(c.networks)
	c.outside, c.routers = nil, nil
	needed := map[ID]bool{}
	for _, p := range c.ports {
		needed[ID(p.Network)] = true
	}
	if !c.routes {
		return c.readNetworks(ctx, slices.Collect(maps.Keys(needed)))
	}
	plan, err := readRouters(ctx, c.db)
	if err != nil {
		return err
	}
	for _, p := range plan.legs {
		needed[p.NetworkID] = true
		c.outside = append(c.outside, p.NetworkID)
	}
	if err := c.readNetworks(ctx, slices.Collect(maps.Keys(needed))); err != nil {
		return err
	}
	c.routers = plan.routers(c.networks)
	return nil
}

// view puts together what the host should carry.
func (c *carried) view() View {
	v := View{Routers: c.routers, Ports: slices.AppendSeq(make([]HostPort, 0, len(c.ports)), maps.Values(c.ports))}
	needed := map[ID]bool{}
	for _, id := range c.outside {
		needed[id] = true
	}
	for _, p := range v.Ports {
		needed[ID(p.Network)] = true
	}
	for id := range needed {
		if n, ok := c.networks[id]; ok {
			v.Networks = append(v.Networks, n)
		}
	}
	for id, members := range c.members {
		g := HostGroup{ID: string(id), Addresses: make([]netip.Prefix, 0, len(members))}
		for _, prefixes := range members {
			g.Addresses = append(g.Addresses, prefixes...)
		}
		v.Groups = append(v.Groups, g)
	}
	return v
}
