package machinetest

import (
	"fmt"
	"syscall"
	"testing"
)

// SmallDisk mounts a disk of so many MiB on a folder until the test ends.
func SmallDisk(t testing.TB, folder string, mebibytes int) {
	t.Helper()
	Root(t, "mounting a small disk")
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%dm", mebibytes)); err != nil {
		Missing(t, "mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}
