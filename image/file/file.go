// Package file keeps image bytes as files in one directory, one file per image,
// named by its id. It is the store of a cloud on one machine, and of many on a
// shared file system.
//
// Bytes arrive under a temporary name in the directory's ".parts", are synced,
// and take their final name by a rename, so that a file with an image's name is
// always whole. What an upload that died left behind is removed by the first
// program that starts a day later.
package file

import (
	"context"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/internal/blob"
)

const stale = 24 * time.Hour // an upload that wrote nothing for so long is dead

// Driver is an image.Driver and an image.Local over a directory.
type Driver struct{ files blob.Files }

// New returns the Driver of dir, which is made when it is not there.
func New(dir string) *Driver {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return &Driver{blob.Files{Dir: dir, What: "image", Mode: 0o640}}
}

// Start implements image.Starter: the directory must be there and writable.
func (d *Driver) Start(context.Context) error {
	if err := d.files.Start(); err != nil {
		return err
	}
	return d.files.Sweep(time.Now().Add(-stale))
}

// Put implements image.Driver.
func (d *Driver) Put(ctx context.Context, id image.ID, r io.Reader) (image.Stored, error) {
	if _, err := d.files.Put(ctx, string(id), r, -1); err != nil {
		return image.Stored{}, err
	}
	info, err := d.files.Stat(string(id))
	return d.describe(info), err
}

// Open implements image.Driver.
func (d *Driver) Open(_ context.Context, id image.ID, r image.Range) (io.ReadCloser, error) {
	return d.files.Open(string(id), r.Offset, r.Clip)
}

// Delete implements image.Driver.
func (d *Driver) Delete(_ context.Context, id image.ID) error { return d.files.Delete(string(id)) }

// List implements image.Driver.
func (d *Driver) List(ctx context.Context) ([]image.Stored, error) {
	var all []image.Stored
	err := d.files.Walk(ctx, func(i blob.Info) error { all = append(all, d.describe(i)); return nil })
	return all, err
}

// Path implements image.Local.
func (d *Driver) Path(_ context.Context, id image.ID) (string, error) {
	path, err := d.files.Path(string(id))
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", blob.Fault(err, "find image %s", id)
	}
	return path, nil
}

func (d *Driver) describe(i blob.Info) image.Stored {
	where := url.URL{Scheme: "file", Path: filepath.Join(d.files.Dir, i.Name)}
	return image.Stored{ID: image.ID(i.Name), Size: i.Size, Location: where.String(), Modified: i.Modified}
}

var (
	_ image.Driver  = (*Driver)(nil)
	_ image.Starter = (*Driver)(nil)
	_ image.Local   = (*Driver)(nil)
)
