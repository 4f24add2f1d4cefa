package volume

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// deleteState is what a deletion remembers.
type deleteState struct {
	Volume    Volume
	Snapshots []Snapshot `json:",omitempty"` // that go with it
}

func (m *Manager) deleteFlow() *flow.Flow[deleteState] {
	return flow.New[deleteState]("volume.delete").
		Step("remove", m.removeVolume, nil).
		Record("forget", m.forgetVolume, nil).
		Sure()
}

// DeleteVolume implements Service.
func (m *Manager) DeleteVolume(ctx context.Context, id ID) error {
	return m.deleteVolume(ctx, id, false)
}

// PurgeVolume implements Service.
func (m *Manager) PurgeVolume(ctx context.Context, id ID) error { return m.deleteVolume(ctx, id, true) }

func (m *Manager) deleteVolume(ctx context.Context, id ID, purge bool) error {
	v, err := m.allowed(ctx, id, "volume:delete")
	if err != nil || v.Status == Deleting {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockVolume(ctx, tx, id); err != nil {
			return err
		}
		st := deleteState{Volume: v}
		if st.Snapshots, err = snapshotsOf(ctx, tx, id); err != nil {
			return err
		}
		attached, err := isAttached(ctx, tx, id)
		if err != nil {
			return err
		}
		if attached || len(st.Snapshots) > 0 && !purge {
			return ErrState.Errorf("volume %s cannot be deleted: it is attached or has snapshots", id)
		}
		for _, s := range st.Snapshots {
			if s.Status != Available && s.Status != Failed {
				return ErrState.Errorf("volume %s cannot be deleted: its snapshot %s is %s", id, s.ID, s.Status)
			}
			if err := setSnapshotStatus(ctx, tx, s.ID, Deleting, ""); err != nil {
				return err
			}
		}
		if err := setVolumeStatus(ctx, tx, id, Deleting, ""); err != nil {
			return err
		}
		_, err = flow.Replace(ctx, tx, m.remove, subject(id), st)
		return err
	})
}

func (m *Manager) removeVolume(ctx context.Context, st *deleteState) error {
	for _, s := range st.Snapshots {
		if err := m.dropSnapshot(ctx, &s); err != nil {
			return err
		}
	}
	v := st.Volume
	d, err := m.driver(v.Backend)
	if err != nil {
		return err
	}
	return fault.Internal.Wrap(d.Delete(ctx, v), "backend %s: delete volume %s", v.Backend, v.ID)
}

func (m *Manager) forgetVolume(ctx context.Context, tx *db.Tx, st *deleteState) error {
	for _, s := range st.Snapshots {
		if err := forgetSnapshot(ctx, tx, &s); err != nil {
			return err
		}
	}
	v := st.Volume
	if err := deleteVolume(ctx, tx, v.ID); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, Deleted{ID: v.ID, ProjectID: v.ProjectID, SizeGiB: v.SizeGiB})
}
