// Package file keeps image bytes as files in one directory, one file per image,
// named by its id. It is the store of a cloud on one machine, and of many on a
// shared file system.
//
// Bytes arrive under a temporary name in the directory's ".parts", are synced,
// and take their final name by a rename, so that a file with an image's name is
// always whole. What an upload that died left behind is removed a day later.
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
)

const (
	parts = ".parts"
	stale = 24 * time.Hour // an upload that wrote nothing for so long is dead
)

// Driver is an image.Driver and an image.Local over a directory.
type Driver struct {
	dir   string
	sweep sync.Once
}

// New returns the Driver of dir, which is made when the first image arrives.
func New(dir string) *Driver {
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return &Driver{dir: dir}
}

// Put implements image.Driver.
func (d *Driver) Put(ctx context.Context, id image.ID, r io.Reader) (image.Stored, error) {
	path, err := d.path(id)
	if err != nil {
		return image.Stored{}, err
	}
	temp := filepath.Join(d.dir, parts)
	if err := os.MkdirAll(temp, 0o750); err != nil {
		return image.Stored{}, explain(err, "make image store %s", d.dir)
	}
	d.sweep.Do(func() { removeStale(temp) })
	part, err := write(ctx, temp, r)
	if err != nil {
		return image.Stored{}, explain(err, "store image %s", id)
	}
	if err := publish(part, path); err != nil {
		_ = os.Remove(part)
		return image.Stored{}, explain(err, "store image %s", id)
	}
	return d.stat(id)
}

// Open implements image.Driver.
func (d *Driver) Open(_ context.Context, id image.ID, r image.Range) (io.ReadCloser, error) {
	path, err := d.path(id)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, explain(err, "open image %s", id)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, explain(err, "open image %s", id)
	}
	n, ok := r.Clip(info.Size())
	if !ok {
		_ = f.Close()
		return nil, fault.Invalid.Errorf("range from %d of image %s, which has %d bytes", r.Offset, id, info.Size())
	}
	if r == (image.Range{}) {
		return f, nil // an *os.File can be sent without copying
	}
	return section{io.NewSectionReader(f, r.Offset, n), f}, nil
}

// Delete implements image.Driver.
func (d *Driver) Delete(_ context.Context, id image.ID) error {
	path, err := d.path(id)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return explain(err, "delete image %s", id)
	}
	return explain(syncDir(d.dir), "delete image %s", id)
}

// List implements image.Driver.
func (d *Driver) List(ctx context.Context) ([]image.Stored, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, explain(err, "list image store %s", d.dir)
	}
	all := make([]image.Stored, 0, len(entries))
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, fault.Unavailable.Errorf("list image store %s: %w", d.dir, err)
		}
		s, err := d.stat(image.ID(e.Name()))
		if errors.Is(err, fault.NotFound) {
			continue // deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// Path implements image.Local.
func (d *Driver) Path(_ context.Context, id image.ID) (string, error) {
	path, err := d.path(id)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", explain(err, "find image %s", id)
	}
	return path, nil
}

func (d *Driver) path(id image.ID) (string, error) {
	name := string(id)
	if name == "" || len(name) > 255 || name[0] == '.' || strings.ContainsAny(name, "/\x00") {
		return "", fault.Invalid.Errorf("image id %q cannot be a file's name", name)
	}
	return filepath.Join(d.dir, name), nil
}

func (d *Driver) stat(id image.ID) (image.Stored, error) {
	path := filepath.Join(d.dir, string(id))
	info, err := os.Stat(path)
	if err != nil {
		return image.Stored{}, explain(err, "find image %s", id)
	}
	where := url.URL{Scheme: "file", Path: path}
	return image.Stored{ID: id, Size: info.Size(), Location: where.String(), Modified: info.ModTime().UTC()}, nil
}

// write makes a synced temporary file of all that r gives.
func write(ctx context.Context, dir string, r io.Reader) (path string, err error) {
	f, err := os.CreateTemp(dir, "*")
	if err != nil {
		return "", err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	if err := f.Chmod(0o640); err != nil {
		return "", err
	}
	if _, err := io.Copy(f, reader{ctx, r}); err != nil {
		return "", err
	}
	return f.Name(), f.Sync()
}

// publish gives a synced file its final name, durably.
func publish(part, path string) error {
	if err := os.Rename(part, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func removeStale(dir string) {
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && time.Since(info.ModTime()) > stale {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// explain gives an error of the file system its kind.
func explain(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fault.Exhausted.Errorf("%s: the disk is full: %w", what, err)
	case errors.Is(err, fs.ErrNotExist):
		return fault.NotFound.Errorf("%s: %w", what, err)
	default:
		return fault.Unavailable.Wrap(err, "%s", what)
	}
}

type section struct {
	io.Reader
	io.Closer
}

// reader ends with its context, and hides that r may be able to write itself.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

var (
	_ image.Driver = (*Driver)(nil)
	_ image.Local  = (*Driver)(nil)
)
