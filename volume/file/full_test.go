package file_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/machinetest"
	"github.com/nacre-cloud/nacre/volume"
	"github.com/nacre-cloud/nacre/volume/file"
)

// fullDriver returns a driver on a file system of 4 MiB, and its directory.
func fullDriver(t *testing.T) (*file.Driver, string) {
	t.Helper()
	dir := t.TempDir()
	machinetest.SmallDisk(t, dir, 4)
	d, err := file.New(file.Config{Dir: dir})
	must(t, err)
	must(t, d.Start(t.Context()))
	return d, dir
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestAFullDiskIsSaidAndLeftClean(t *testing.T) {
	d, dir := fullDriver(t)
	content := make([]byte, 3<<20)
	_, err := rand.Read(content)
	must(t, err)
	v, other := volume.Volume{ID: "v", SizeGiB: 1}, volume.Volume{ID: "other", SizeGiB: 1}
	snap := volume.Snapshot{ID: "s", VolumeID: "v"}
	raw := volume.Image{ID: "i", DiskFormat: "raw"}
	must(t, d.Import(t.Context(), v, raw, bytes.NewReader(content)))
	full := func(what string, err error, undo error) {
		t.Helper()
		if !errors.Is(err, fault.Exhausted) {
			t.Errorf("%s: %v, want %v", what, err, fault.Exhausted)
		}
		must(t, undo)
		if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 1 {
			t.Errorf("%s left %v", what, left)
		}
	}
	full("snapshot", d.CreateSnapshot(t.Context(), snap), d.DeleteSnapshot(t.Context(), snap))
	full("clone", d.Clone(t.Context(), other, v), d.Delete(t.Context(), other))
	full("import", d.Import(t.Context(), other, raw, bytes.NewReader(content)), d.Delete(t.Context(), other))
	must(t, d.Delete(t.Context(), v))
	t.Run("while an image is converted", func(t *testing.T) {
		tool := machinetest.Program(t, "qemu-img", "qemu-utils")
		source := filepath.Join(t.TempDir(), "raw")
		must(t, os.WriteFile(source, content, 0o600))
		must(t, exec.CommandContext(t.Context(), tool, "convert", "-f", "raw", "-O", "qcow2", source, source+".qcow2").Run())
		image, err := os.ReadFile(source + ".qcow2")
		must(t, err)
		full("conversion", d.Import(t.Context(), v, volume.Image{ID: "i", DiskFormat: "qcow2"}, bytes.NewReader(image)), d.Delete(t.Context(), v))
	})
}
