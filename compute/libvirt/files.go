package libvirt

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/internal/blob"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// The files of a guest, in its directory.
const (
	baseFile    = "base"
	rootFile    = "root.qcow2"
	configFile  = "config.iso"
	consoleFile = "console.log"
)

const gib = 1 << 30

// files keeps what guests have on the host's file system.
type files struct {
	dir    string
	logs   string // of QEMU itself, written by libvirt
	images *compute.ImageCache
}

func (f files) servers() string { return filepath.Join(f.dir, "servers") }

func (f files) of(id compute.ServerID) string { return filepath.Join(f.servers(), string(id)) }

// make brings everything a guest needs into its directory, durably. What is there
// stays: each file gets its name only when it is complete.
func (f files) make(ctx context.Context, g compute.Guest) error {
	dir := f.of(g.ID)
	// QEMU may run as a user of its own, which needs the way but not the list.
	if err := mkdir(dir); err != nil {
		return storage(err, "making %s", dir)
	}
	if g.Image != "" && !exists(filepath.Join(dir, rootFile)) {
		if err := f.makeRoot(ctx, g); err != nil {
			return err
		}
	}
	if g.ConfigDrive != nil && !exists(filepath.Join(dir, configFile)) {
		err := writeConfigDrive(filepath.Join(dir, configFile), g.ConfigDrive)
		return storage(err, "writing the config drive of server %s", g.ID)
	}
	return nil
}

// makeRoot lays an empty overlay of the flavor's size over the host's copy of the image.
func (f files) makeRoot(ctx context.Context, g compute.Guest) error {
	image, err := f.images.Fetch(ctx, g.Image)
	if err != nil {
		return err
	}
	base := filepath.Join(f.of(g.ID), baseFile)
	if err := os.Link(image.Path, base); errors.Is(err, fs.ErrNotExist) {
		return fault.Unavailable.Errorf("image %s was evicted just now", g.Image)
	} else if err != nil && !errors.Is(err, fs.ErrExist) {
		return storage(err, "linking image %s", g.Image)
	}
	size, err := diskSize(base, image.Format)
	if err != nil {
		return fault.Invalid.Wrap(err, "image %s", g.Image)
	}
	if want := int64(g.RootGiB) * gib; want > 0 {
		if want < size {
			return fault.Invalid.Errorf("image %s needs a root disk of %d GiB, the flavor has %d",
				g.Image, (size+gib-1)/gib, g.RootGiB)
		}
		size = want
	}
	root := filepath.Join(f.of(g.ID), rootFile)
	cmd := exec.CommandContext(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-b", base,
		"-F", image.Format, root+unfinished, strconv.FormatInt(size, 10))
	cmd.Env = append(cmd.Environ(), "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		if bytes.Contains(bytes.ToLower(out), []byte(syscall.ENOSPC.Error())) {
			err = syscall.ENOSPC
		}
		return storage(err, "making the root disk of server %s: %s", g.ID, out)
	}
	return storage(finish(root), "making the root disk of server %s", g.ID)
}

// mkdir makes a directory and what leads to it, and sees that a power cut leaves it there.
func mkdir(dir string) error {
	if exists(dir) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return err
	}
	return blob.SyncDir(filepath.Dir(dir))
}

// unfinished is how the name of a file ends that is being written.
const unfinished = ".new"

// finish gives a file its name once all of it is on the disk.
func finish(path string) error { return blob.Finish(path+unfinished, path) }

// remove takes everything away. An id that names no guest names no directory either.
func (f files) remove(id compute.ServerID) error {
	if !valid(id) {
		return nil
	}
	err := os.Remove(filepath.Join(f.logs, domainPrefix+string(id)+".log"))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return storage(errors.Join(os.RemoveAll(f.of(id)), err), "removing server %s", id)
}

// list returns the guests that have a directory.
func (f files) list() ([]compute.ServerID, error) {
	entries, err := os.ReadDir(f.servers())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, storage(err, "listing %s", f.servers())
	}
	var ids []compute.ServerID
	for _, e := range entries {
		if id := compute.ServerID(e.Name()); e.IsDir() && valid(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func valid(id compute.ServerID) bool {
	u, err := uuid.Parse(string(id))
	return err == nil && u.String() == string(id)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// diskSize returns how large a disk a guest sees in an image file. A qcow2 that
// points to other files of the host is refused, whoever should have refused it before.
func diskSize(path, format string) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, storage(err, "opening an image")
	}
	defer file.Close()
	if format == "raw" {
		info, err := file.Stat()
		if err != nil {
			return 0, storage(err, "reading an image")
		}
		return info.Size(), nil
	}
	var header struct {
		Magic, Version        uint32
		BackingFile           uint64
		BackingSize, Clusters uint32
		Size                  uint64
		Crypt, L1Size         uint32
		L1, Refcounts         uint64
		RefcountSize, Snaps   uint32
		Snapshots             uint64
		Incompatible          uint64
	}
	if err := binary.Read(io.NewSectionReader(file, 0, 1<<10), binary.BigEndian, &header); err != nil {
		return 0, fault.Invalid.Errorf("is too short for a qcow2: %w", err)
	}
	const dataFile = 1 << 2
	switch {
	case header.Magic != 'Q'<<24|'F'<<16|'I'<<8|0xfb:
		return 0, fault.Invalid.Errorf("is not a qcow2")
	case header.BackingFile != 0:
		return 0, fault.Invalid.Errorf("has a backing file")
	case header.Version > 2 && header.Incompatible&dataFile != 0:
		return 0, fault.Invalid.Errorf("has an external data file")
	}
	return int64(header.Size), nil
}

// storage gives an error of the host's disk its fault.
func storage(err error, format string, args ...any) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fault.Exhausted.Wrap(err, format, args...)
	}
	return fault.Internal.Wrap(err, format, args...)
}
