package volume

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
)

func (m *Manager) deleteFlow() *flow.Flow[Volume] {
	return flow.New[Volume]("volume.delete").
		Step("remove", m.removeVolume, nil).
		Record("forget", m.forgetVolume, nil).
		Sure()
}

// DeleteVolume implements Service.
func (m *Manager) DeleteVolume(ctx context.Context, id ID) error {
	v, err := m.allowed(ctx, id, "volume:delete")
	if err != nil || v.Status == Deleting {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockVolume(ctx, tx, id); err != nil {
			return err
		}
		if used, err := uses(ctx, tx, id); err != nil || used != "" {
			return orElse(err, ErrState.Errorf("volume %s cannot be deleted: it has %s", id, used))
		}
		if err := setVolumeStatus(ctx, tx, id, Deleting, ""); err != nil {
			return err
		}
		_, err := flow.Replace(ctx, tx, m.remove, subject(id), v)
		return err
	})
}

func orElse(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

func (m *Manager) removeVolume(ctx context.Context, v *Volume) error {
	d, err := m.driver(v.Backend)
	if err != nil {
		return err
	}
	return fault.Internal.Wrap(d.Delete(ctx, *v), "backend %s: delete volume %s", v.Backend, v.ID)
}

func (m *Manager) forgetVolume(ctx context.Context, tx *db.Tx, v *Volume) error {
	if err := deleteVolume(ctx, tx, v.ID); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, Deleted{ID: v.ID, ProjectID: v.ProjectID, SizeGiB: v.SizeGiB})
}
