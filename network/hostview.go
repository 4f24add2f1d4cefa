package network

import (
	"cmp"
	"context"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
)

// carried is what is known of one host's view.
type carried struct {
	m        *Manager
	host     string
	db       bun.IDB
	follows  bool                     // changes shall reach the host
	followed map[SecurityGroupID]bool // of which groups they do

	ports    map[PortID]carriedPort
	waiting  map[PortID]bool // ports to be called active once the host has them
	rules    map[SecurityGroupID][]Rule
	members  map[SecurityGroupID]map[PortID][]netip.Prefix // of groups that rules name
	networks map[ID]HostNetwork
	routers  []HostRouter
	outside  []ID // networks that only routers need
}

type carriedPort struct {
	HostPort
	born time.Time
}

func (p carriedPort) compare(o carriedPort) int {
	return cmp.Or(p.born.Compare(o.born), strings.Compare(p.ID, o.ID))
}

func newCarried(a *applier) *carried {
	c := emptyCarried(a.m, a.host.Name)
	c.follows = true
	return c
}

func emptyCarried(m *Manager, host string) *carried {
	return &carried{
		m: m, host: host, db: m.db.Read(), followed: map[SecurityGroupID]bool{},
		ports: map[PortID]carriedPort{}, waiting: map[PortID]bool{}, rules: map[SecurityGroupID][]Rule{},
		members: map[SecurityGroupID]map[PortID][]netip.Prefix{}, networks: map[ID]HostNetwork{},
	}
}

// HostView implements Service.
func (m *Manager) HostView(ctx context.Context, host string) (View, error) {
	if err := identity.Allow(ctx, "network:host:view", nil); err != nil {
		return View{}, err
	}
	c := emptyCarried(m, host)
	err := c.refresh(ctx, &attempt{}, true)
	view, _ := c.view()
	return view, err
}

// refresh reads what at says has changed, or every port of the host.
func (c *carried) refresh(ctx context.Context, at *attempt, all bool) error {
	var ports []Port
	var err error
	switch {
	case all:
		if ports, err = portsOn(ctx, c.db, c.host); err == nil && c.follows {
			c.followed, err = followedBy(ctx, c.db, c.host)
		}
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
	if at.topology || all {
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
	c.ports[p.ID] = carriedPort{c.hostPort(p), p.CreatedAt}
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
	if err := c.follow(ctx, fresh); err != nil {
		return err
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
	if err := c.follow(ctx, fresh); err != nil {
		return err
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

// follow makes changes of groups reach the host from now on, whichever process
// makes them. It comes before reading, so that no change falls between.
func (c *carried) follow(ctx context.Context, groups []SecurityGroupID) error {
	groups = slices.DeleteFunc(slices.Clone(groups), func(g SecurityGroupID) bool { return c.followed[g] })
	if !c.follows || len(groups) == 0 {
		return nil
	}
	err := c.m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return insertFollowed(ctx, tx, c.host, groups) })
	if err == nil {
		for _, g := range groups {
			c.followed[g] = true
		}
	}
	return err
}

// idle returns the groups that are followed and no longer needed.
func (c *carried) idle() (groups []SecurityGroupID) {
	for g := range c.followed {
		_, rules := c.rules[g]
		_, members := c.members[g]
		if !rules && !members {
			groups = append(groups, g)
		}
	}
	return groups
}

// readNetworks reads networks that are new here.
func (c *carried) readNetworks(ctx context.Context, ids []ID) error {
	ids = slices.DeleteFunc(ids, func(id ID) bool { _, known := c.networks[id]; return known })
	if len(ids) == 0 {
		return nil
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
	router, err := c.m.routerHost(ctx)
	if err != nil {
		return err
	}
	if c.host != router {
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

// view puts together what the host should carry. What cannot be true, whoever wrote it, is left
// out: everything else of the host must not wait for it. Of two that exclude each other the older stays.
func (c *carried) view() (View, flaws) {
	v := View{Routers: c.routers, Ports: make([]HostPort, 0, len(c.ports))}
	for _, p := range slices.SortedFunc(maps.Values(c.ports), carriedPort.compare) {
		v.Ports = append(v.Ports, p.HostPort)
	}
	needed := map[ID]bool{}
	for _, id := range c.outside {
		needed[id] = true
	}
	for _, p := range v.Ports {
		needed[ID(p.Network)] = true
	}
	for _, id := range slices.Sorted(maps.Keys(needed)) {
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
	return v.possible()
}
