package object

import (
	"context"
	"crypto/md5" //nolint:gosec // an object's ETag is its MD5 by protocol
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Upload implements Content.
func (m *Manager) Upload(ctx context.Context, u UploadSpec) (Object, error) {
	if err := m.admit(ctx, &u); err != nil {
		return Object{}, err
	}
	o := Object{
		ProjectID: u.ProjectID, Container: u.Container, Name: u.Object,
		Properties: u.Properties, Segments: u.Segments,
	}
	if len(u.Segments) > 0 {
		if err := m.join(ctx, &o); err != nil {
			return Object{}, err
		}
		if err := sameETag(u.ETag, o.ETag); err != nil {
			return Object{}, err
		}
		return m.commit(ctx, o, u.Absent)
	}
	o.Blob = newKey()
	body := &meter{r: u.Body, limit: m.cfg.MaxObject, sum: md5.New()} //nolint:gosec // as above
	n, err := m.driver.Put(ctx, o.Blob, body, u.Size)
	if err != nil {
		m.release(ctx, o.Blob)
		return Object{}, fault.Unavailable.Wrap(err, "store object %s", u.ObjectID)
	}
	o.Size, o.Stored, o.ETag = n, n, hex.EncodeToString(body.sum.Sum(nil))
	if err = sameETag(u.ETag, o.ETag); err == nil {
		o, err = m.commit(ctx, o, u.Absent)
	}
	if err != nil {
		m.release(ctx, o.Blob)
		return Object{}, err
	}
	return o, nil
}

// admit checks who uploads and, as far as it can be known, what, before a byte is read.
func (m *Manager) admit(ctx context.Context, u *UploadSpec) error {
	c, err := m.container(ctx, m.db.Read(), u.Parent())
	if err != nil && u.Signature == nil {
		return err
	}
	if u.Signature != nil {
		err = errors.Join(m.verify(ctx, *u.Signature, u.Parent()), err)
	} else {
		err = mayWrite(ctx, c)
	}
	if err != nil {
		return err
	}
	if err := checkObject(u.Object); err != nil {
		return err
	}
	if err := u.Properties.check(); err != nil {
		return err
	}
	size := max(u.Size, 0)
	if len(u.Segments) > 0 {
		size = 0 // what they count is known when they are joined
	}
	if size > m.cfg.MaxObject {
		return ErrTooLarge.Errorf("object %s of %d bytes is above the limit of %d", u.ObjectID, size, m.cfg.MaxObject)
	}
	old, err := loadObject(ctx, m.db.Read(), u.ObjectID, m.now())
	switch {
	case err == nil && u.Absent:
		return ErrPrecondition.Errorf("object %s exists", u.ObjectID)
	case err != nil && !errors.Is(err, fault.NotFound):
		return err
	}
	if err == nil && c.VersionsIn != "" {
		if _, err := kept(ctx, m.db.Read(), c); err != nil {
			return err
		}
	}
	o := Object{ProjectID: u.ProjectID, Container: u.Container, Name: u.Object, Stored: size}
	return m.checkQuota(ctx, m.db.Read(), change{c, o, old})
}

// commit makes o, whose blob is whole, what its name stands for.
func (m *Manager) commit(ctx context.Context, o Object, absent bool) (Object, error) {
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockVersioned(ctx, tx, o.ID().Parent()); err != nil {
			return err
		}
		return m.replace(ctx, tx, &o, absent)
	})
	return o, err
}

// replace writes the row of o in a transaction that has the locks of its container
// and of the one that keeps its versions.
func (m *Manager) replace(ctx context.Context, tx *db.Tx, o *Object, absent bool) error {
	id := o.ID()
	c, err := loadContainer(ctx, tx, id.Parent())
	if err != nil {
		return err
	}
	old, err := loadObject(ctx, tx, id, time.Time{}) // an expired one is replaced, too
	found := err == nil
	if err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	if found && absent && !old.Expired(m.now()) {
		return ErrPrecondition.Errorf("object %s exists", id)
	}
	if found && c.VersionsIn != "" && !old.Expired(m.now()) {
		if err := m.keep(ctx, tx, c, old); err != nil {
			return err
		}
	}
	*o, err = m.place(ctx, tx, change{c, *o, old})
	return err
}

// place writes an object that is stored now, in place of an old one if there is one.
func (m *Manager) place(ctx context.Context, tx *db.Tx, c change) (Object, error) {
	c.object.CreatedAt = m.now()
	if !c.object.CreatedAt.After(c.old.CreatedAt) {
		c.object.CreatedAt = c.old.CreatedAt.Add(time.Microsecond) // a replacement is always newer
	}
	c.object.UpdatedAt = c.object.CreatedAt
	return c.object, m.put(ctx, tx, c)
}

// put writes the row of an object, as a change within quotas.
func (m *Manager) put(ctx context.Context, tx *db.Tx, c change) error {
	if err := m.checkQuota(ctx, tx, c); err != nil {
		return err
	}
	if err := saveObject(ctx, tx, c.object); err != nil {
		return err
	}
	if err := m.releaseAfter(ctx, tx, c.old.Blob); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, Stored{
		ProjectID: c.object.ProjectID, Container: c.object.Container, Object: c.object.Name,
		Bytes: c.object.Stored, Replaced: c.old.Stored, New: c.old.Name == "",
	})
}

// releaseAfter deletes a blob once tx has committed, unless an object still has it.
func (m *Manager) releaseAfter(ctx context.Context, tx *db.Tx, key Key) error {
	if key == "" {
		return nil
	}
	known, err := knownBlobs(ctx, tx, []Key{key})
	if err == nil && !known[key] {
		tx.AfterCommit(func() { m.release(ctx, key) })
	}
	return err
}

// Download implements Content.
func (m *Manager) Download(ctx context.Context, d DownloadSpec) (Bytes, error) {
	o, err := m.readable(ctx, d)
	if err != nil {
		return Bytes{}, err
	}
	if o.Large() {
		return m.largeBytes(ctx, o, d.Signature)
	}
	return Bytes{Object: o, Open: func(ctx context.Context, r Range) (io.ReadCloser, error) { return m.open(ctx, o, r) }}, nil
}

// readable returns the row of an object that the caller may read.
func (m *Manager) readable(ctx context.Context, d DownloadSpec) (Object, error) {
	if err := m.mayReadIn(ctx, d.Parent(), d.Signature); err != nil {
		return Object{}, err
	}
	return loadObject(ctx, m.db.Read(), d.ObjectID, m.now())
}

// mayReadIn returns nil when the caller may read the objects of a container. What
// is signed is leave as far as the key reaches.
func (m *Manager) mayReadIn(ctx context.Context, id ContainerID, sig *Signature) error {
	if sig != nil {
		return m.verify(ctx, *sig, id)
	}
	c, err := m.container(ctx, m.db.Read(), id)
	if err != nil {
		return err
	}
	return mayRead(ctx, c)
}

func (m *Manager) open(ctx context.Context, o Object, r Range) (io.ReadCloser, error) {
	if o.Stored == 0 {
		return io.NopCloser(strings.NewReader("")), nil
	}
	body, err := m.driver.Open(ctx, o.Blob, r)
	if errors.Is(err, fault.NotFound) {
		again, e := loadObject(ctx, m.db.Read(), o.ID(), m.now())
		if e != nil || again.Blob != o.Blob {
			return nil, ErrReplaced.Errorf("object %s was replaced while it was read", o.ID())
		}
		return nil, fault.Internal.Errorf("object %s has lost its bytes: %w", o.ID(), err)
	}
	return body, fault.Unavailable.Wrap(err, "read object %s", o.ID())
}

func sameETag(want, got string) error {
	if want = strings.ToLower(strings.Trim(want, `"`)); want != "" && want != got {
		return ErrChecksum.Errorf("the bytes have the MD5 %s, announced was %.64s", got, want)
	}
	return nil
}

// meter sums and limits what passes.
type meter struct {
	r     io.Reader
	limit int64
	sum   hash.Hash
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.limit -= int64(n); m.limit < 0 {
		return 0, ErrTooLarge.Errorf("the object is above the limit of one object")
	}
	m.sum.Write(p[:n])
	return n, err
}
