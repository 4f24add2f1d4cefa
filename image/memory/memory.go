// Package memory keeps image bytes in RAM. It is what the embedded cloud runs
// on and the shortest example of an image.Driver; everything is gone with the
// process.
package memory

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Config is how much a Driver may keep. Its zero value is usable.
type Config struct {
	Capacity int64 // bytes of all images together; 0 means no limit
}

// Driver is an image.Driver in RAM.
type Driver struct {
	cfg    Config
	mu     sync.Mutex
	images map[image.ID]blob
	used   int64 // also counts uploads under way
}

type blob struct {
	data   []byte // never changed once it is here
	stored time.Time
}

// New returns an empty Driver.
func New(cfg Config) *Driver {
	return &Driver{cfg: cfg, images: map[image.ID]blob{}}
}

// Put implements image.Driver.
func (d *Driver) Put(ctx context.Context, id image.ID, r io.Reader) (image.Stored, error) {
	if id == "" {
		return image.Stored{}, fault.Invalid.Errorf("an image without an id")
	}
	w := &buffer{driver: d}
	_, err := io.Copy(w, reader{ctx, r})
	if err != nil {
		d.release(int64(len(w.data)))
		return image.Stored{}, err
	}
	b := blob{w.data, time.Now().UTC()}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used -= int64(len(d.images[id].data))
	d.images[id] = b
	return b.describe(id), nil
}

// Open implements image.Driver.
func (d *Driver) Open(_ context.Context, id image.ID, r image.Range) (io.ReadCloser, error) {
	d.mu.Lock()
	b, ok := d.images[id]
	d.mu.Unlock()
	if !ok {
		return nil, fault.NotFound.Errorf("no bytes of image %s", id)
	}
	n, ok := r.Clip(int64(len(b.data)))
	if !ok {
		return nil, fault.Invalid.Errorf("range from %d of image %s, which has %d bytes", r.Offset, id, len(b.data))
	}
	return io.NopCloser(bytes.NewReader(b.data[r.Offset : r.Offset+n])), nil
}

// Delete implements image.Driver.
func (d *Driver) Delete(_ context.Context, id image.ID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used -= int64(len(d.images[id].data))
	delete(d.images, id)
	return nil
}

// List implements image.Driver.
func (d *Driver) List(context.Context) ([]image.Stored, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := make([]image.Stored, 0, len(d.images))
	for id, b := range d.images {
		all = append(all, b.describe(id))
	}
	return all, nil
}

func (b blob) describe(id image.ID) image.Stored {
	return image.Stored{ID: id, Size: int64(len(b.data)), Modified: b.stored}
}

func (d *Driver) reserve(n int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cfg.Capacity > 0 && d.used+n > d.cfg.Capacity {
		return fault.Exhausted.Errorf("image store in memory is full: %d of %d bytes used", d.used, d.cfg.Capacity)
	}
	d.used += n
	return nil
}

func (d *Driver) release(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used -= n
}

// buffer grows within the driver's capacity.
type buffer struct {
	driver *Driver
	data   []byte
}

func (b *buffer) Write(p []byte) (int, error) {
	if err := b.driver.reserve(int64(len(p))); err != nil {
		return 0, err
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

// reader ends with its context.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, fault.Unavailable.Errorf("upload ended: %w", err)
	}
	n, err := r.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fault.Unavailable.Wrap(err, "read the upload")
	}
	return n, err
}

var _ image.Driver = (*Driver)(nil)
