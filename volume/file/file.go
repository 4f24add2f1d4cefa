// Package file keeps volumes as files in one directory: sparse raw files, one a
// volume, that a host with the same directory opens by path. Snapshots and clones
// are copies, which share their blocks where the file system can (XFS, Btrfs).
package file

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nacre-cloud/nacre/internal/blob"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/volume"
)

// Config says where volumes are kept.
type Config struct {
	Dir string // made when it is not there
}

// Driver is a volume.Driver on a directory.
type Driver struct{ dir string }

// New returns a driver on c.Dir. A relative directory is fault.Invalid: hosts
// open volumes by their full path.
func New(c Config) (*Driver, error) {
	if !filepath.IsAbs(c.Dir) {
		return nil, fault.Invalid.Errorf("volume/file: directory %q must be an absolute path", c.Dir)
	}
	return &Driver{c.Dir}, nil
}

// abandoned is how long nobody has written to what a crash left half-written. What is
// touched may be the work of another process on the same directory.
const abandoned = time.Hour

// Start makes the directory and clears away what a crash left half-written.
func (d *Driver) Start(context.Context) error {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return fault.Unavailable.Wrap(err, "volume/file")
	}
	parts, err := filepath.Glob(filepath.Join(d.dir, "*"+partial))
	if err != nil {
		return fault.Internal.Wrap(err, "volume/file")
	}
	for _, p := range parts {
		info, err := os.Stat(p)
		if err == nil && time.Since(info.ModTime()) > abandoned {
			err = os.Remove(p)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Unavailable.Wrap(err, "volume/file")
		}
	}
	return nil
}

// Names end in what they hold; a file is written under a partial name first.
const (
	volumeFile   = ".raw"
	snapshotFile = ".snapshot"
	partial      = ".part"
	imageFile    = ".image" // what a volume is converted from
)

func (d *Driver) path(v volume.Volume) string { return filepath.Join(d.dir, string(v.ID)+volumeFile) }

func (d *Driver) snapshotPath(s volume.Snapshot) string {
	return filepath.Join(d.dir, string(s.ID)+snapshotFile)
}

// Create implements volume.Driver.
func (d *Driver) Create(_ context.Context, v volume.Volume) error {
	f, err := os.OpenFile(d.path(v), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return kind(err)
	}
	return errors.Join(grow(f, v), f.Close(), kind(blob.SyncDir(d.dir)))
}

// grow makes f as large as v; a larger file stays.
func grow(f *os.File, v volume.Volume) error {
	info, err := f.Stat()
	if err != nil {
		return kind(err)
	}
	if info.Size() >= bytes(v) {
		return nil
	}
	if err := f.Truncate(bytes(v)); err != nil {
		return kind(err)
	}
	return kind(f.Sync())
}

func bytes(v volume.Volume) int64 { return int64(v.SizeGiB) << 30 }

// Delete implements volume.Driver.
func (d *Driver) Delete(_ context.Context, v volume.Volume) error {
	return d.remove(d.path(v))
}

func (d *Driver) remove(path string) error {
	for _, p := range []string{path, path + partial, path + imageFile + partial} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return kind(err)
		}
	}
	return kind(blob.SyncDir(d.dir))
}

// Connect implements volume.Driver.
func (d *Driver) Connect(_ context.Context, v volume.Volume, _ string) (volume.Connection, error) {
	if _, err := os.Stat(d.path(v)); err != nil {
		return volume.Connection{}, kind(err)
	}
	return volume.Connection{Kind: "file", Path: d.path(v), Format: "raw"}, nil
}

// List implements volume.Driver.
func (d *Driver) List(context.Context) ([]volume.ID, error) {
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return nil, kind(err)
	}
	var ids []volume.ID
	for _, e := range entries {
		if id, ok := strings.CutSuffix(strings.TrimSuffix(e.Name(), partial), volumeFile); ok {
			ids = append(ids, volume.ID(id))
		}
	}
	return ids, nil
}

// CreateSnapshot implements volume.Snapshotter.
func (d *Driver) CreateSnapshot(ctx context.Context, s volume.Snapshot) error {
	return d.copy(ctx, d.path(volume.Volume{ID: s.VolumeID}), d.snapshotPath(s))
}

// DeleteSnapshot implements volume.Snapshotter.
func (d *Driver) DeleteSnapshot(_ context.Context, s volume.Snapshot) error {
	return d.remove(d.snapshotPath(s))
}

// CreateFromSnapshot implements volume.Snapshotter.
func (d *Driver) CreateFromSnapshot(ctx context.Context, v volume.Volume, s volume.Snapshot) error {
	if err := d.copy(ctx, d.snapshotPath(s), d.path(v)); err != nil {
		return err
	}
	return d.Resize(ctx, v)
}

// Clone implements volume.Cloner.
func (d *Driver) Clone(ctx context.Context, v, source volume.Volume) error {
	if err := d.copy(ctx, d.path(source), d.path(v)); err != nil {
		return err
	}
	return d.Resize(ctx, v)
}

// Resize implements volume.Resizer.
func (d *Driver) Resize(_ context.Context, v volume.Volume) error {
	f, err := os.OpenFile(d.path(v), os.O_RDWR, 0)
	if err != nil {
		return kind(err)
	}
	return errors.Join(grow(f, v), f.Close())
}

// copy makes to a copy of from, whole or not at all, unless it is there already.
func (d *Driver) copy(ctx context.Context, from, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	if _, err := os.Stat(from); err != nil {
		return kind(err) // no copy will ever succeed
	}
	// cp knows holes and shared blocks on every file system.
	if _, err := run(ctx, "cp", "--sparse=always", "--reflink=auto", "--", from, to+partial); err != nil {
		return fault.Unavailable.Wrap(err, "copy %s", filepath.Base(from))
	}
	return publish(to)
}

// publish gives the partial file of path its name, for good.
func publish(path string) error {
	err := blob.Finish(path+partial, path)
	if errors.Is(err, fs.ErrNotExist) {
		return vanished(path + partial)
	}
	return kind(err)
}

// vanished is the fault of work whose file was cleared away under it: it is done again.
func vanished(path string) error {
	return fault.Unavailable.Errorf("volume/file: %s vanished while it was written", filepath.Base(path))
}

// run returns what a program printed. An error is what it complained of: without a
// kind where the program refused, Unavailable where it was not let finish.
func run(ctx context.Context, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	said := strings.TrimSpace(complaint.String())
	if strings.Contains(strings.ToLower(said), syscall.ENOSPC.Error()) {
		return nil, fault.Exhausted.Errorf("%s", said)
	}
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || !exit.Exited() {
		return nil, fault.Unavailable.Wrap(err, "%s", program)
	}
	return nil, fmt.Errorf("%w: %s", err, said)
}

// Import implements volume.Importer. Images that are not raw are converted by
// qemu-img, which must be installed for them.
func (d *Driver) Import(ctx context.Context, v volume.Volume, image volume.Image, r io.Reader) error {
	if image.DiskFormat != "raw" {
		return d.convert(ctx, v, image, r)
	}
	path := d.path(v)
	if err := write(path+partial, io.LimitReader(r, bytes(v)+1)); err != nil {
		return err
	}
	info, err := os.Stat(path + partial)
	if errors.Is(err, fs.ErrNotExist) {
		return vanished(path + partial)
	}
	if err != nil {
		return kind(err)
	}
	if info.Size() > bytes(v) {
		return fault.Invalid.Errorf("image %s does not fit in %d GiB", image.ID, v.SizeGiB)
	}
	if err := publish(path); err != nil {
		return err
	}
	return d.Resize(ctx, v)
}

// write fills path with r, leaving holes for zeros.
func write(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return kind(err)
	}
	_, err = io.Copy(&sparse{f: f}, r)
	if err == nil {
		err = f.Sync()
	}
	return kind(errors.Join(err, f.Close()))
}

// kind gives an error of the file system its kind. Whoever asked for a volume need not
// know where it is kept.
func kind(err error) error {
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		p.Path = filepath.Base(p.Path)
	}
	return blob.Fault(err, "volume/file")
}

var (
	_ volume.Driver      = (*Driver)(nil)
	_ volume.Snapshotter = (*Driver)(nil)
	_ volume.Cloner      = (*Driver)(nil)
	_ volume.Resizer     = (*Driver)(nil)
	_ volume.Importer    = (*Driver)(nil)
	_ volume.Exporter    = (*Driver)(nil)
	_ volume.Starter     = (*Driver)(nil)
)
