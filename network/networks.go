package network

import (
	"context"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// CreateNetwork implements Service.
func (m *Manager) CreateNetwork(ctx context.Context, s Spec) (Network, error) {
	project, err := m.owner(ctx, "network:create", s.ProjectID)
	if err != nil {
		return Network{}, err
	}
	if s.ID != "" {
		if old, err := loadNetwork(ctx, m.db.Read(), s.ID); err == nil {
			return old, identity.Allow(ctx, "network:create", old)
		}
	}
	if s.Shared || s.External || s.Physical != "" {
		if err := identity.Allow(ctx, "network:create:provider", nil); err != nil {
			return Network{}, err
		}
	}
	n := Network{
		ID: s.ID, AdminUp: !s.AdminDown, Shared: s.Shared, External: s.External, Physical: s.Physical,
		MTU: s.MTU, PortSecurity: s.PortSecurity == nil || *s.PortSecurity,
	}
	if n.MTU == 0 {
		n.MTU = m.config.MTU
	}
	if n.Attributes, err = attributes(&n.ID, project, s.Base); err != nil {
		return Network{}, err
	}
	if err := m.checkMTU(n.MTU); err != nil {
		return Network{}, err
	}
	return n, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := m.reserve(ctx, tx, project, ResourceNetworks, 1); err != nil {
			return err
		}
		if err := insert(ctx, tx, &n, "network "+string(n.ID)); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, Created{ID: n.ID, ProjectID: n.ProjectID})
	})
}

// leastMTU is what IPv4 demands of every wire, in bytes.
const leastMTU = 68

func (m *Manager) checkMTU(mtu int) error {
	if mtu < leastMTU || mtu > m.config.MTU {
		return fault.Invalid.Errorf("an MTU of %d is not possible: it is from %d to %d", mtu, leastMTU, m.config.MTU)
	}
	return nil
}

// Network implements Service.
func (m *Manager) Network(ctx context.Context, id ID) (Network, error) {
	n, err := loadNetwork(ctx, m.db.Read(), id)
	if err != nil {
		return Network{}, err
	}
	return asMissing(n, mayShow(ctx, "network:show", n), "network", string(id))
}

// visible is a thing that may be seen although another project owns it.
type visible interface {
	identity.Target
	VisibleTo(c identity.Caller) bool
}

// mayShow allows what the rule allows, and what everybody sees.
func mayShow(ctx context.Context, action string, v visible) error {
	c := identity.CallerOf(ctx)
	if !c.Nobody() && v.VisibleTo(c) {
		return nil
	}
	return identity.Allow(ctx, action, v)
}

// Networks implements Service.
func (m *Manager) Networks(ctx context.Context, q Query) (out page.Of[Network], err error) {
	project, err := seen(ctx)
	if err != nil {
		return out, err
	}
	return listNetworks(ctx, m.db.Read(), project, q)
}

// UpdateNetwork implements Service.
func (m *Manager) UpdateNetwork(ctx context.Context, p Patch) (Network, error) {
	n, err := m.Network(ctx, p.ID)
	if err == nil {
		err = identity.Allow(ctx, "network:update", n)
	}
	if err == nil && (p.Shared != nil && *p.Shared != n.Shared || p.External != nil && *p.External != n.External) {
		err = identity.Allow(ctx, "network:create:provider", nil)
	}
	if err != nil {
		return Network{}, err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockNetwork(ctx, tx, p.ID); err != nil {
			return err
		}
		if n, err = loadNetwork(ctx, tx, p.ID); err != nil {
			return err
		}
		if err := m.changeNetwork(ctx, tx, &n, p); err != nil {
			return err
		}
		return update(ctx, tx, &n, "network "+string(n.ID))
	})
	if err == nil {
		m.networkChanged(ctx, n.ID)
	}
	return n, err
}

func (m *Manager) changeNetwork(ctx context.Context, tx *db.Tx, n *Network, p Patch) error {
	wasExternal := n.External
	set(&n.AdminUp, p.AdminUp)
	set(&n.Shared, p.Shared)
	set(&n.External, p.External)
	set(&n.MTU, p.MTU)
	set(&n.PortSecurity, p.PortSecurity)
	if err := n.change(p.BasePatch); err != nil {
		return err
	}
	if wasExternal && !n.External {
		used, err := exists(ctx, tx, (*Port)(nil), "network_id = ? AND device_owner IN (?, ?)", n.ID, OwnerGateway, OwnerFloating)
		if err != nil {
			return err
		}
		if used {
			return ErrInUse.Errorf("external network %s cannot become internal: gateways or floating IPs are on it", n.ID)
		}
	}
	return m.checkMTU(n.MTU)
}

// DeleteNetwork implements Service.
func (m *Manager) DeleteNetwork(ctx context.Context, id ID) error {
	n, err := m.Network(ctx, id)
	if err == nil {
		err = identity.Allow(ctx, "network:delete", n)
	}
	if err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockNetwork(ctx, tx, id); err != nil {
			return err
		}
		if err := eraseIdleFloating(ctx, tx, id); err != nil {
			return err
		}
		used, err := exists(ctx, tx, (*Port)(nil), "network_id = ?", id)
		if err != nil {
			return err
		}
		if used {
			return ErrInUse.Errorf("unable to complete operation on network %s. There are one or more ports still in use on the network", id)
		}
		for _, model := range []any{(*address)(nil), (*Subnet)(nil)} {
			if _, err := remove(ctx, tx, model, "network_id = ?", id); err != nil {
				return err
			}
		}
		gone, err := remove(ctx, tx, (*Network)(nil), "id = ?", id)
		if err != nil || gone == 0 {
			return err
		}
		return bus.Publish(ctx, tx, Deleted{ID: id, ProjectID: n.ProjectID})
	})
}

// eraseIdleFloating deletes the floating IPs of a network that stand for nobody.
func eraseIdleFloating(ctx context.Context, tx *db.Tx, id ID) error {
	idle, err := idleFloating(ctx, tx, id)
	if err != nil {
		return err
	}
	for _, f := range idle {
		if err := eraseFloating(ctx, tx, f); err != nil {
			return err
		}
	}
	return nil
}
