package network

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Cursors remember the address chosen last in each subnet, so that one that was
// given back is not chosen again soon, and the next try almost always succeeds. They are hints:
// the unique index decides, and a process that starts without them loses nothing.
type cursors struct {
	mu   sync.Mutex
	last map[SubnetID]netip.Addr
}

// next moves the cursor of s by one and returns the address it is at.
func (c *cursors) next(s Subnet) netip.Addr {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last == nil {
		c.last = map[SubnetID]netip.Addr{}
	}
	a := s.Pools[0].First
	if last, ok := c.last[s.ID]; ok {
		a = s.after(last)
	}
	c.last[s.ID] = a
	return a
}

func (c *cursors) set(s SubnetID, a netip.Addr) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last[s] = a
}

// after returns the address of the pools that follows a, and the first after the last.
func (s Subnet) after(a netip.Addr) netip.Addr {
	a = a.Next()
	for _, p := range s.Pools {
		if a.Compare(p.First) < 0 {
			return p.First
		}
		if a.Compare(p.Last) <= 0 {
			return a
		}
	}
	return s.Pools[0].First
}

// choose takes a free address out of the pools of s for a port. None is ErrNoAddress.
func (m *Manager) choose(ctx context.Context, tx bun.IDB, s Subnet, port PortID) (netip.Addr, error) {
	if len(s.Pools) == 0 {
		return netip.Addr{}, ErrNoAddress.Errorf("subnet %s has no allocation pool", s.ID)
	}
	row := address{NetworkID: s.NetworkID, SubnetID: s.ID, PortID: port, Address: m.cursors.next(s)}
	if free, err := take(ctx, tx, row); err != nil || free {
		return row.Address, err
	}
	from := row.Address
	for _, p := range slices.Concat(behind(s.Pools, from), s.Pools) {
		for {
			a, err := firstFree(ctx, tx, s.NetworkID, p)
			if err != nil {
				return a, err
			}
			if !a.IsValid() {
				break
			}
			row.Address = a
			free, err := take(ctx, tx, row)
			if err != nil || free {
				m.cursors.set(s.ID, a)
				return a, err
			}
		}
	}
	return netip.Addr{}, ErrNoAddress.Errorf("no more addresses available in subnet %s (%s)", s.ID, s.CIDR)
}

// behind returns what is left of pools from a on.
func behind(pools []Pool, a netip.Addr) []Pool {
	var rest []Pool
	for _, p := range pools {
		if p.Last.Compare(a) >= 0 {
			if p.First.Compare(a) < 0 {
				p.First = a
			}
			rest = append(rest, p)
		}
	}
	return rest
}

// window is how many addresses in use are read at once in search of a gap.
const window = 256

// firstFree returns the lowest free address of a pool, or none.
func firstFree(ctx context.Context, tx bun.IDB, network ID, p Pool) (netip.Addr, error) {
	at := p.First
	for {
		taken, err := takenFrom(ctx, tx, network, Pool{First: at, Last: p.Last}, window)
		if err != nil {
			return netip.Addr{}, err
		}
		for _, t := range taken {
			if a := fromPosition(t); a != at {
				return at, nil
			}
			if at == p.Last {
				return netip.Addr{}, nil
			}
			at = at.Next()
		}
		if len(taken) < window {
			return at, nil
		}
	}
}

// assign takes the addresses that p shall have: those wanted, or with nil one of each IP version.
func (m *Manager) assign(ctx context.Context, tx bun.IDB, p *Port, want *[]FixedIP, subnets []Subnet) error {
	if want != nil {
		for _, w := range *want {
			if err := m.assignOne(ctx, tx, p, w, subnets); err != nil {
				return err
			}
		}
		return nil
	}
	var four, six []Subnet
	for _, s := range subnets {
		switch {
		case s.Is4():
			four = append(four, s)
		case s.automatic():
			if err := m.assignOne(ctx, tx, p, FixedIP{SubnetID: s.ID}, subnets); err != nil {
				return err
			}
		default:
			six = append(six, s)
		}
	}
	for _, candidates := range [][]Subnet{four, six} {
		if err := m.assignAny(ctx, tx, p, candidates); err != nil {
			return err
		}
	}
	return nil
}

// assignAny takes one address of the first candidate that has any.
func (m *Manager) assignAny(ctx context.Context, tx bun.IDB, p *Port, candidates []Subnet) error {
	var err error
	for _, s := range candidates {
		var a netip.Addr
		if a, err = m.choose(ctx, tx, s, p.ID); err == nil {
			p.hold(s.ID, a)
			return nil
		}
		if fault.ReasonOf(err) != ErrNoAddress {
			return err
		}
	}
	if len(candidates) > 1 {
		return ErrNoAddress.Errorf("no more addresses available on network %s", p.NetworkID)
	}
	return err
}

func (m *Manager) assignOne(ctx context.Context, tx bun.IDB, p *Port, want FixedIP, subnets []Subnet) error {
	s, err := subnetFor(p.NetworkID, want, subnets)
	if err != nil {
		return err
	}
	a := want.Address
	if !a.IsValid() && s.automatic() {
		if a, err = eui64(s.CIDR, p.MAC); err != nil {
			return err
		}
	}
	if !a.IsValid() {
		a, err := m.choose(ctx, tx, s, p.ID)
		p.hold(s.ID, a)
		return err
	}
	if err := s.usable(a); err != nil {
		return err
	}
	free, err := take(ctx, tx, address{NetworkID: s.NetworkID, SubnetID: s.ID, PortID: p.ID, Address: a})
	if err == nil && !free {
		err = ErrAddressInUse.Errorf("address %s is already allocated in subnet %s", a, s.ID)
	}
	p.hold(s.ID, a)
	return err
}

func (p *Port) hold(s SubnetID, a netip.Addr) {
	p.Addresses = append(p.Addresses, FixedIP{s, a})
	slices.SortStableFunc(p.Addresses, func(x, y FixedIP) int { return x.Address.Compare(y.Address) })
}

func subnetFor(network ID, want FixedIP, subnets []Subnet) (Subnet, error) {
	for _, s := range subnets {
		if want.SubnetID == s.ID || want.SubnetID == "" && s.CIDR.Contains(want.Address) {
			return s, nil
		}
	}
	if want.SubnetID != "" {
		return Subnet{}, ErrInvalidAddress.Errorf("subnet %s is not part of network %s", want.SubnetID, network)
	}
	return Subnet{}, ErrInvalidAddress.Errorf("address %s is not in any subnet of network %s", want.Address, network)
}

// usable reports as a fault that a port cannot have address a of s.
func (s Subnet) usable(a netip.Addr) error {
	if !s.CIDR.Contains(a) {
		return ErrInvalidAddress.Errorf("address %s is not in subnet %s (%s)", a, s.ID, s.CIDR)
	}
	if s.Is4() && s.CIDR.Bits() < 31 && (a == s.CIDR.Addr() || a == lastOf(s.CIDR)) {
		return ErrInvalidAddress.Errorf("address %s of subnet %s is that of the network or its broadcast", a, s.ID)
	}
	return nil
}

// automatic reports that addresses of s are made of MACs.
func (s Subnet) automatic() bool { return s.AddressMode == SLAAC || s.AddressMode == Stateless }

// eui64 makes the address of a MAC in an IPv6 prefix of 64 bits.
func eui64(prefix netip.Prefix, mac string) (netip.Addr, error) {
	hw, err := net.ParseMAC(mac)
	if err != nil || len(hw) != 6 {
		return netip.Addr{}, fault.Invalid.Errorf("%q is not a MAC address", mac)
	}
	b := prefix.Addr().As16()
	copy(b[8:], []byte{hw[0] ^ 2, hw[1], hw[2], 0xff, 0xfe, hw[3], hw[4], hw[5]})
	return netip.AddrFrom16(b), nil
}

// lastOf returns the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Addr().AsSlice()
	for i := p.Bits(); i < len(b)*8; i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	a, _ := netip.AddrFromSlice(b) // 4 or 16 bytes
	return a
}

// newMAC returns a random MAC. The index on (network, MAC) finds a twin.
func newMAC() string {
	var b [3]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("fa:16:3e:%02x:%02x:%02x", b[0], b[1], b[2])
}
