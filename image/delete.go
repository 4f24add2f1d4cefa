package image

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
)

func (m *Manager) deleteFlow() *flow.Flow[Image] {
	return flow.New[Image]("image.delete").
		Step("remove", m.removeBytes, nil).
		Record("forget", m.forget, nil).
		Sure()
}

// DeleteImage implements Service. An upload under way notices that its image is
// gone, and removes what it stored.
func (m *Manager) DeleteImage(ctx context.Context, id ID) error {
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockImage(ctx, tx, id); err != nil {
			return err
		}
		i, err := allowed(ctx, tx, id, "image:delete")
		if err != nil {
			return err
		}
		if i.Protected {
			return fault.Forbidden.Errorf("image %s is protected and cannot be deleted", id)
		}
		i.Status, i.UpdatedAt = Deleting, db.Now()
		if err := updateImage(ctx, tx, &i); err != nil {
			return err
		}
		_, err = flow.Start(ctx, tx, m.remove, subject(id), i)
		return err
	})
}

func (m *Manager) removeBytes(ctx context.Context, i *Image) error {
	if i.Blob == "" {
		return nil
	}
	d, err := m.driver(i.Store)
	if err != nil {
		return err
	}
	return fault.Internal.Wrap(d.Delete(ctx, i.Blob), "store %s: delete image %s", i.Store, i.ID)
}

func (m *Manager) forget(ctx context.Context, tx *db.Tx, i *Image) error {
	if err := deleteImage(ctx, tx, i.ID); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, Deleted{ID: i.ID, ProjectID: i.ProjectID, SizeBytes: i.SizeBytes})
}

func subject(id ID) string { return "image/" + string(id) }
