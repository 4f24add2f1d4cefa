package volume

import (
	"context"
	"errors"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

func (m *Manager) snapshotFlow() *flow.Flow[Snapshot] {
	return flow.New[Snapshot]("volume.snapshot").
		Record("begin", nil, snapshotFailed).
		Step("take", m.takeSnapshot, m.dropSnapshot).
		Record("finish", snapshotDone, nil)
}

func (m *Manager) deleteSnapshotFlow() *flow.Flow[Snapshot] {
	return flow.New[Snapshot]("volume.snapshot.delete").
		Step("remove", m.dropSnapshot, nil).
		Record("forget", forgetSnapshot, nil).
		Sure()
}

// CreateSnapshot implements Service.
func (m *Manager) CreateSnapshot(ctx context.Context, s SnapshotSpec) (Snapshot, error) {
	if s.ID != "" {
		if old, err := loadSnapshot(ctx, m.db.Read(), s.ID); err == nil {
			return old, identity.Allow(ctx, "volume:snapshot:create", old)
		}
	}
	v, err := m.allowed(ctx, s.VolumeID, "volume:snapshot:create")
	if err != nil {
		return Snapshot{}, err
	}
	if _, err := power[Snapshotter](m, v.Backend, "take snapshots"); err != nil {
		return Snapshot{}, err
	}
	snap := Snapshot{
		ID: s.ID, VolumeID: v.ID, ProjectID: v.ProjectID, UserID: identity.CallerOf(ctx).UserID,
		Name: s.Name, Description: s.Description, Status: Creating, Backend: v.Backend,
		Metadata: s.Metadata, CreatedAt: db.Now(), UpdatedAt: db.Now(),
	}
	if snap.ID == "" {
		snap.ID = SnapshotID(db.NewID())
	}
	if err := checkTexts(s.Name, s.Description, s.Metadata); err != nil {
		return Snapshot{}, err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		v, err := lockVolume(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if v.Status != Available || len(v.Attachments) > 0 && !s.Force {
			return ErrState.Errorf("volume %s is %s: only an available volume can be taken a snapshot of, or one in use by force", v.ID, v.State())
		}
		snap.SizeGiB = v.SizeGiB
		want := quota.Amount{ResourceSnapshots: 1, ResourceGigabytes: int64(snap.SizeGiB)}
		if err := m.quota.Reserve(ctx, tx, snap.ProjectID, want, usage); err != nil {
			return err
		}
		if err := insertSnapshot(ctx, tx, &snap); err != nil {
			return err
		}
		_, err = flow.Start(ctx, tx, m.snap, snapshotSubject(snap.ID), snap)
		return err
	})
	return snap, err
}

// Snapshot implements Service.
func (m *Manager) Snapshot(ctx context.Context, id SnapshotID) (Snapshot, error) {
	s, err := loadSnapshot(ctx, m.db.Read(), id)
	if err != nil {
		return Snapshot{}, err
	}
	return s, identity.Hide(identity.Allow(ctx, "volume:snapshot:show", s), "snapshot", string(id))
}

// Snapshots implements Service.
func (m *Manager) Snapshots(ctx context.Context, q SnapshotQuery) (page.Of[Snapshot], error) {
	project, err := identity.ProjectToList(ctx, "volume:list", q.ProjectID, q.AllProjects)
	if err != nil {
		return page.Of[Snapshot]{}, err
	}
	return listSnapshots(ctx, m.db.Read(), project, q)
}

// UpdateSnapshot implements Service.
func (m *Manager) UpdateSnapshot(ctx context.Context, p SnapshotPatch) (Snapshot, error) {
	s, err := m.Snapshot(ctx, p.ID)
	if err == nil {
		err = identity.Allow(ctx, "volume:snapshot:update", s)
	}
	if err != nil {
		return Snapshot{}, err
	}
	if p.Status != nil {
		if err := identity.Allow(ctx, "volume:reset", s); err != nil {
			return Snapshot{}, err
		}
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		if s, err = lockSnapshot(ctx, tx, p.ID); err != nil {
			return err
		}
		columns := []string{"name", "description", "metadata", "updated_at"}
		set(&s.Name, p.Name)
		set(&s.Description, p.Description)
		s.Metadata, s.UpdatedAt = patched(s.Metadata, p.Metadata, p.MetadataItems), db.Now()
		if p.Status != nil {
			s.Status, s.Message = *p.Status, ""
			columns = append(columns, "status", "message")
		}
		if err := checkTexts(s.Name, s.Description, s.Metadata); err != nil {
			return err
		}
		return updateSnapshot(ctx, tx, &s, columns...)
	})
	return s, err
}

// DeleteSnapshot implements Service.
func (m *Manager) DeleteSnapshot(ctx context.Context, id SnapshotID) error {
	s, err := m.Snapshot(ctx, id)
	if err == nil {
		err = identity.Allow(ctx, "volume:snapshot:delete", s)
	}
	if err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if s.Status == Deleting {
			if busy, err := isBusy(ctx, tx, snapshotSubject(id)); err != nil || busy {
				return err
			}
		}
		if err := setSnapshotStatus(ctx, tx, id, Deleting, ""); err != nil {
			return err
		}
		_, err := flow.Replace(ctx, tx, m.unsnap, snapshotSubject(id), s)
		return err
	})
}

func (m *Manager) takeSnapshot(ctx context.Context, s *Snapshot) error {
	d, err := power[Snapshotter](m, s.Backend, "take snapshots")
	if err != nil {
		return err
	}
	return fault.Internal.Wrap(d.CreateSnapshot(ctx, *s), "backend %s: take snapshot %s", s.Backend, s.ID)
}

func (m *Manager) dropSnapshot(ctx context.Context, s *Snapshot) error {
	d, err := power[Snapshotter](m, s.Backend, "delete snapshots")
	if err != nil {
		return err
	}
	return fault.Internal.Wrap(d.DeleteSnapshot(ctx, *s), "backend %s: delete snapshot %s", s.Backend, s.ID)
}

func snapshotDone(ctx context.Context, tx *db.Tx, s *Snapshot) error {
	if err := setSnapshotStatus(ctx, tx, s.ID, Available, ""); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, SnapshotCreated{ID: s.ID, VolumeID: s.VolumeID, ProjectID: s.ProjectID})
}

func snapshotFailed(ctx context.Context, tx *db.Tx, s *Snapshot) error {
	cause := flow.Cause(ctx)
	if errors.Is(cause, flow.ErrCancelled) {
		return nil
	}
	return setSnapshotStatus(ctx, tx, s.ID, Failed, cause.Error())
}

func forgetSnapshot(ctx context.Context, tx *db.Tx, s *Snapshot) error {
	if err := deleteSnapshot(ctx, tx, s.ID); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, SnapshotDeleted{ID: s.ID, VolumeID: s.VolumeID, ProjectID: s.ProjectID})
}

func snapshotSubject(id SnapshotID) string { return "snapshot/" + string(id) }
