package blob

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
)

const parts = ".parts"

// Files keeps blobs as files in one folder, named as the blobs are.
//
// Bytes arrive under a temporary name in ".parts", are synced, take their final
// name by a rename, and the folder is synced: a file with a blob's name is always
// whole, and what was acknowledged survives a power cut.
type Files struct {
	Dir    string      // made when it is not there
	What   string      // what a blob is called in messages, such as "image"
	Fanout int         // letters of a name that name a folder within Dir; 0 for none
	Mode   fs.FileMode // of the files
}

// Start makes the folder, and fails where nothing can be written to it.
func (f Files) Start() error {
	return Fault(mkdir(filepath.Join(f.Dir, parts)), "make %s store %s", f.What, f.Dir)
}

// Path returns the file of a blob. A name that cannot be a file's is fault.Invalid.
func (f Files) Path(name string) (string, error) {
	if len(name) <= f.Fanout || len(name) > 255 || name[0] == '.' || strings.ContainsAny(name, "/\x00") {
		return "", fault.Invalid.Errorf("%s %q: that cannot be a file's name", f.What, name)
	}
	return filepath.Join(f.Dir, name[:f.Fanout], name), nil
}

// Put stores what r gives, which is size bytes or, when size is negative, an
// unknown number, in place of what was there, and returns their number.
func (f Files) Put(ctx context.Context, name string, r io.Reader, size int64) (int64, error) {
	path, err := f.Path(name)
	if err != nil {
		return 0, err
	}
	part, err := f.create()
	if err != nil {
		return 0, Fault(err, "store %s %s", f.What, name)
	}
	n, err := f.write(ctx, part, r, size)
	if err == nil {
		err = Publish(part.Name(), path)
	}
	if err != nil {
		_ = os.Remove(part.Name())
		return 0, Fault(err, "store %s %s", f.What, name)
	}
	return n, nil
}

// create makes a temporary file.
func (f Files) create() (*os.File, error) {
	temp := filepath.Join(f.Dir, parts)
	part, err := os.CreateTemp(temp, "*")
	if errors.Is(err, fs.ErrNotExist) {
		if err = mkdir(temp); err == nil {
			part, err = os.CreateTemp(temp, "*")
		}
	}
	return part, err
}

// write fills part, durably, and closes it.
func (f Files) write(ctx context.Context, part *os.File, r io.Reader, size int64) (int64, error) {
	n, err := fill(ctx, part, r, size)
	if err == nil {
		err = part.Chmod(f.Mode)
	}
	if err == nil {
		err = part.Sync()
	}
	if e := part.Close(); err == nil {
		err = e
	}
	return n, err
}

// Open reads a part of a blob, from offset on.
func (f Files) Open(name string, offset int64, clip Clip) (io.ReadCloser, error) {
	path, err := f.Path(name)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, Fault(err, "open %s %s", f.What, name)
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return nil, Fault(err, "open %s %s", f.What, name)
	}
	n, ok := clip(info.Size())
	if !ok {
		_ = file.Close()
		return nil, outside(f.What, name, offset, info.Size())
	}
	if n == info.Size() {
		return file, nil // an *os.File can be sent without copying
	}
	return section{io.NewSectionReader(file, offset, n), file}, nil
}

func outside(what, name string, offset, size int64) error {
	return fault.Invalid.Errorf("range from %d of %s %s, which has %d bytes", offset, what, name, size)
}

type section struct {
	io.Reader
	io.Closer
}

// Stat describes a blob.
func (f Files) Stat(name string) (Info, error) {
	path, err := f.Path(name)
	if err != nil {
		return Info{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return Info{}, Fault(err, "find %s %s", f.What, name)
	}
	return describe(info), nil
}

func describe(info fs.FileInfo) Info {
	return Info{info.Name(), info.Size(), info.ModTime().UTC()}
}

// Delete removes a blob. After a power cut it may be back.
func (f Files) Delete(name string) error {
	path, err := f.Path(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Fault(err, "delete %s %s", f.What, name)
	}
	return nil
}

// Walk calls each for every blob, in no order, and ends with its error.
func (f Files) Walk(ctx context.Context, each func(Info) error) error {
	folders, err := f.folders()
	if err != nil {
		return Fault(err, "walk %s store %s", f.What, f.Dir)
	}
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Fault(err, "walk %s store %s", f.What, f.Dir)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || !info.Mode().IsRegular() || info.Name()[0] == '.' {
				continue // deleted meanwhile, or not ours
			}
			if err := ctx.Err(); err != nil {
				return Fault(err, "walk %s store %s", f.What, f.Dir)
			}
			if err := each(describe(info)); err != nil {
				return err
			}
		}
	}
	return nil
}

// folders lists those that hold blobs.
func (f Files) folders() ([]string, error) {
	if f.Fanout == 0 {
		return []string{f.Dir}, nil
	}
	entries, err := os.ReadDir(f.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []string
	for _, e := range entries {
		if e.IsDir() && len(e.Name()) == f.Fanout {
			all = append(all, filepath.Join(f.Dir, e.Name()))
		}
	}
	return all, nil
}

// Sweep removes what was being put before a moment and never became whole.
func (f Files) Sweep(before time.Time) error {
	temp := filepath.Join(f.Dir, parts)
	entries, err := os.ReadDir(temp)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Fault(err, "sweep %s store %s", f.What, f.Dir)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.ModTime().Before(before) {
			_ = os.Remove(filepath.Join(temp, e.Name()))
		}
	}
	return nil
}

// Publish gives a synced file its final name, durably, and makes its folder.
func Publish(part, path string) error {
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
	return SyncDir(folder)
}

// Finish syncs a file that another program wrote, and publishes it.
func Finish(part, path string) error {
	f, err := os.Open(part)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return Publish(part, path)
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
	return SyncDir(filepath.Dir(dir))
}

// SyncDir makes names that were made, changed or removed in a folder survive a power cut.
func SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
