// Package file keeps blobs as files in one directory, spread over 1,024 folders
// by the beginning of their keys. It is the store of a cloud on one machine, and
// of many on a shared file system.
//
// Bytes arrive under a temporary name in the directory's ".parts", are synced,
// take their final name by a rename, and the folder is synced: a file with a
// key's name is always whole, and what was acknowledged survives a power cut.
package file

import (
	"context"
	"io"
	"time"

	"github.com/nacre-cloud/nacre/internal/blob"
	"github.com/nacre-cloud/nacre/object"
)

// Driver is an object.Driver over a directory.
type Driver struct{ files blob.Files }

// New returns the Driver of dir, which is made when it is not there.
func New(dir string) *Driver {
	return &Driver{blob.Files{Dir: dir, What: "blob", Fanout: 2, Mode: 0o600}}
}

// Start implements object.Starter: the directory must be there and writable.
func (d *Driver) Start(context.Context) error { return d.files.Start() }

// Put implements object.Driver.
func (d *Driver) Put(ctx context.Context, key object.Key, r io.Reader, size int64) (int64, error) {
	return d.files.Put(ctx, string(key), r, size)
}

// Open implements object.Driver.
func (d *Driver) Open(_ context.Context, key object.Key, r object.Range) (io.ReadCloser, error) {
	return d.files.Open(string(key), r.Offset, r.Clip)
}

// Delete implements object.Driver.
func (d *Driver) Delete(_ context.Context, key object.Key) error { return d.files.Delete(string(key)) }

// Walk implements object.Driver.
func (d *Driver) Walk(ctx context.Context, f func(object.Blob) error) error {
	return d.files.Walk(ctx, func(i blob.Info) error {
		return f(object.Blob{Key: object.Key(i.Name), Size: i.Size, Modified: i.Modified})
	})
}

// Sweep implements object.Sweeper.
func (d *Driver) Sweep(_ context.Context, before time.Time) error { return d.files.Sweep(before) }

var (
	_ object.Driver  = (*Driver)(nil)
	_ object.Starter = (*Driver)(nil)
	_ object.Sweeper = (*Driver)(nil)
)
