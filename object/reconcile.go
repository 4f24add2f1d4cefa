package object

import (
	"context"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
)

const (
	expireEvery = time.Minute
	sweepEvery  = time.Hour
	// orphaned is how long a blob may be without a row. Its row is written right
	// after it, so an hour later nobody comes for it any more.
	orphaned = time.Hour
	chunk    = 500 // rows or blobs looked at together
)

// reconcile expires and sweeps until ctx ends.
func (m *Manager) reconcile(ctx context.Context) {
	ctx = identity.With(ctx, identity.System("object.reconcile"))
	expire, sweep := time.NewTicker(expireEvery), time.NewTicker(sweepEvery)
	defer expire.Stop()
	defer sweep.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-expire.C:
			_, err = m.Expire(ctx)
		case <-sweep.C:
			_, err = m.Sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			m.log.ErrorContext(ctx, "reconcile objects", "error", err)
		}
	}
}

// Expire removes the objects whose time is over and returns how many.
func (m *Manager) Expire(ctx context.Context) (int, error) {
	removed := 0
	for {
		due, err := expiredObjects(ctx, m.db.Read(), m.now(), chunk)
		if err != nil {
			return removed, err
		}
		for _, o := range due {
			if err := m.expire(ctx, o); err != nil {
				return removed, err
			}
			removed++
		}
		if len(due) < chunk {
			return removed, nil
		}
	}
}

func (m *Manager) expire(ctx context.Context, o Object) error {
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lock(ctx, tx, o.ID().Parent()); err != nil {
			return err
		}
		_, err := m.removeExpired(ctx, tx, o)
		return err
	})
}

// removeExpired removes o if it is still what was found to be expired.
func (m *Manager) removeExpired(ctx context.Context, tx *db.Tx, o Object) (bool, error) {
	again, err := loadObject(ctx, tx, o.ID(), time.Time{})
	if err != nil || !again.Expired(m.now()) {
		return false, ignoreMissing(err)
	}
	return true, m.remove(ctx, tx, again)
}

// expireIn removes what has expired in one container, whose lock tx has.
func (m *Manager) expireIn(ctx context.Context, tx *db.Tx, id ContainerID) error {
	due, err := expiredObjectsIn(ctx, tx, id, m.now())
	for _, o := range due {
		if err == nil {
			_, err = m.removeExpired(ctx, tx, o)
		}
	}
	return err
}

// Sweep removes blobs that no object has, and what dead uploads left behind. It
// returns how many blobs it removed.
func (m *Manager) Sweep(ctx context.Context) (int, error) {
	before := m.now().Add(-orphaned)
	if s, ok := m.driver.(Sweeper); ok {
		if err := s.Sweep(ctx, m.now().Add(-24*time.Hour)); err != nil {
			return 0, err
		}
	}
	removed := 0
	var keys []Key
	flush := func() error {
		known, err := knownBlobs(ctx, m.db.Read(), keys)
		for _, k := range keys {
			if err == nil && !known[k] {
				removed++
				err = m.driver.Delete(ctx, k)
			}
		}
		keys = keys[:0]
		return err
	}
	err := m.driver.Walk(ctx, func(b Blob) error {
		if b.Modified.After(before) {
			return nil
		}
		if keys = append(keys, b.Key); len(keys) < chunk {
			return nil
		}
		return flush()
	})
	if err == nil && len(keys) > 0 {
		err = flush()
	}
	if removed > 0 {
		m.log.InfoContext(ctx, "removed blobs without objects", "blobs", removed)
	}
	return removed, err
}
