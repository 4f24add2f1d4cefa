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
	if _, err := m.allowed(ctx, id, "volume:delete"); err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		v, err := lockVolume(ctx, tx, id)
		if err != nil {
			return err
		}
		if v.Status == Deleting {
			if busy, err := isBusy(ctx, tx, subject(id)); err != nil || busy {
				return err
			}
		}
		st := deleteState{Volume: v}
		if st.Snapshots, err = snapshotsOf(ctx, tx, id); err != nil {
			return err
		}
		if len(v.Attachments) > 0 {
			return ErrState.Errorf("volume %s cannot be deleted: it is %s by server %s", id, v.State(), v.Attachments[0].ServerID)
		}
		if n := len(st.Snapshots); n > 0 && !purge {
			return ErrState.Errorf("volume %s cannot be deleted: it has %d snapshots; delete them first, or ask for cascade", id, n)
		}
		if err := purgeSnapshots(ctx, tx, st.Snapshots); err != nil {
			return err
		}
		if err := setVolumeStatus(ctx, tx, id, Deleting, ""); err != nil {
			return err
		}
		_, err = flow.Replace(ctx, tx, m.remove, subject(id), st)
		return err
	})
}

// purgeSnapshots marks snapshots that go with their volume.
func purgeSnapshots(ctx context.Context, tx *db.Tx, snapshots []Snapshot) error {
	for _, s := range snapshots {
		if s.Status != Available && s.Status != Failed {
			return ErrState.Errorf("volume %s cannot be deleted: its snapshot %s is %s", s.VolumeID, s.ID, s.Status)
		}
		if err := setSnapshotStatus(ctx, tx, s.ID, Deleting, ""); err != nil {
			return err
		}
	}
	return nil
}

// isBusy reports whether a run about subject is under way.
func isBusy(ctx context.Context, tx *db.Tx, subject string) (bool, error) {
	open, err := flow.Open(ctx, tx, subject)
	return len(open) > 0, err
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
