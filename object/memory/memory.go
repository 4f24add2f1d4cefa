// Package memory keeps blobs in RAM. It is what the embedded cloud runs on and
// the shortest example of an object.Driver; everything is gone with the process.
package memory

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/object"
)

// Config is how much a Driver may keep. Its zero value is usable.
type Config struct {
	Capacity int64 // bytes of all blobs together; 0 means no limit
}

// Driver is an object.Driver in RAM.
type Driver struct {
	cfg   Config
	mu    sync.Mutex
	blobs map[object.Key]blob
	used  int64 // also counts uploads under way
}

type blob struct {
	data   []byte // never changed once it is here
	stored time.Time
}

// New returns an empty Driver.
func New(cfg Config) *Driver {
	return &Driver{cfg: cfg, blobs: map[object.Key]blob{}}
}

// Put implements object.Driver.
func (d *Driver) Put(ctx context.Context, key object.Key, r io.Reader, size int64) (int64, error) {
	w := &buffer{ctx: ctx, driver: d}
	if size > 0 && size < 1<<20 {
		w.data = make([]byte, 0, size)
	}
	n, err := io.Copy(w, r)
	if err == nil && size >= 0 && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		d.release(n)
		return 0, fmt.Errorf("blob %s: %w", key, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used -= int64(len(d.blobs[key].data))
	d.blobs[key] = blob{w.data, time.Now()}
	return n, nil
}

// Open implements object.Driver.
func (d *Driver) Open(_ context.Context, key object.Key, r object.Range) (io.ReadCloser, error) {
	d.mu.Lock()
	b, ok := d.blobs[key]
	d.mu.Unlock()
	if !ok {
		return nil, fault.NotFound.Errorf("no blob %s", key)
	}
	n, ok := r.Clip(int64(len(b.data)))
	if !ok {
		return nil, fault.Invalid.Errorf("range from %d of blob %s, which has %d bytes", r.Offset, key, len(b.data))
	}
	return io.NopCloser(bytes.NewReader(b.data[r.Offset : r.Offset+n])), nil
}

// Delete implements object.Driver.
func (d *Driver) Delete(_ context.Context, key object.Key) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used -= int64(len(d.blobs[key].data))
	delete(d.blobs, key)
	return nil
}

// Walk implements object.Driver.
func (d *Driver) Walk(ctx context.Context, f func(object.Blob) error) error {
	d.mu.Lock()
	all := make([]object.Blob, 0, len(d.blobs))
	for key, b := range d.blobs {
		all = append(all, object.Blob{Key: key, Size: int64(len(b.data)), Modified: b.stored})
	}
	d.mu.Unlock()
	for _, b := range all {
		if err := ctx.Err(); err != nil {
			return fault.Unavailable.Errorf("walk: %w", err)
		}
		if err := f(b); err != nil {
			return err
		}
	}
	return nil
}

func (d *Driver) reserve(n int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cfg.Capacity > 0 && d.used+n > d.cfg.Capacity {
		return fault.Exhausted.Errorf("object store in memory is full: %d of %d bytes used", d.used, d.cfg.Capacity)
	}
	d.used += n
	return nil
}

func (d *Driver) release(n int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used -= n
}

// buffer grows within the driver's capacity and its context.
type buffer struct {
	ctx    context.Context
	driver *Driver
	data   []byte
}

func (b *buffer) Write(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, fault.Unavailable.Errorf("upload ended: %w", err)
	}
	if err := b.driver.reserve(int64(len(p))); err != nil {
		return 0, err
	}
	b.data = append(b.data, p...)
	return len(p), nil
}

var _ object.Driver = (*Driver)(nil)
