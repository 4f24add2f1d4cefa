package network

import (
	"context"
	"net/netip"
	"slices"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// CreateSubnet implements Service.
func (m *Manager) CreateSubnet(ctx context.Context, s SubnetSpec) (Subnet, error) {
	n, err := m.Network(ctx, s.NetworkID)
	if err != nil {
		return Subnet{}, err
	}
	if s.ID != "" {
		if old, err := loadSubnet(ctx, m.db.Read(), s.ID); err == nil {
			return old, identity.Allow(ctx, "network:subnet:create", old)
		}
	}
	if err := identity.Allow(ctx, "network:subnet:create", n); err != nil {
		return Subnet{}, err
	}
	if s.ProjectID == "" {
		s.ProjectID = n.ProjectID
	}
	if s.ProjectID, err = m.owner(ctx, "network:subnet:create", s.ProjectID); err != nil {
		return Subnet{}, err
	}
	pool, err := m.poolFor(ctx, s)
	if err != nil {
		return Subnet{}, err
	}
	var sub Subnet
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := m.reserve(ctx, tx, s.ProjectID, ResourceSubnets, 1); err != nil {
			return err
		}
		if pool.ID != "" {
			if s.CIDR, err = pool.cut(ctx, tx, s); err != nil {
				return err
			}
		}
		if sub, err = planSubnet(s); err != nil {
			return err
		}
		sub.Shared = n.Shared
		if err := lockNetwork(ctx, tx, n.ID); err != nil {
			return err
		}
		if err := fits(ctx, tx, sub); err != nil {
			return err
		}
		if err := insert(ctx, tx, &sub, "subnet "+string(sub.ID)); err != nil {
			return err
		}
		return m.serveDHCP(ctx, tx, &sub)
	})
	if err == nil {
		m.networkChanged(ctx, n.ID)
	}
	return sub, err
}

// planSubnet checks s and completes it to the subnet that will be made.
func planSubnet(s SubnetSpec) (Subnet, error) {
	sub := Subnet{
		ID: s.ID, NetworkID: s.NetworkID, CIDR: s.CIDR.Masked(), Pools: s.Pools, DNS: s.DNS, Routes: s.Routes,
		SubnetPoolID: s.SubnetPoolID, DHCP: !s.NoDHCP, AddressMode: s.AddressMode, RAMode: s.RAMode,
	}
	if !s.CIDR.IsValid() || s.CIDR.Bits() == 0 || s.CIDR.Addr().Is4In6() || s.CIDR.Addr().IsMulticast() {
		return sub, fault.Invalid.Errorf("%q is not a range of addresses such as 10.0.0.0/24", s.CIDR)
	}
	sub.Gateway = Addr{firstOf(sub.CIDR)}
	set(&sub.Gateway.Addr, s.Gateway)
	if sub.Pools == nil {
		sub.Pools = defaultPools(sub.CIDR, sub.Gateway.Addr)
	}
	var err error
	if sub.Attributes, err = attributes(&sub.ID, s.ProjectID, s.Base); err != nil {
		return sub, err
	}
	return sub, sub.check()
}

// check reports what in a subnet contradicts itself, and sorts the pools.
func (s *Subnet) check() error {
	if err := s.checkModes(); err != nil {
		return err
	}
	if len(s.Pools) > maxList || len(s.DNS) > maxList || len(s.Routes) > maxList {
		return fault.Invalid.Errorf("a subnet has at most %d pools, name servers and routes", maxList)
	}
	slices.SortFunc(s.Pools, func(a, b Pool) int { return a.First.Compare(b.First) })
	for i, p := range s.Pools {
		switch {
		case p.First.Compare(p.Last) > 0 || s.usable(p.First) != nil || s.usable(p.Last) != nil:
			return fault.Invalid.Errorf("allocation pool %s-%s is not a range within %s", p.First, p.Last, s.CIDR)
		case i > 0 && s.Pools[i-1].Last.Compare(p.First) >= 0:
			return fault.Conflict.Errorf("allocation pools %s-%s and %s-%s overlap", s.Pools[i-1].First, s.Pools[i-1].Last, p.First, p.Last)
		case p.holds(s.Gateway.Addr):
			return ErrGatewayInPool.Errorf("gateway %s is in the allocation pool %s-%s", s.Gateway, p.First, p.Last)
		}
	}
	if s.Gateway.IsValid() && !(s.CIDR.Contains(s.Gateway.Addr) || s.Gateway.IsLinkLocalUnicast()) {
		return fault.Invalid.Errorf("gateway %s is not in subnet %s", s.Gateway, s.CIDR)
	}
	for _, r := range s.Routes {
		if !valid(r) {
			return fault.Invalid.Errorf("host route to %s by %s: both are of one IP version", r.Destination, r.NextHop)
		}
	}
	return nil
}

func (s *Subnet) checkModes() error {
	for _, mode := range []IPv6Mode{s.AddressMode, s.RAMode} {
		switch mode {
		case "":
			continue
		case SLAAC, Stateful, Stateless:
		default:
			return fault.Invalid.Errorf("IPv6 mode %q is none of %s, %s and %s", mode, SLAAC, Stateful, Stateless)
		}
		if s.Is4() || !s.DHCP {
			return fault.Invalid.Errorf("IPv6 modes are for IPv6 subnets with DHCP enabled")
		}
		if mode != Stateful && s.CIDR.Bits() != 64 {
			return fault.Invalid.Errorf("IPv6 mode %s needs a /64, not %s", mode, s.CIDR)
		}
	}
	if s.AddressMode != "" && s.RAMode != "" && s.AddressMode != s.RAMode {
		return fault.Invalid.Errorf("IPv6 address mode %s and router advertisement mode %s contradict each other", s.AddressMode, s.RAMode)
	}
	return nil
}

func (p Pool) holds(a netip.Addr) bool {
	return a.IsValid() && p.First.Compare(a) <= 0 && a.Compare(p.Last) <= 0
}

// firstOf returns the address that a gateway has unless it is said otherwise.
func firstOf(p netip.Prefix) netip.Addr {
	if p.IsSingleIP() || p.Bits() == p.Addr().BitLen()-1 {
		return p.Addr()
	}
	return p.Addr().Next()
}

// defaultPools returns all addresses that ports can have, but the gateway's.
func defaultPools(p netip.Prefix, gateway netip.Addr) []Pool {
	first, last := firstOf(p), lastOf(p)
	if p.Addr().Is4() && p.Bits() < 31 {
		last = last.Prev()
	}
	all := Pool{first, last}
	if !all.holds(gateway) {
		return []Pool{all}
	}
	pools := []Pool{}
	if gateway != first {
		pools = append(pools, Pool{first, gateway.Prev()})
	}
	if gateway != last {
		pools = append(pools, Pool{gateway.Next(), last})
	}
	return pools
}

// fits refuses a subnet that does not go with the others of its network.
func fits(ctx context.Context, tx *db.Tx, s Subnet) error {
	others, err := subnetsOf(ctx, tx, s.NetworkID)
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.CIDR.Overlaps(s.CIDR) {
			return fault.Invalid.Errorf("subnet %s overlaps with another subnet of network %s: %s (%s)", s.CIDR, s.NetworkID, o.CIDR, o.ID)
		}
	}
	return ofOnePool(s, others)
}

// serveDHCP gives s the address that answers DHCP on hosts, or takes it back. IPv6
// needs none: there routers say what is to be said.
func (m *Manager) serveDHCP(ctx context.Context, tx *db.Tx, s *Subnet) error {
	want := s.DHCP && s.Is4()
	switch {
	case want && !s.DHCPAddress.IsValid() && len(s.Pools) > 0:
		a, err := m.choose(ctx, tx, *s, "")
		if fault.ReasonOf(err) == ErrNoAddress {
			return nil // a full subnet is served no DHCP
		}
		if err != nil {
			return err
		}
		s.DHCPAddress = Addr{a}
	case !want && s.DHCPAddress.IsValid():
		if err := release(ctx, tx, s.NetworkID, s.DHCPAddress.Addr); err != nil {
			return err
		}
		s.DHCPAddress = Addr{}
	default:
		return nil
	}
	return update(ctx, tx, s, "subnet "+string(s.ID))
}

// Subnet implements Service.
func (m *Manager) Subnet(ctx context.Context, id SubnetID) (Subnet, error) {
	s, err := loadSubnet(ctx, m.db.Read(), id)
	if err != nil {
		return Subnet{}, err
	}
	return asMissing(s, mayShow(ctx, "network:subnet:show", s), "subnet", string(id))
}

// Subnets implements Service.
func (m *Manager) Subnets(ctx context.Context, q Query) (page.Of[Subnet], error) {
	project, err := seen(ctx)
	if err != nil {
		return page.Of[Subnet]{}, err
	}
	return listSubnets(ctx, m.db.Read(), project, q)
}

// UpdateSubnet implements Service.
func (m *Manager) UpdateSubnet(ctx context.Context, p SubnetPatch) (Subnet, error) {
	s, err := m.Subnet(ctx, p.ID)
	if err == nil {
		err = identity.Allow(ctx, "network:subnet:update", s)
	}
	if err != nil {
		return Subnet{}, err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockNetwork(ctx, tx, s.NetworkID); err != nil {
			return err
		}
		if s, err = loadSubnet(ctx, tx, p.ID); err != nil {
			return err
		}
		set(&s.Gateway.Addr, p.Gateway)
		set(&s.DNS, p.DNS)
		set(&s.Routes, p.Routes)
		set(&s.DHCP, p.DHCP)
		if p.Pools != nil {
			s.Pools = p.Pools
		}
		if err := s.change(p.BasePatch); err != nil {
			return err
		}
		if err := s.check(); err != nil {
			return err
		}
		if err := update(ctx, tx, &s, "subnet "+string(s.ID)); err != nil {
			return err
		}
		return m.serveDHCP(ctx, tx, &s)
	})
	if err == nil {
		m.networkChanged(ctx, s.NetworkID)
	}
	return s, err
}

// DeleteSubnet implements Service.
func (m *Manager) DeleteSubnet(ctx context.Context, id SubnetID) error {
	s, err := m.Subnet(ctx, id)
	if err == nil {
		err = identity.Allow(ctx, "network:subnet:delete", s)
	}
	if err != nil {
		return err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockNetwork(ctx, tx, s.NetworkID); err != nil {
			return err
		}
		used, err := subnetUsed(ctx, tx, s)
		if err != nil {
			return err
		}
		if used {
			return ErrInUse.Errorf("unable to complete operation on subnet %s: one or more ports have an IP allocation from this subnet", id)
		}
		if _, err := remove(ctx, tx, (*address)(nil), "subnet_id = ?", id); err != nil {
			return err
		}
		_, err = remove(ctx, tx, (*Subnet)(nil), "id = ?", id)
		return err
	})
	if err == nil {
		m.networkChanged(ctx, s.NetworkID)
	}
	return err
}
