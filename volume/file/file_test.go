package file_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/machinetest"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/volume"
	"github.com/nacre-cloud/nacre/volume/file"
	"github.com/nacre-cloud/nacre/volume/volumetest"
)

func newDriver(t *testing.T) *file.Driver {
	t.Helper()
	d, err := file.New(file.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return runtest.Start(t, d)
}

func TestDriver(t *testing.T) {
	volumetest.TestDriver(t, func(t *testing.T) volume.Driver { return newDriver(t) })
}

func TestStartClearsWhatACrashLeft(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "a.raw.part")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := file.New(file.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	runtest.Start(t, d)
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Error(err)
	}
}

func TestImagesThatAreNotRawAreConverted(t *testing.T) {
	tool := machinetest.Program(t, "qemu-img", "qemu-utils")
	dir := t.TempDir()
	raw, qcow := filepath.Join(dir, "raw"), filepath.Join(dir, "qcow2")
	content := bytes.Repeat([]byte("nacre"), 1000)
	if err := os.WriteFile(raw, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"convert", "-f", "raw", "-O", "qcow2", raw, qcow},
		{"create", "-q", "-f", "qcow2", qcow + ".large", "3G"},
		{"create", "-q", "-f", "qcow2", "-b", raw, "-F", "raw", qcow + ".backed", "1G"},
	} {
		if out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	d := newDriver(t)
	v := volume.Volume{ID: "v", SizeGiB: 1}
	imported := func(path string) error {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		return d.Import(t.Context(), v, volume.Image{ID: "i", DiskFormat: "qcow2"}, f)
	}
	for path, want := range map[string]error{qcow + ".large": fault.Invalid, qcow + ".backed": fault.Invalid, raw: fault.Invalid, qcow: nil} {
		if err := imported(path); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", filepath.Base(path), err, want)
		}
	}
	c, err := d.Connect(t.Context(), v, "host")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(c.Path); err != nil || !bytes.HasPrefix(got, content) || len(got) != 1<<30 {
		t.Error(len(got), err)
	}
}

func TestDirectoryMustBeAbsolute(t *testing.T) {
	if _, err := file.New(file.Config{Dir: "volumes"}); !errors.Is(err, fault.Invalid) {
		t.Error(err)
	}
}
