package libvirt

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/machinetest"
)

// oneImage is a compute.ImageSource.
type oneImage string

func (i oneImage) Open(context.Context, string) (io.ReadCloser, compute.ImageInfo, error) {
	return io.NopCloser(strings.NewReader(string(i))), compute.ImageInfo{Size: int64(len(i)), DiskFormat: "raw"}, nil
}

func TestWhatAGuestStartsWithIsOnTheDisk(t *testing.T) {
	machinetest.Program(t, "qemu-img", "qemu-utils")
	dir := t.TempDir()
	f := files{dir: dir, images: compute.NewImageCache(filepath.Join(dir, "images"), oneImage(strings.Repeat("x", 4096)))}
	g := compute.Guest{
		ID: "0199aaaa-0000-7000-8000-000000000001", Image: "image", RootGiB: 1,
		ConfigDrive: map[string][]byte{"openstack/latest/user_data": []byte("#!/bin/sh\n")},
	}
	if err := f.make(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{baseFile, rootFile, configFile} {
		if n := unwritten(t, filepath.Join(f.of(g.ID), name)); n > 0 {
			t.Errorf("%d pages of %s would be lost with the power", n, name)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(f.of(g.ID), "*"+unfinished)); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// unwritten returns how many pages of a file are not on the disk yet.
func unwritten(t *testing.T, path string) uint64 {
	t.Helper()
	const cachestat = 451 // of every architecture
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	all := struct{ off, len uint64 }{}
	var stat struct{ cached, dirty, writeback, evicted, recentlyEvicted uint64 }
	if _, _, errno := unix.Syscall6(cachestat, file.Fd(), uintptr(unsafe.Pointer(&all)), uintptr(unsafe.Pointer(&stat)), 0, 0, 0); errno != 0 {
		t.Skipf("this kernel does not tell what is on the disk: %v", errno)
	}
	return stat.dirty + stat.writeback
}
