// Package memory keeps blobs in RAM. It is what the embedded cloud runs on;
// everything is gone with the process.
package memory

import (
	"context"
	"io"

	"github.com/nacre-cloud/nacre/internal/blob"
	"github.com/nacre-cloud/nacre/object"
)

// Config is how much a Driver may keep. Its zero value is usable.
type Config struct {
	Capacity int64 // bytes of all blobs together; 0 means no limit
}

// Driver is an object.Driver in RAM.
type Driver struct{ blobs *blob.Memory }

// New returns an empty Driver.
func New(cfg Config) *Driver { return &Driver{blob.NewMemory("blob", cfg.Capacity)} }

// Put implements object.Driver.
func (d *Driver) Put(ctx context.Context, key object.Key, r io.Reader, size int64) (int64, error) {
	return d.blobs.Put(ctx, string(key), r, size)
}

// Open implements object.Driver.
func (d *Driver) Open(_ context.Context, key object.Key, r object.Range) (io.ReadCloser, error) {
	return d.blobs.Open(string(key), r.Offset, r.Clip)
}

// Delete implements object.Driver.
func (d *Driver) Delete(_ context.Context, key object.Key) error {
	d.blobs.Delete(string(key))
	return nil
}

// Walk implements object.Driver.
func (d *Driver) Walk(ctx context.Context, f func(object.Blob) error) error {
	return d.blobs.Walk(ctx, func(i blob.Info) error {
		return f(object.Blob{Key: object.Key(i.Name), Size: i.Size, Modified: i.Modified})
	})
}

var _ object.Driver = (*Driver)(nil)
