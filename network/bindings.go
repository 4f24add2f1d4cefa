package network

import (
	"cmp"
	"context"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// AvailabilityZones implements Service.
func (m *Manager) AvailabilityZones(ctx context.Context) ([]string, error) {
	return []string{m.config.AvailabilityZone}, identity.Allow(ctx, "network:zone:list", nil)
}

// mayBind allows the caller to plug ports into a host, which must be there.
func (m *Manager) mayBind(ctx context.Context, host string) error {
	if err := identity.Allow(ctx, "network:port:bind", nil); err != nil || host == "" {
		return err
	}
	return m.mustCarry(ctx, host)
}

// Bind implements Service.
func (m *Manager) Bind(ctx context.Context, s BindSpec) (Port, error) {
	if err := m.mayBind(ctx, s.Host); err != nil {
		return Port{}, err
	}
	p, was, err := m.rebind(ctx, s.Port, func(p *Port) error {
		if s.ServerID != "" && p.DeviceID != s.ServerID {
			if p.DeviceID != "" {
				return fault.Conflict.Errorf("port %s is in use by %s: server %s cannot have it", p.ID, p.DeviceID, s.ServerID)
			}
			p.DeviceID, p.DeviceOwner = s.ServerID, cmp.Or(p.DeviceOwner, OwnerServer)
		}
		p.Hostname = cmp.Or(s.Hostname, p.Hostname)
		if p.Host != s.Host {
			p.Host, p.Status = s.Host, Down
		}
		return nil
	})
	if err != nil {
		return Port{}, err
	}
	return m.settle(ctx, p, was)
}

// rebind changes whose a port is and where, while nobody else changes the port.
func (m *Manager) rebind(ctx context.Context, id PortID, f func(p *Port) error) (p, was Port, err error) {
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockPort(ctx, tx, id); err != nil {
			return err
		}
		if was, err = loadPort(ctx, tx, id); err != nil {
			return err
		}
		if err := identity.Hide(identity.Allow(ctx, "network:port:bind", was), "port", string(id)); err != nil {
			return err
		}
		p = was
		if err := f(&p); err != nil {
			return err
		}
		if p.Host == was.Host && p.DeviceID == was.DeviceID && p.DeviceOwner == was.DeviceOwner && p.Hostname == was.Hostname {
			return nil
		}
		p.touch()
		return updatePort(ctx, tx, &p)
	})
	return p, was, err
}

// settle tells all hosts that a port concerns, and waits for the one that it is
// plugged into.
func (m *Manager) settle(ctx context.Context, p, was Port) (Port, error) {
	own, a := m.portChanged(ctx, p, was), m.applier(p.Host)
	if own == nil {
		return p, noHost(p.Host)
	}
	if err := a.await(ctx, own); err != nil {
		return p, err
	}
	if err := own.leftOut[p.ID]; err != nil {
		return p, err
	}
	if p.AdminUp {
		p.Status = Active
	}
	return p, nil
}

// Unbind implements Service.
func (m *Manager) Unbind(ctx context.Context, s UnbindSpec) error {
	if err := m.mayBind(ctx, ""); err != nil {
		return err
	}
	p, was, err := m.rebind(ctx, s.Port, func(p *Port) error {
		if s.ServerID != "" && p.DeviceID != s.ServerID {
			return nil
		}
		p.Host, p.Status, p.Hostname = "", Down, ""
		if !p.ofNetwork() {
			p.DeviceID, p.DeviceOwner = "", ""
		}
		return nil
	})
	if err == nil {
		m.portChanged(ctx, p, was)
	}
	return err
}

// PortByAddress implements Service.
func (m *Manager) PortByAddress(ctx context.Context, g Guest) (Port, error) {
	if err := identity.Allow(ctx, "network:host:view", nil); err != nil {
		return Port{}, err
	}
	id, err := holder(ctx, m.db.Read(), ID(g.Network), g.Address)
	if err != nil {
		return Port{}, err
	}
	p, err := loadPort(ctx, m.db.Read(), id)
	if err == nil && p.Host == "" { // whose it is, its user wrote
		err = fault.NotFound.Errorf("address %s of network %s belongs to port %s, which is plugged in nowhere", g.Address, g.Network, id)
	}
	return p, err
}
