package scheduler

import (
	"context"
	"errors"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// refresh reads every host from the database when the index is older than age.
// It happens on demand, so that an idle scheduler does nothing.
func (m *Manager) refresh(ctx context.Context, age time.Duration) error {
	if m.index.age(m.now()) <= age {
		return nil
	}
	m.loading.Lock()
	defer m.loading.Unlock()
	began := m.now()
	if m.index.age(began) <= age {
		return nil
	}
	hosts, err := loadHosts(ctx, m.db.Read())
	if err != nil {
		return err
	}
	m.index.replace(hosts, began)
	return nil
}

// reread corrects the index where a claim was lost.
func (m *Manager) reread(ctx context.Context, id HostID) error {
	h, err := loadHost(ctx, m.db.Read(), id)
	if errors.Is(err, fault.NotFound) {
		m.index.stale()
		return m.refresh(ctx, fresh)
	}
	if err != nil {
		return err
	}
	m.index.put(h)
	return nil
}

// Reconcile compares what each host's inventories call used with what its
// placements add up to. They are written together and cannot differ; should
// they, through a bug or somebody's SQL, they are corrected and the log says so.
func (m *Manager) Reconcile(ctx context.Context) error {
	hosts, err := loadHosts(ctx, m.db.Read())
	if err != nil {
		return err
	}
	for _, h := range hosts {
		err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
			if err := lockHost(ctx, tx, h.ID); err != nil {
				return err
			}
			wrong, err := setUsed(ctx, tx, h.ID)
			if len(wrong) > 0 {
				m.log.ErrorContext(ctx, "inventories did not match placements; corrected", "host", h.Name, "classes", wrong)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
