package image

import (
	"context"
	"errors"

	"github.com/nacre-cloud/nacre/kit/db"
)

// Reconcile makes images queued again whose upload died with its process, and
// removes what such an upload stored. Then it compares the rows with what each
// store keeps, and logs what only one of them knows; of that it removes nothing:
// bytes that nobody knows may be an operator's rescue.
func (m *Manager) Reconcile(ctx context.Context) error {
	var errs []error
	for name, d := range m.stores {
		errs = append(errs, m.reap(ctx, name), m.compare(ctx, name, d))
	}
	return errors.Join(errs...)
}

func (m *Manager) reap(ctx context.Context, store string) error {
	uploads, err := uploadsIn(ctx, m.db.Read(), store)
	if err != nil {
		return err
	}
	for _, u := range uploads {
		now := db.Now()
		if !u.Dead && u.ExpiresAt.After(now) {
			continue
		}
		if err := m.discard(ctx, &u, now); err != nil {
			m.log.WarnContext(ctx, "a dead upload cannot be cleaned up", "image", u.ImageID, "store", store, "error", err)
			continue
		}
		m.log.InfoContext(ctx, "an upload died and was cleaned up", "image", u.ImageID, "store", store)
	}
	return nil
}

func (m *Manager) compare(ctx context.Context, store string, d Driver) error {
	// The store first: what is uploaded in between is then in the rows.
	kept, err := d.List(ctx)
	if err != nil {
		m.log.WarnContext(ctx, "image store cannot be listed", "store", store, "error", err)
		return nil
	}
	uploads, err := uploadsIn(ctx, m.db.Read(), store)
	if err != nil {
		return err
	}
	rows, err := rowsOf(ctx, m.db.Read(), store)
	if err != nil {
		return err
	}
	there := make(map[ID]bool, len(kept)+len(uploads))
	for _, u := range uploads {
		there[u.Blob] = true
	}
	for _, s := range kept {
		if _, known := rows[s.ID]; !known && !there[s.ID] {
			m.log.WarnContext(ctx, "image store keeps what no row knows", "store", store, "bytes", s.ID)
		}
		there[s.ID] = true
	}
	for blob, id := range rows {
		if !there[blob] {
			m.log.ErrorContext(ctx, "image is missing in its store", "store", store, "image", id, "bytes", blob)
		}
	}
	return nil
}
