package image

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/image/inspect"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// Upload implements Content. Each upload has a name of its own in the store, so
// that whatever dies or comes late never touches the bytes of an active image.
func (m *Manager) Upload(ctx context.Context, id ID, r io.Reader) (Image, error) {
	u := &upload{Blob: ID(db.NewID()), ImageID: id}
	i, room, err := m.begin(ctx, u)
	if err != nil {
		return Image{}, err
	}
	done, err := m.receive(ctx, u, i, &limited{r: r, rest: room})
	if err == nil {
		done, err = m.finish(ctx, u, done)
	}
	if err != nil {
		m.giveUp(ctx, u)
		return Image{}, err
	}
	return done, nil
}

// begin makes the image wait for u, and returns how many bytes it may have.
func (m *Manager) begin(ctx context.Context, u *upload) (i Image, room int64, err error) {
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockImage(ctx, tx, u.ImageID); err != nil {
			return err
		}
		if i, err = allowed(ctx, tx, u.ImageID, "image:upload"); err != nil {
			return err
		}
		if i.Status != Queued {
			return ErrState.Errorf("image %s is %s: only a queued image takes bytes", i.ID, i.Status)
		}
		if i.DiskFormat == "" || i.ContainerFormat == "" {
			return fault.Invalid.Errorf("image %s needs a disk format and a container format before it takes bytes", i.ID)
		}
		if _, err := m.driver(i.Store); err != nil {
			return err
		}
		if room, err = m.room(ctx, tx, i.ProjectID); err != nil {
			return err
		}
		u.Store, u.ExpiresAt = i.Store, db.Now().Add(m.config.Lease)
		if err := insertUpload(ctx, tx, u); err != nil {
			return err
		}
		i.Status, i.UpdatedAt = Saving, db.Now()
		return updateImage(ctx, tx, &i)
	})
	return i, room, err
}

// room returns the size of the largest image that a project may still upload.
func (m *Manager) room(ctx context.Context, tx *db.Tx, project string) (int64, error) {
	q, err := m.quota.Show(ctx, tx, project, usage)
	if q.Limits[ResourceSizeMiB] == quota.Unlimited {
		return m.config.MaxBytes, err
	}
	return min(m.config.MaxBytes, max(0, q.Limits[ResourceSizeMiB]-q.Used[ResourceSizeMiB])<<20), err
}

// receive stores what r gives while it is inspected and its digest computed.
func (m *Manager) receive(ctx context.Context, u *upload, i Image, r io.Reader) (Image, error) {
	d, err := m.driver(u.Store)
	if err != nil {
		return Image{}, err
	}
	judge, err := m.judge(i)
	if err != nil {
		return Image{}, err
	}
	ctx, release := m.hold(ctx, u)
	defer release()
	digest := NewDigest()
	var info inspect.Info
	// Also what only the end tells is told by the reader: then the store keeps nothing.
	in := &checked{r: io.TeeReader(r, io.MultiWriter(judge, digest)), end: func() (err error) {
		info, err = judge.Finish()
		return err
	}}
	_, err = d.Put(ctx, u.Blob, in)
	switch {
	case err == nil:
	case errors.Is(context.Cause(ctx), ErrState):
		return Image{}, context.Cause(ctx)
	case in.err != nil:
		return Image{}, fault.Unavailable.Wrap(in.err, "upload image %s", i.ID)
	default:
		return Image{}, fault.Internal.Wrap(err, "store %s: upload image %s", u.Store, i.ID)
	}
	sum := digest.Sum()
	i.Blob, i.SizeBytes, i.MD5, i.SHA512, i.VirtualBytes = u.Blob, sum.Size, sum.MD5, sum.SHA512, info.VirtualSize
	return i, nil
}

// finish gives the image its bytes, unless it was deleted meanwhile or this
// process was taken for dead.
func (m *Manager) finish(ctx context.Context, u *upload, stored Image) (i Image, err error) {
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockImage(ctx, tx, u.ImageID); err != nil {
			return err
		}
		if i, err = loadImage(ctx, tx, u.ImageID); err != nil {
			return err
		}
		ours, err := finishUpload(ctx, tx, u.Blob)
		if err != nil {
			return err
		}
		if !ours || i.Status != Saving {
			return lost(u)
		}
		want := quota.Amount{ResourceSizeMiB: mebibytes(stored.SizeBytes)}
		if err := m.quota.Reserve(ctx, tx, i.ProjectID, want, usage); err != nil {
			return err
		}
		i.Blob, i.SizeBytes, i.MD5, i.SHA512, i.VirtualBytes = stored.Blob, stored.SizeBytes, stored.MD5, stored.SHA512, stored.VirtualBytes
		i.Status, i.UpdatedAt = Active, db.Now()
		if err := updateImage(ctx, tx, &i); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, Uploaded{ID: i.ID, ProjectID: i.ProjectID, SizeBytes: i.SizeBytes})
	})
	return i, err
}

func lost(u *upload) error {
	return ErrState.Errorf("image %s no longer waits for these bytes: it was deleted, or the upload was given up", u.ImageID)
}

// giveUp ends an upload that failed. What does not work here the reconciler does later.
func (m *Manager) giveUp(ctx context.Context, u *upload) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), m.config.Lease)
	defer cancel()
	if err := m.discard(ctx, u, time.Time{}); err != nil {
		m.log.WarnContext(ctx, "a failed upload is not cleaned up yet", "image", u.ImageID, "store", u.Store, "error", err)
	}
}

// discard makes the image of an upload queued again and removes what was stored,
// in an order that a crash between any two steps leaves for the reconciler. With
// a time it does so only if the upload expired before it.
func (m *Manager) discard(ctx context.Context, u *upload, expired time.Time) error {
	var dead bool
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		dead, err = m.condemn(ctx, tx, u, expired)
		return err
	})
	if err != nil || !dead {
		return err
	}
	d, err := m.driver(u.Store)
	if err != nil {
		return err
	}
	if err := d.Delete(ctx, u.Blob); err != nil {
		return fault.Internal.Wrap(err, "store %s: remove upload %s", u.Store, u.Blob)
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return deleteUpload(ctx, tx, u.Blob) })
}

// condemn reports whether what u stored may go. From then on it cannot finish.
func (m *Manager) condemn(ctx context.Context, tx *db.Tx, u *upload, expired time.Time) (bool, error) {
	if err := lockImage(ctx, tx, u.ImageID); err != nil {
		return false, err
	}
	i, err := loadImage(ctx, tx, u.ImageID)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return false, err
	}
	if i.Blob == u.Blob {
		return false, nil // it did finish; only the answer to the commit was lost
	}
	ours, err := condemnUpload(ctx, tx, u.Blob, expired)
	if err != nil || !ours {
		return expired.IsZero(), err
	}
	if i.Status != Saving {
		return true, nil
	}
	i.Status, i.UpdatedAt = Queued, db.Now()
	return true, updateImage(ctx, tx, &i)
}

// hold says again and again that u is alive, until released. The context it
// returns ends when the image no longer waits for u.
func (m *Manager) hold(ctx context.Context, u *upload) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var loop sync.WaitGroup
	loop.Go(func() {
		tick := time.NewTicker(m.config.Lease / 4)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if waiting, err := m.renew(ctx, u); err == nil && !waiting {
				cancel(lost(u))
			}
		}
	})
	return ctx, func() {
		cancel(nil)
		loop.Wait()
	}
}

func (m *Manager) renew(ctx context.Context, u *upload) (waiting bool, err error) {
	u.ExpiresAt = db.Now().Add(m.config.Lease)
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		waiting, err = renewUpload(ctx, tx, u)
		return err
	})
	return waiting, err
}
