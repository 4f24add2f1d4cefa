package scheduler

import (
	"context"
	"errors"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// ReportHost says what a host has, and that it is alive. Most reports repeat the
// last one and write one column of one row.
func (m *Manager) ReportHost(ctx context.Context, r HostReport) error {
	if err := identity.Allow(ctx, "scheduler:host:report", nil); err != nil {
		return err
	}
	h, err := r.host(m.now())
	if err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		same, err := touchHost(ctx, tx, h.ID, h.Digest, h.SeenAt)
		if err != nil {
			return err
		}
		if same {
			tx.AfterCommit(func() { m.index.seen(h.ID, h.SeenAt) })
			return nil
		}
		return m.change(ctx, tx, h.ID, func() error { return saveHost(ctx, tx, h) })
	})
}

// change runs a write that alters what a host offers, and tells everybody.
func (m *Manager) change(ctx context.Context, tx *db.Tx, id HostID, write func() error) error {
	if err := lockHost(ctx, tx, id); err != nil {
		return err
	}
	if err := write(); err != nil {
		return err
	}
	h, err := loadHost(ctx, tx, id)
	if errors.Is(err, fault.NotFound) {
		tx.AfterCommit(m.index.stale)
		return bus.Publish(ctx, tx, HostDeleted{id})
	}
	if err != nil {
		return err
	}
	tx.AfterCommit(func() { m.index.put(h) })
	return bus.Publish(ctx, tx, HostChanged{h.ID, h.Name, h.AvailabilityZone, h.Enabled})
}

// Host returns one host.
func (m *Manager) Host(ctx context.Context, id HostID) (Host, error) {
	if err := identity.Allow(ctx, "scheduler:host:show", nil); err != nil {
		return Host{}, err
	}
	return loadHost(ctx, m.db.Read(), id)
}

// maxHosts keeps a page, with every host's traits, below the largest message of the bus.
const maxHosts = 200

// Hosts lists hosts.
func (m *Manager) Hosts(ctx context.Context, q HostQuery) (page.Of[Host], error) {
	if err := identity.Allow(ctx, "scheduler:host:list", nil); err != nil {
		return page.Of[Host]{}, err
	}
	if q.Limit <= 0 || q.Limit > maxHosts {
		q.Limit = maxHosts
	}
	return listHosts(ctx, m.db.Read(), q)
}

// UpdateHost enables or disables a host.
func (m *Manager) UpdateHost(ctx context.Context, p HostPatch) (Host, error) {
	if err := identity.Allow(ctx, "scheduler:host:update", nil); err != nil {
		return Host{}, err
	}
	if p.DisabledReason != nil && len(*p.DisabledReason) > 255 {
		return Host{}, fault.Invalid.Errorf("host %s: a reason has at most 255 bytes", p.ID)
	}
	var h Host
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return m.change(ctx, tx, p.ID, func() (err error) {
			if h, err = loadHost(ctx, tx, p.ID); err != nil {
				return err
			}
			h.apply(p)
			return setEnabled(ctx, tx, h.ID, h.Enabled, h.DisabledReason)
		})
	})
	return h, err
}

func (h *Host) apply(p HostPatch) {
	if p.Enabled != nil {
		h.Enabled = *p.Enabled
	}
	if p.DisabledReason != nil {
		h.DisabledReason = *p.DisabledReason
	}
	if h.Enabled {
		h.DisabledReason = ""
	}
}

// DeleteHost forgets a host.
func (m *Manager) DeleteHost(ctx context.Context, id HostID) error {
	if err := identity.Allow(ctx, "scheduler:host:delete", nil); err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return m.change(ctx, tx, id, func() error { return removeHost(ctx, tx, id) })
	})
}
