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
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/object"
)

const (
	parts  = ".parts"
	fanout = 2 // letters of a key that name its folder
)

// Driver is an object.Driver over a directory.
type Driver struct {
	dir string
}

// New returns the Driver of dir, which is made when the first blob arrives.
func New(dir string) *Driver { return &Driver{dir: dir} }

// Start implements object.Starter: the directory must be there and writable.
func (d *Driver) Start(context.Context) error {
	return explain(mkdir(filepath.Join(d.dir, parts)), "make object store %s", d.dir)
}

// Put implements object.Driver.
func (d *Driver) Put(ctx context.Context, key object.Key, r io.Reader, size int64) (int64, error) {
	path, err := d.path(key)
	if err != nil {
		return 0, err
	}
	temp := filepath.Join(d.dir, parts)
	f, err := os.CreateTemp(temp, "*")
	if errors.Is(err, fs.ErrNotExist) {
		if err = mkdir(temp); err == nil {
			f, err = os.CreateTemp(temp, "*")
		}
	}
	if err != nil {
		return 0, explain(err, "store blob %s", key)
	}
	n, err := fill(ctx, f, r, size)
	if err == nil {
		err = publish(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return 0, explain(err, "store blob %s", key)
	}
	return n, nil
}

// Open implements object.Driver.
func (d *Driver) Open(_ context.Context, key object.Key, r object.Range) (io.ReadCloser, error) {
	path, err := d.path(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, explain(err, "open blob %s", key)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, explain(err, "open blob %s", key)
	}
	n, ok := r.Clip(info.Size())
	if !ok {
		_ = f.Close()
		return nil, fault.Invalid.Errorf("range from %d of blob %s, which has %d bytes", r.Offset, key, info.Size())
	}
	if r == (object.Range{}) {
		return f, nil // an *os.File can be sent without copying
	}
	return section{io.NewSectionReader(f, r.Offset, n), f}, nil
}

// Delete implements object.Driver.
func (d *Driver) Delete(_ context.Context, key object.Key) error {
	path, err := d.path(key)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain(err, "delete blob %s", key)
	}
	return nil
}

// Walk implements object.Driver.
func (d *Driver) Walk(ctx context.Context, f func(object.Blob) error) error {
	folders, err := os.ReadDir(d.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain(err, "walk object store %s", d.dir)
	}
	for _, folder := range folders {
		if !folder.IsDir() || len(folder.Name()) != fanout {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(d.dir, folder.Name()))
		if err != nil {
			return explain(err, "walk object store %s", d.dir)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() {
				continue // deleted meanwhile, or not ours
			}
			if err := ctx.Err(); err != nil {
				return fault.Unavailable.Errorf("walk object store %s: %w", d.dir, err)
			}
			if err := f(object.Blob{Key: object.Key(e.Name()), Size: info.Size(), Modified: info.ModTime()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Sweep implements object.Sweeper.
func (d *Driver) Sweep(_ context.Context, before time.Time) error {
	temp := filepath.Join(d.dir, parts)
	entries, err := os.ReadDir(temp)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return explain(err, "sweep object store %s", d.dir)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().Before(before) {
			_ = os.Remove(filepath.Join(temp, e.Name()))
		}
	}
	return nil
}

func (d *Driver) path(key object.Key) (string, error) {
	name := string(key)
	if len(name) <= fanout || len(name) > 255 || name[0] == '.' || strings.ContainsAny(name, "/\x00") {
		return "", fault.Invalid.Errorf("blob key %q cannot be a file's name", name)
	}
	return filepath.Join(d.dir, name[:fanout], name), nil
}

// fill writes what r gives to f, durably, and closes it.
func fill(ctx context.Context, f *os.File, r io.Reader, size int64) (int64, error) {
	n, err := io.Copy(f, reader{ctx, r})
	if err == nil && size >= 0 && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return n, err
}

// publish gives a synced file its final name, durably.
func publish(part, path string) error {
	folder := filepath.Dir(path)
	err := os.Rename(part, path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = mkdir(folder); err == nil {
			err = os.Rename(part, path)
		}
	}
	if err != nil {
		return err
	}
	return syncDir(folder)
}

// mkdir makes a folder and what leads to it, durably.
func mkdir(dir string) error {
	err := os.Mkdir(dir, 0o750)
	if errors.Is(err, fs.ErrNotExist) {
		if err = mkdir(filepath.Dir(dir)); err == nil {
			err = os.Mkdir(dir, 0o750)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(filepath.Dir(dir))
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
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

// reader ends with its context.
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
	_ object.Driver  = (*Driver)(nil)
	_ object.Starter = (*Driver)(nil)
	_ object.Sweeper = (*Driver)(nil)
)
