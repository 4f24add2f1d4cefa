package file_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/image/file"
	"github.com/nacre-cloud/nacre/image/imagetest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/machinetest"
	"github.com/nacre-cloud/nacre/kit/runtest"
)

func TestDriver(t *testing.T) {
	imagetest.TestDriver(t, func(t *testing.T) image.Driver { return file.New(t.TempDir()) })
}

func TestFullDiskLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	machinetest.SmallDisk(t, dir, 1)
	d := file.New(dir)
	if _, err := d.Put(t.Context(), "i", bytes.NewReader(make([]byte, 2<<20))); !errors.Is(err, fault.Exhausted) {
		t.Errorf("put: %v, want exhausted", err)
	}
	wantFiles(t, dir, 0)
	if _, err := d.Put(t.Context(), "i", bytes.NewReader(make([]byte, 1<<19))); err != nil {
		t.Errorf("the disk stayed full: %v", err)
	}
}

func TestDeadUploadsAreSwept(t *testing.T) {
	dir := t.TempDir()
	temp := filepath.Join(dir, ".parts")
	if err := os.Mkdir(temp, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, age := range map[string]time.Duration{"dead": 25 * time.Hour, "alive": time.Hour} {
		path := filepath.Join(temp, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	d := runtest.Start(t, file.New(dir))
	if _, err := d.Put(t.Context(), "i", bytes.NewReader(nil)); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, 2) // the image and the upload that is alive
}

func wantFiles(t *testing.T, dir string, want int) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			n++
		}
		return err
	})
	if err != nil || n != want {
		t.Errorf("%d files in the store, %v, want %d", n, err, want)
	}
}
