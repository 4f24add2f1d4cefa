package image

import (
	"context"
	"errors"
	"io"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Open implements Content.
func (m *Manager) Open(ctx context.Context, id ID, r Range) (io.ReadCloser, Image, error) {
	i, err := m.readable(ctx, id)
	if err != nil {
		return nil, Image{}, err
	}
	d, err := m.driver(i.Store)
	if err != nil {
		return nil, Image{}, err
	}
	in, err := d.Open(ctx, i.Blob, r)
	return in, i, fault.Internal.Wrap(err, "store %s: read image %s", i.Store, i.ID)
}

// readable loads an image whose bytes the caller may read.
func (m *Manager) readable(ctx context.Context, id ID) (Image, error) {
	i, err := allowed(ctx, m.db.Read(), id, "image:download")
	if err != nil {
		return Image{}, err
	}
	if i.Blob == "" {
		return Image{}, ErrNoBytes.Errorf("image %s is %s and has no bytes yet", i.ID, i.Status)
	}
	if i.Status == Deactivated {
		if err := identity.Allow(ctx, "image:download:deactivated", nil); err != nil {
			return Image{}, fault.Forbidden.Errorf("image %s is deactivated: its bytes are locked", i.ID)
		}
	}
	return i, nil
}

// limited refuses more bytes than there is room for.
type limited struct {
	r    io.Reader
	rest int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if l.rest -= int64(n); l.rest < 0 {
		return 0, fault.OverQuota.Errorf("the image is larger than the quota or the limit of this cloud allows")
	}
	return n, err
}

// A checked reader has a last word: what end returns instead of io.EOF. It
// remembers why reading failed, whatever a store makes of that.
type checked struct {
	r   io.Reader
	end func() error
	err error
}

func (c *checked) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	last := err
	if errors.Is(err, io.EOF) {
		if last = c.end(); last == nil {
			return n, io.EOF
		}
	}
	if last != nil {
		c.err = last
	}
	return n, last
}
