// Package memory keeps image bytes in RAM. It is what the embedded cloud runs
// on; everything is gone with the process.
package memory

import (
	"context"
	"io"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/internal/blob"
)

// Config is how much a Driver may keep. Its zero value is usable.
type Config struct {
	Capacity int64 // bytes of all images together; 0 means no limit
}

// Driver is an image.Driver in RAM.
type Driver struct{ blobs *blob.Memory }

// New returns an empty Driver.
func New(cfg Config) *Driver { return &Driver{blob.NewMemory("image", cfg.Capacity)} }

// Put implements image.Driver.
func (d *Driver) Put(ctx context.Context, id image.ID, r io.Reader) (image.Stored, error) {
	if _, err := d.blobs.Put(ctx, string(id), r, -1); err != nil {
		return image.Stored{}, err
	}
	info, err := d.blobs.Stat(string(id))
	return describe(info), err
}

// Open implements image.Driver.
func (d *Driver) Open(_ context.Context, id image.ID, r image.Range) (io.ReadCloser, error) {
	return d.blobs.Open(string(id), r.Offset, r.Clip)
}

// Delete implements image.Driver.
func (d *Driver) Delete(_ context.Context, id image.ID) error {
	d.blobs.Delete(string(id))
	return nil
}

// List implements image.Driver.
func (d *Driver) List(ctx context.Context) ([]image.Stored, error) {
	var all []image.Stored
	err := d.blobs.Walk(ctx, func(i blob.Info) error { all = append(all, describe(i)); return nil })
	return all, err
}

func describe(i blob.Info) image.Stored {
	return image.Stored{ID: image.ID(i.Name), Size: i.Size, Modified: i.Modified}
}

var _ image.Driver = (*Driver)(nil)
