package compute

import (
	"context"
	"errors"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/volume"
)

// deleteState is what a deletion remembers. What the server has is read from its
// row: what was under way has turned around by then.
type deleteState struct {
	Server ServerID
	Action string
}

func (m *Manager) deleteFlow() *flow.Flow[deleteState] {
	return flow.New[deleteState]("server.delete").
		Step("destroy", m.destroy, nil).
		Step("network", m.freeNICs, nil).
		Step("volumes", m.freeDisks, nil).
		Step("place", m.giveBack, nil).
		Record("forget", m.forget, nil).
		Sure()
}

// DeleteServer implements Service.
func (m *Manager) DeleteServer(ctx context.Context, id ServerID) error {
	s, err := m.allowed(ctx, id, "server:delete")
	if err != nil {
		return err
	}
	if err := unlocked(ctx, s); err != nil || s.Doing.Flow == m.remove.Name() {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		action := db.NewID()
		if err := beginAction(ctx, tx, s, action, "delete"); err != nil {
			return err
		}
		_, err := flow.Replace(ctx, tx, m.remove, subject(id), deleteState{Server: id, Action: action})
		return err
	})
}

func (m *Manager) destroy(ctx context.Context, st *deleteState) error {
	s, err := loadServer(ctx, m.db.Read(), st.Server)
	if err != nil || s.Host == "" {
		return err
	}
	d, err := m.driver(s.Host)
	if err != nil {
		return err
	}
	return d.Destroy(ctx, s.ID)
}

func (m *Manager) freeNICs(ctx context.Context, st *deleteState) error {
	s, err := loadServer(ctx, m.db.Read(), st.Server)
	if err != nil {
		return err
	}
	for _, n := range s.NICs {
		if err := m.freePort(ctx, s.ID, n); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) freeDisks(ctx context.Context, st *deleteState) error {
	s, err := loadServer(ctx, m.db.Read(), st.Server)
	if err != nil {
		return err
	}
	for _, d := range s.Disks {
		if err := m.freeVolume(ctx, volume.ID(d.VolumeID), volume.AttachmentID(d.AttachmentID), d.DeleteOnTermination); err != nil {
			return err
		}
	}
	return nil
}

func (m *Manager) giveBack(ctx context.Context, st *deleteState) error {
	return m.scheduler.Release(asService(ctx), scheduler.ConsumerID(st.Server))
}

func (m *Manager) forget(ctx context.Context, tx *db.Tx, st *deleteState) error {
	s, err := loadServer(ctx, tx, st.Server)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := deleteServer(ctx, tx, s.ID); err != nil {
		return err
	}
	if err := endAction(ctx, tx, st.Action, ""); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, ServerDeleted{ID: s.ID, ProjectID: s.ProjectID, At: db.Now()})
}
