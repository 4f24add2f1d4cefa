package network

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strings"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// CreatePort implements Service.
func (m *Manager) CreatePort(ctx context.Context, s PortSpec) (Port, error) {
	if s.ID != "" {
		if old, err := loadPort(ctx, m.db.Read(), s.ID); err == nil {
			return m.again(ctx, old, s)
		}
	}
	n, err := loadNetworkRow(ctx, m.db.Read(), s.NetworkID)
	if err == nil {
		n, err = asMissing(n, mayShow(ctx, "network:show", n), "network", string(n.ID))
	}
	if err != nil {
		return Port{}, err
	}
	p, err := m.planPort(ctx, n, s)
	if err != nil {
		return Port{}, err
	}
	subnets, err := subnetsOf(ctx, m.db.Read(), n.ID)
	if err != nil {
		return Port{}, err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := m.reserve(ctx, tx, p.ProjectID, ResourcePorts, 1); err != nil {
			return err
		}
		if err := lockNetwork(ctx, tx, n.ID); err != nil {
			return err
		}
		return m.plug(ctx, tx, &p, s.Addresses, subnets)
	})
	if err != nil || p.Host == "" {
		return p, err
	}
	return m.settle(ctx, p, Port{})
}

// again answers a creation that has happened already.
func (m *Manager) again(ctx context.Context, p Port, s PortSpec) (Port, error) {
	if err := identity.Allow(ctx, "network:port:create", p); err != nil || s.Host == "" {
		return p, err
	}
	return m.Bind(ctx, BindSpec{Port: p.ID, Host: s.Host})
}

// plug inserts p with the addresses that it wants.
func (m *Manager) plug(ctx context.Context, tx *db.Tx, p *Port, want *[]FixedIP, subnets []Subnet) error {
	if err := insertPort(ctx, tx, p); err != nil {
		return err
	}
	if err := m.assign(ctx, tx, p, want, subnets); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, PortCreated{ID: p.ID, NetworkID: p.NetworkID, ProjectID: p.ProjectID})
}

// planPort checks s and completes it to the port that will be made.
func (m *Manager) planPort(ctx context.Context, n Network, s PortSpec) (Port, error) {
	project, err := m.owner(ctx, "network:port:create", s.ProjectID)
	if err != nil {
		return Port{}, err
	}
	if !n.Shared {
		if err := identity.Allow(ctx, "network:use", n); err != nil {
			return Port{}, err
		}
	}
	p := Port{
		ID: s.ID, NetworkID: n.ID, MAC: strings.ToLower(s.MAC), AdminUp: !s.AdminDown, Status: Down, DeviceID: s.DeviceID, DeviceOwner: s.DeviceOwner,
		Host: s.Host, Hostname: s.Hostname, VNICType: s.VNICType, PortSecurity: n.PortSecurity, Pairs: s.Pairs,
	}
	set(&p.PortSecurity, s.PortSecurity)
	if p.Attributes, err = attributes(&p.ID, project, s.Base); err != nil {
		return p, err
	}
	if s.Addresses != nil && len(*s.Addresses) > maxList {
		return p, fault.Invalid.Errorf("a port has at most %d addresses", maxList)
	}
	if p.Host != "" {
		if err := m.mayBind(ctx, p.Host); err != nil {
			return p, err
		}
	}
	if err := mayBecome(ctx, m.db.Read(), Port{PortSecurity: n.PortSecurity}, p, s.Addresses); err != nil {
		return p, err
	}
	if err := m.giveGroups(ctx, &p, s.Groups); err != nil {
		return p, err
	}
	return p, p.check()
}

// giveGroups gives a new port the groups it shall have.
func (m *Manager) giveGroups(ctx context.Context, p *Port, want *[]SecurityGroupID) (err error) {
	switch {
	case want != nil:
		p.Groups, err = m.groupsFor(ctx, p.ProjectID, *want)
	case p.PortSecurity && p.ProjectID != "" && !p.ofNetwork():
		var id SecurityGroupID
		id, err = m.defaultOf(ctx, p.ProjectID)
		p.Groups = []SecurityGroupID{id}
	}
	return err
}

// check reports what in a port contradicts itself.
func (p *Port) check() error {
	if hw, err := net.ParseMAC(p.MAC); p.MAC != "" && (err != nil || len(hw) != 6 || hw[0]&1 != 0) {
		return fault.Invalid.Errorf("%q is not the MAC address of one device", p.MAC)
	}
	if p.VNICType == "" {
		p.VNICType = "normal"
	}
	for _, s := range []string{p.DeviceID, p.DeviceOwner, p.Hostname, p.Host, p.VNICType} {
		if len(s) > maxText {
			return fault.Invalid.Errorf("%.40q… has more than %d characters", s, maxText)
		}
	}
	if !p.PortSecurity && len(p.Groups) > 0 {
		return fault.Conflict.Errorf("port %s has no port security, and so no security groups", p.ID)
	}
	if !p.PortSecurity && len(p.Pairs) > 0 {
		return fault.Conflict.Errorf("port %s has no port security, and so no allowed address pairs", p.ID)
	}
	if len(p.Pairs) > maxList {
		return fault.Invalid.Errorf("a port has at most %d allowed address pairs", maxList)
	}
	for i, pair := range p.Pairs {
		if !pair.Address.IsValid() || pair.MAC != "" && !isMAC(pair.MAC) {
			return fault.Invalid.Errorf("allowed address pair of %s with MAC %q", pair.Address, pair.MAC)
		}
		if slices.Contains(p.Pairs[:i], pair) {
			return fault.Invalid.Errorf("allowed address pair of %s is there twice", pair.Address)
		}
	}
	return nil
}

// Port implements Service.
func (m *Manager) Port(ctx context.Context, id PortID) (Port, error) {
	p, err := loadPort(ctx, m.db.Read(), id)
	if err != nil {
		return Port{}, err
	}
	return asMissing(p, identity.Allow(ctx, "network:port:show", p), "port", string(id))
}

// Ports implements Service.
func (m *Manager) Ports(ctx context.Context, q Query) (page.Of[Port], error) {
	project, err := seen(ctx)
	if err != nil {
		return page.Of[Port]{}, err
	}
	return listPorts(ctx, m.db.Read(), project, q)
}

// allowedPort loads a port that the caller may do action to.
func (m *Manager) allowedPort(ctx context.Context, id PortID, action string) (Port, error) {
	p, err := m.Port(ctx, id)
	if err != nil {
		return Port{}, err
	}
	return p, identity.Allow(ctx, action, p)
}

// UpdatePort implements Service.
func (m *Manager) UpdatePort(ctx context.Context, u PortPatch) (Port, error) {
	was, err := m.allowedPort(ctx, u.ID, "network:port:update")
	if err != nil {
		return Port{}, err
	}
	if u.Host != nil && *u.Host != was.Host {
		if err := m.mayBind(ctx, *u.Host); err != nil {
			return Port{}, err
		}
	}
	if u.Groups != nil {
		groups, err := m.groupsFor(ctx, was.ProjectID, *u.Groups)
		if err != nil {
			return Port{}, err
		}
		u.Groups = &groups
	}
	subnets, err := subnetsOf(ctx, m.db.Read(), was.NetworkID)
	if err != nil {
		return Port{}, err
	}
	var p Port
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockNetwork(ctx, tx, was.NetworkID); err != nil {
			return err
		}
		if err := lockPort(ctx, tx, u.ID); err != nil {
			return err
		}
		if was, err = loadPort(ctx, tx, u.ID); err != nil {
			return err
		}
		p, err = m.changePort(ctx, tx, was, u, subnets)
		if err != nil || slices.Equal(p.Addresses, was.Addresses) {
			return err
		}
		return announce(ctx, tx, p.ID)
	})
	if err != nil {
		return Port{}, err
	}
	if p.RouterID != "" || !slices.Equal(p.Addresses, was.Addresses) {
		m.routersChanged(ctx)
	}
	if p.Host != "" && p.Host != was.Host {
		return m.settle(ctx, p, was)
	}
	m.portChanged(ctx, p, was)
	return p, nil
}

func (m *Manager) changePort(ctx context.Context, tx *db.Tx, p Port, u PortPatch, subnets []Subnet) (Port, error) {
	was := p
	p.Addresses, p.Groups = slices.Clone(p.Addresses), slices.Clone(p.Groups)
	if u.MAC != nil && *u.MAC != "" {
		p.MAC = strings.ToLower(*u.MAC)
	}
	set(&p.AdminUp, u.AdminUp)
	set(&p.Pairs, u.Pairs)
	set(&p.PortSecurity, u.PortSecurity)
	set(&p.DeviceID, u.DeviceID)
	set(&p.DeviceOwner, u.DeviceOwner)
	set(&p.Hostname, u.Hostname)
	set(&p.VNICType, u.VNICType)
	set(&p.Host, u.Host)
	set(&p.Groups, u.Groups)
	if !p.AdminUp || p.Host != was.Host {
		p.Status = Down
	}
	if err := mayBecome(ctx, tx, was, p, u.Addresses); err != nil {
		return p, err
	}
	if err := p.change(u.BasePatch); err != nil {
		return p, err
	}
	if err := p.check(); err != nil {
		return p, err
	}
	if err := updatePort(ctx, tx, &p); err != nil {
		return p, err
	}
	if u.Groups != nil {
		if err := replacePortGroups(ctx, tx, &p); err != nil {
			return p, err
		}
	}
	if u.Addresses == nil {
		return p, nil
	}
	return p, m.readdress(ctx, tx, &p, *u.Addresses, subnets)
}

// readdress gives a port other addresses. One that it has already and wants by
// its subnet alone it keeps.
func (m *Manager) readdress(ctx context.Context, tx *db.Tx, p *Port, want []FixedIP, subnets []Subnet) error {
	if len(want) > maxList {
		return fault.Invalid.Errorf("a port has at most %d addresses", maxList)
	}
	old := p.Addresses
	var kept, fresh []FixedIP
	for _, w := range want {
		i := slices.IndexFunc(old, func(o FixedIP) bool {
			return !slices.Contains(kept, o) && (o.Address == w.Address || !w.Address.IsValid() && o.SubnetID == w.SubnetID)
		})
		if i < 0 {
			fresh = append(fresh, w)
		} else {
			kept = append(kept, old[i])
		}
	}
	for _, o := range old {
		if slices.Contains(kept, o) {
			continue
		}
		if err := release(ctx, tx, p.NetworkID, o.Address); err != nil {
			return err
		}
	}
	p.Addresses = kept
	if err := m.assign(ctx, tx, p, &fresh, subnets); err != nil {
		return err
	}
	keep := []netip.Addr{}
	for _, a := range p.Addresses {
		keep = append(keep, a.Address)
	}
	_, err := freeFloating(ctx, tx, p.ID, keep...)
	return err
}

// DeletePort implements Service.
func (m *Manager) DeletePort(ctx context.Context, id PortID) error {
	p, err := m.allowedPort(ctx, id, "network:port:delete")
	if err != nil {
		return err
	}
	freed := int64(0)
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockPort(ctx, tx, id); err != nil {
			return err
		}
		if p, err = loadPort(ctx, tx, id); err != nil {
			return err
		}
		if p.RouterID != "" || p.DeviceOwner == OwnerFloating {
			return ErrInUse.Errorf("port %s cannot be deleted directly via the port API: it belongs to %s %s", id, p.DeviceOwner, p.DeviceID)
		}
		if freed, err = freeFloating(ctx, tx, id); err != nil {
			return err
		}
		if err := erasePort(ctx, tx, id); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, PortDeleted{ID: p.ID, NetworkID: p.NetworkID, ProjectID: p.ProjectID, DeviceID: p.DeviceID})
	})
	if err != nil {
		return err
	}
	if freed > 0 {
		m.routersChanged(ctx)
	}
	m.portChanged(ctx, Port{Attributes: p.Attributes, ID: p.ID}, p)
	return nil
}
