package network

import (
	"context"
	"math"
	"net/netip"

	"go4.org/netipx"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// CreateSubnetPool implements Service.
func (m *Manager) CreateSubnetPool(ctx context.Context, s SubnetPoolSpec) (SubnetPool, error) {
	project, err := m.owner(ctx, "network:subnetpool:create", s.ProjectID)
	if err != nil {
		return SubnetPool{}, err
	}
	if s.ID != "" {
		if old, err := loadSubnetPool(ctx, m.db.Read(), s.ID); err == nil {
			return old, identity.Allow(ctx, "network:subnetpool:create", old)
		}
	}
	if s.Shared {
		if err := identity.Allow(ctx, "network:subnetpool:create:shared", nil); err != nil {
			return SubnetPool{}, err
		}
	}
	p := SubnetPool{ID: s.ID, Prefixes: s.Prefixes, MinBits: s.MinBits, MaxBits: s.MaxBits, DefaultBits: s.DefaultBits, Quota: quota.Unlimited, Shared: s.Shared}
	set(&p.Quota, s.Quota)
	if p.Attributes, err = attributes(&p.ID, project, s.Base); err != nil {
		return SubnetPool{}, err
	}
	if err := p.complete(); err != nil {
		return SubnetPool{}, err
	}
	return p, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := m.reserve(ctx, tx, project, ResourcePools, 1); err != nil {
			return err
		}
		return insert(ctx, tx, &p, "subnet pool "+string(p.ID))
	})
}

// leastBits are the fewest bits that a subnet of a pool has unless it says otherwise.
func (p *SubnetPool) leastBits() int {
	if p.Is4() {
		return 8
	}
	return 64
}

// complete fills in what was not said, and reports what contradicts itself.
func (p *SubnetPool) complete() error {
	if len(p.Prefixes) == 0 || len(p.Prefixes) > maxList {
		return fault.Invalid.Errorf("a subnet pool has from 1 to %d prefixes", maxList)
	}
	for _, prefix := range p.Prefixes {
		if !prefix.IsValid() || prefix.Bits() == 0 || prefix.Addr().Is4In6() || prefix.Addr().Is4() != p.Is4() {
			return fault.Invalid.Errorf("prefix %s: all prefixes of a subnet pool are ranges of one IP version", prefix)
		}
	}
	all, err := setOf(p.Prefixes)
	if err != nil {
		return err
	}
	p.Prefixes = all.Prefixes()
	if p.MinBits == 0 {
		p.MinBits = p.leastBits()
	}
	if p.MaxBits == 0 {
		p.MaxBits = p.Prefixes[0].Addr().BitLen()
	}
	if p.DefaultBits == 0 {
		p.DefaultBits = p.MinBits
	}
	if p.MinBits < 1 || p.MinBits > p.DefaultBits || p.DefaultBits > p.MaxBits || p.MaxBits > p.Prefixes[0].Addr().BitLen() {
		return fault.Invalid.Errorf("prefix lengths: the least, %d, the default, %d, and the most, %d, do not ascend within 1 and %d",
			p.MinBits, p.DefaultBits, p.MaxBits, p.Prefixes[0].Addr().BitLen())
	}
	if p.Quota < quota.Unlimited {
		return fault.Invalid.Errorf("the quota of a subnet pool is a number of addresses, not %d", p.Quota)
	}
	return nil
}

// setOf returns the addresses of prefixes.
func setOf(prefixes []netip.Prefix, without ...netip.Prefix) (*netipx.IPSet, error) {
	var b netipx.IPSetBuilder
	for _, p := range prefixes {
		b.AddPrefix(p.Masked())
	}
	for _, p := range without {
		b.RemovePrefix(p)
	}
	set, err := b.IPSet()
	return set, fault.Invalid.Wrap(err, "prefixes of a subnet pool")
}

// SubnetPool implements Service.
func (m *Manager) SubnetPool(ctx context.Context, id SubnetPoolID) (SubnetPool, error) {
	p, err := loadSubnetPool(ctx, m.db.Read(), id)
	if err != nil {
		return SubnetPool{}, err
	}
	return asMissing(p, mayShow(ctx, "network:subnetpool:show", p), "subnet pool", string(id))
}

// SubnetPools implements Service.
func (m *Manager) SubnetPools(ctx context.Context, q Query) (page.Of[SubnetPool], error) {
	project, err := seen(ctx)
	if err != nil {
		return page.Of[SubnetPool]{}, err
	}
	return listSubnetPools(ctx, m.db.Read(), project, q)
}

// UpdateSubnetPool implements Service.
func (m *Manager) UpdateSubnetPool(ctx context.Context, c SubnetPoolPatch) (SubnetPool, error) {
	p, err := m.SubnetPool(ctx, c.ID)
	if err == nil {
		err = identity.Allow(ctx, "network:subnetpool:update", p)
	}
	if err != nil {
		return SubnetPool{}, err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockSubnetPool(ctx, tx, c.ID); err != nil {
			return err
		}
		if p, err = loadSubnetPool(ctx, tx, c.ID); err != nil {
			return err
		}
		old := p.Prefixes
		if c.Prefixes != nil {
			p.Prefixes = c.Prefixes
		}
		set(&p.MinBits, c.MinBits)
		set(&p.MaxBits, c.MaxBits)
		set(&p.DefaultBits, c.DefaultBits)
		set(&p.Quota, c.Quota)
		if err := p.change(c.BasePatch); err != nil {
			return err
		}
		if err := p.complete(); err != nil {
			return err
		}
		now, err := setOf(p.Prefixes)
		if err != nil {
			return err
		}
		for _, o := range old {
			if !now.ContainsPrefix(o) {
				return fault.Invalid.Errorf("illegal subnetpool update: existing prefixes must be a subset of the new prefixes, and %s would be gone", o)
			}
		}
		return update(ctx, tx, &p, "subnet pool "+string(p.ID))
	})
	return p, err
}

// DeleteSubnetPool implements Service.
func (m *Manager) DeleteSubnetPool(ctx context.Context, id SubnetPoolID) error {
	p, err := m.SubnetPool(ctx, id)
	if err == nil {
		err = identity.Allow(ctx, "network:subnetpool:delete", p)
	}
	if err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockSubnetPool(ctx, tx, id); err != nil {
			return err
		}
		used, err := exists(ctx, tx, (*Subnet)(nil), "subnet_pool_id = ?", id)
		if err != nil {
			return err
		}
		if used {
			return ErrInUse.Errorf("unable to complete operation on subnet pool %s: subnet pool has existing allocations", id)
		}
		_, err = remove(ctx, tx, (*SubnetPool)(nil), "id = ?", id)
		return err
	})
}

// poolFor returns the pool that a new subnet shall be of, if any.
func (m *Manager) poolFor(ctx context.Context, s SubnetSpec) (SubnetPool, error) {
	if s.SubnetPoolID == "" {
		if s.Bits != 0 {
			return SubnetPool{}, fault.Invalid.Errorf("a prefix length is for subnets of a subnet pool; name the pool, or give a range")
		}
		return SubnetPool{}, nil
	}
	return m.SubnetPool(ctx, s.SubnetPoolID)
}

// cut chooses the range of a subnet of p that shall be want, or have as many bits
// as its spec or the pool says. The pool is locked until the end of tx.
func (p SubnetPool) cut(ctx context.Context, tx *db.Tx, s SubnetSpec) (netip.Prefix, error) {
	if err := lockSubnetPool(ctx, tx, p.ID); err != nil {
		return netip.Prefix{}, err
	}
	bits := p.DefaultBits
	if s.CIDR.IsValid() {
		bits = s.CIDR.Bits()
	} else if s.Bits != 0 {
		bits = s.Bits
	}
	if bits < p.MinBits || bits > p.MaxBits {
		return netip.Prefix{}, fault.Invalid.Errorf("unable to allocate subnet with prefix length %d: subnet pool %s has from %d to %d", bits, p.ID, p.MinBits, p.MaxBits)
	}
	held, err := prefixesOf(ctx, tx, p.ID)
	if err != nil {
		return netip.Prefix{}, err
	}
	if err := p.checkQuota(s.ProjectID, held, bits); err != nil {
		return netip.Prefix{}, err
	}
	taken := make([]netip.Prefix, len(held))
	for i, h := range held {
		taken[i] = h.CIDR
	}
	free, err := setOf(p.Prefixes, taken...)
	if err != nil {
		return netip.Prefix{}, err
	}
	if s.CIDR.IsValid() {
		if !free.ContainsPrefix(s.CIDR.Masked()) {
			return s.CIDR, ErrNoPrefix.Errorf("failed to allocate subnet: cannot allocate requested subnet %s from the available set of prefixes of subnet pool %s", s.CIDR, p.ID)
		}
		return s.CIDR, nil
	}
	cidr, _, ok := free.RemoveFreePrefix(uint8(bits))
	if !ok {
		return cidr, ErrNoPrefix.Errorf("failed to allocate subnet: insufficient prefix space to allocate subnet size /%d in subnet pool %s", bits, p.ID)
	}
	return cidr, nil
}

// checkQuota admits one more range of a project: IPv4 is counted in addresses,
// IPv6 in ranges of 64 bits.
func (p SubnetPool) checkQuota(project string, held []Subnet, bits int) error {
	if p.Quota == quota.Unlimited {
		return nil
	}
	whole := 64
	if p.Is4() {
		whole = 32
	}
	size := func(bits int) float64 { return math.Ldexp(1, whole-bits) }
	used := size(bits)
	for _, h := range held {
		if h.ProjectID == project {
			used += size(h.CIDR.Bits())
		}
	}
	if used > float64(p.Quota) {
		return fault.OverQuota.Errorf("per-tenant subnet pool prefix quota exceeded: subnet pool %s allows each project %d", p.ID, p.Quota)
	}
	return nil
}

// ofOnePool refuses a subnet beside one of the same IP version that is of another
// pool: addresses of one network then come from one place.
func ofOnePool(s Subnet, others []Subnet) error {
	for _, o := range others {
		if o.Is4() == s.Is4() && o.SubnetPoolID != s.SubnetPoolID {
			return fault.Invalid.Errorf("subnets hosted on the same network must be allocated from the same subnet pool, and %s is not from the pool of %s", s.CIDR, o.ID)
		}
	}
	return nil
}
