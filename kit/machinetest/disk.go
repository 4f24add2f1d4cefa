//go:build !linux

package machinetest

import "testing"

// SmallDisk ends the test: small disks are mounted on Linux only.
func SmallDisk(t testing.TB, _ string, _ int) {
	t.Helper()
	Missing(t, "small disks are mounted on Linux only")
}
