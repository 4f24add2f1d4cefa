package network

import (
	"context"
	"net/netip"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// CreateFloatingIP implements Service.
func (m *Manager) CreateFloatingIP(ctx context.Context, s FloatingIPSpec) (FloatingIP, error) {
	project, err := m.owner(ctx, "network:floatingip:create", s.ProjectID)
	if err != nil {
		return FloatingIP{}, err
	}
	if s.ID != "" {
		if old, err := loadFloating(ctx, m.db.Read(), s.ID); err == nil {
			return old, identity.Allow(ctx, "network:floatingip:create", old)
		}
	}
	f := FloatingIP{ID: s.ID, NetworkID: s.NetworkID, DNSName: s.DNSName, DNSDomain: s.DNSDomain}
	if f.Attributes, err = attributes(&f.ID, project, s.Base); err != nil {
		return FloatingIP{}, err
	}
	subnets, err := m.floatingRange(ctx, s)
	if err != nil {
		return FloatingIP{}, err
	}
	if s.PortID != "" {
		if _, err := m.allowedPort(ctx, s.PortID, "network:port:update"); err != nil {
			return FloatingIP{}, err
		}
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := m.reserve(ctx, tx, project, ResourceFloating, 1); err != nil {
			return err
		}
		if err := f.aim(ctx, tx, s.PortID, s.FixedAddress); err != nil {
			return err
		}
		if err := lockNetwork(ctx, tx, f.NetworkID); err != nil {
			return err
		}
		if err := m.hold(ctx, tx, &f, s.Address, subnets); err != nil {
			return err
		}
		if err := insert(ctx, tx, &f, "floating IP "+f.Address.String()+" of port "+string(f.PortID)); err != nil {
			return err
		}
		if err := announce(ctx, tx, f.PortID); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, FloatingIPCreated{ID: f.ID, ProjectID: f.ProjectID, Address: f.Address.String()})
	})
	if err == nil && f.PortID != "" {
		m.routersChanged(ctx)
	}
	return f, err
}

// floatingRange returns the subnets that the address may be in.
func (m *Manager) floatingRange(ctx context.Context, s FloatingIPSpec) ([]Subnet, error) {
	n, err := m.Network(ctx, s.NetworkID)
	if err != nil {
		return nil, err
	}
	if !n.External {
		return nil, fault.Invalid.Errorf("network %s is not a valid external network", n.ID)
	}
	if s.Address.IsValid() {
		if err := identity.Allow(ctx, "network:floatingip:create:addr", nil); err != nil {
			return nil, err
		}
	}
	all, err := subnetsOf(ctx, m.db.Read(), n.ID)
	if err != nil {
		return nil, err
	}
	var fit []Subnet
	for _, sub := range all {
		if sub.Is4() && (s.SubnetID == "" || s.SubnetID == sub.ID) {
			fit = append(fit, sub)
		}
	}
	if len(fit) == 0 {
		return nil, fault.Invalid.Errorf("network %s does not contain any IPv4 subnet that fits", n.ID)
	}
	return fit, nil
}

// hold plugs a port into the external network that holds f's address.
func (m *Manager) hold(ctx context.Context, tx *db.Tx, f *FloatingIP, want netip.Addr, subnets []Subnet) error {
	p := routerPort("", OwnerFloating, f.NetworkID)
	p.DeviceID, p.Status = string(f.ID), Down
	var ask *[]FixedIP
	if want.IsValid() {
		ask = &[]FixedIP{{Address: want}}
	}
	if err := m.plug(ctx, tx, &p, ask, subnets); err != nil {
		return err
	}
	f.HolderID, f.Address = p.ID, p.Addresses[0].Address
	return nil
}

// aim makes f stand for an address of a port, or for nobody.
func (f *FloatingIP) aim(ctx context.Context, tx *db.Tx, port PortID, fixed netip.Addr) error {
	f.PortID, f.FixedAddress, f.RouterID = "", Addr{}, ""
	if port == "" {
		if fixed.IsValid() {
			return fault.Invalid.Errorf("fixed_ip_address %s cannot be specified without a port_id", fixed)
		}
		return nil
	}
	p, err := loadPort(ctx, tx, port)
	if err != nil {
		return err
	}
	at, err := p.fixedFor(fixed)
	if err != nil {
		return err
	}
	router, err := wayTo(ctx, tx, f.NetworkID, at.SubnetID)
	if err != nil {
		return err
	}
	if err := lockRouter(ctx, tx, router); err != nil {
		return err
	}
	if router, err = wayTo(ctx, tx, f.NetworkID, at.SubnetID); err != nil {
		return err
	}
	f.PortID, f.FixedAddress, f.RouterID = port, Addr{at.Address}, router
	return nil
}

// fixedFor returns the address that a floating IP of p stands for.
func (p Port) fixedFor(want netip.Addr) (FixedIP, error) {
	var fit []FixedIP
	for _, a := range p.Addresses {
		if a.Address == want || !want.IsValid() && a.Address.Is4() {
			fit = append(fit, a)
		}
	}
	switch {
	case len(fit) == 1 && fit[0].Address.Is4():
		return fit[0], nil
	case len(fit) > 1:
		return FixedIP{}, fault.Invalid.Errorf("port %s has multiple fixed IPv4 addresses: say which one with fixed_ip_address", p.ID)
	case want.IsValid():
		return FixedIP{}, fault.Invalid.Errorf("port %s does not have fixed IP %s", p.ID, want)
	}
	return FixedIP{}, fault.Invalid.Errorf("cannot add floating IP to port %s that has no fixed IPv4 addresses", p.ID)
}

// wayTo returns the router that leads from an external network to a subnet.
func wayTo(ctx context.Context, tx *db.Tx, external ID, to SubnetID) (RouterID, error) {
	legs, err := routersAt(ctx, tx, to)
	if err != nil {
		return "", err
	}
	for _, p := range legs {
		r, err := loadRouter(ctx, tx, RouterID(p.DeviceID))
		if err != nil {
			return "", err
		}
		if r.GatewayNetworkID == external {
			return r.ID, nil
		}
	}
	return "", ErrUnreachable.Errorf("external network %s is not reachable from subnet %s: no router is on both", external, to)
}

// FloatingIP implements Service.
func (m *Manager) FloatingIP(ctx context.Context, id FloatingID) (FloatingIP, error) {
	f, err := loadFloating(ctx, m.db.Read(), id)
	if err != nil {
		return FloatingIP{}, err
	}
	return asMissing(f, identity.Allow(ctx, "network:floatingip:show", f), "floating IP", string(id))
}

// FloatingIPs implements Service.
func (m *Manager) FloatingIPs(ctx context.Context, q Query) (page.Of[FloatingIP], error) {
	project, err := seen(ctx)
	if err != nil {
		return page.Of[FloatingIP]{}, err
	}
	return listFloating(ctx, m.db.Read(), project, q)
}

// UpdateFloatingIP implements Service.
func (m *Manager) UpdateFloatingIP(ctx context.Context, p FloatingIPPatch) (FloatingIP, error) {
	f, err := m.FloatingIP(ctx, p.ID)
	if err == nil {
		err = identity.Allow(ctx, "network:floatingip:update", f)
	}
	if err == nil && p.PortID != nil && *p.PortID != "" {
		_, err = m.allowedPort(ctx, *p.PortID, "network:port:update")
	}
	if err != nil {
		return FloatingIP{}, err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if f, err = loadFloating(ctx, tx, p.ID); err != nil {
			return err
		}
		was, port := f.PortID, f.PortID
		set(&port, p.PortID)
		if p.PortID != nil || p.FixedAddress.IsValid() {
			if err := f.aim(ctx, tx, port, p.FixedAddress); err != nil {
				return err
			}
		}
		if err := f.change(p.BasePatch); err != nil {
			return err
		}
		if err := update(ctx, tx, &f, "floating IP "+f.Address.String()+" of port "+string(f.PortID)); err != nil {
			return err
		}
		return announce(ctx, tx, was, f.PortID)
	})
	if err == nil {
		m.routersChanged(ctx)
	}
	return f, err
}

// DeleteFloatingIP implements Service.
func (m *Manager) DeleteFloatingIP(ctx context.Context, id FloatingID) error {
	f, err := m.FloatingIP(ctx, id)
	if err == nil {
		err = identity.Allow(ctx, "network:floatingip:delete", f)
	}
	if err != nil {
		return err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return eraseFloating(ctx, tx, f) })
	if err == nil && f.PortID != "" {
		m.routersChanged(ctx)
	}
	return err
}

// eraseFloating deletes a floating IP with the port that holds its address.
func eraseFloating(ctx context.Context, tx *db.Tx, f FloatingIP) error {
	gone, err := remove(ctx, tx, (*FloatingIP)(nil), "id = ?", f.ID)
	if err != nil || gone == 0 {
		return err
	}
	if err := erasePort(ctx, tx, f.HolderID); err != nil {
		return err
	}
	if err := announce(ctx, tx, f.PortID); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, FloatingIPDeleted{ID: f.ID, ProjectID: f.ProjectID, Address: f.Address.String()})
}
