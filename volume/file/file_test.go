package file_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/machinetest"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/volume"
	"github.com/nacre-cloud/nacre/volume/file"
	"github.com/nacre-cloud/nacre/volume/volumetest"
)

func newDriver(t *testing.T) *file.Driver {
	t.Helper()
	d, _ := driverIn(t)
	return d
}

// driverIn returns a driver that is started, and its directory.
func driverIn(t *testing.T) (*file.Driver, string) {
	t.Helper()
	dir := t.TempDir()
	d, err := file.New(file.Config{Dir: dir})
	must(t, err)
	return runtest.Start(t, d), dir
}

func TestDriver(t *testing.T) {
	volumetest.TestDriver(t, func(t *testing.T) volume.Driver { return newDriver(t) })
}

func TestStartClearsWhatACrashLeft(t *testing.T) {
	for name, tt := range map[string]struct {
		touched time.Duration // ago
		kept    bool
	}{
		"hours ago":                            {2 * time.Hour, false},
		"but not what another is at right now": {time.Minute, true},
	} {
		t.Run(name, func(t *testing.T) {
			d, dir := driverIn(t)
			left := filepath.Join(dir, "a.raw.part")
			must(t, os.WriteFile(left, []byte("half"), 0o600))
			at := time.Now().Add(-tt.touched)
			must(t, os.Chtimes(left, at, at))
			must(t, d.Start(t.Context()))
			if _, err := os.Stat(left); (err == nil) != tt.kept {
				t.Errorf("a part of %s ago: %v", tt.touched, err)
			}
		})
	}
}

func TestWorkWhoseFileVanishesIsDoneAgain(t *testing.T) {
	d, dir := driverIn(t)
	v, image := volume.Volume{ID: "v", SizeGiB: 1}, volume.Image{ID: "i", DiskFormat: "raw"}
	meanwhile := readerFunc(func([]byte) (int, error) {
		must(t, os.Remove(filepath.Join(dir, "v.raw.part")))
		return 0, io.EOF
	})
	if err := d.Import(t.Context(), v, image, io.MultiReader(strings.NewReader("half"), meanwhile)); !errors.Is(err, fault.Unavailable) {
		t.Errorf("%v, want: %v", err, fault.Unavailable)
	}
	must(t, d.Import(t.Context(), v, image, strings.NewReader("whole")))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestOnlyARefusedImageIsInvalid runs a qemu-img that ends in many ways.
func TestOnlyARefusedImageIsInvalid(t *testing.T) {
	for name, tt := range map[string]struct {
		script string
		want   error
	}{
		"it refuses the image": {"echo not in qcow2 format >&2; exit 1", fault.Invalid},
		"the disk is full":     {"echo No space left on device >&2; exit 1", fault.Exhausted},
		"it is killed":         {"kill -9 $$", fault.Unavailable},
		"its caller gives up":  {"exec sleep 60", fault.Unavailable},
		"the image vanishes":   {`rm "$5"; exit 1`, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			must(t, os.WriteFile(filepath.Join(bin, "qemu-img"), []byte("#!/bin/sh\n"+tt.script), 0o700))
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			d, _ := driverIn(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := d.Import(ctx, volume.Volume{ID: "v", SizeGiB: 1}, volume.Image{ID: "i", DiskFormat: "qcow2"}, strings.NewReader("bytes"))
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want: %v", err, tt.want)
			}
		})
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
