package file_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/machinetest"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/object"
	"github.com/nacre-cloud/nacre/object/file"
	"github.com/nacre-cloud/nacre/object/objecttest"
)

func TestDriver(t *testing.T) {
	objecttest.TestDriver(t, func(t *testing.T) object.Driver { return file.New(t.TempDir()) })
}

func TestFullDiskLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	machinetest.SmallDisk(t, dir, 1)
	d := file.New(dir)
	if _, err := d.Put(t.Context(), "blob", bytes.NewReader(make([]byte, 2<<20)), -1); !errors.Is(err, fault.Exhausted) {
		t.Errorf("put: %v, want exhausted", err)
	}
	wantFiles(t, dir, 0)
	if _, err := d.Put(t.Context(), "blob", bytes.NewReader(make([]byte, 1<<19)), -1); err != nil {
		t.Errorf("the disk stayed full: %v", err)
	}
}

func TestSweepRemovesDeadUploads(t *testing.T) {
	dir := t.TempDir()
	d := runtest.Start(t, file.New(dir))
	for name, age := range map[string]time.Duration{"dead": 2 * time.Hour, "alive": 0} {
		path := filepath.Join(dir, ".parts", name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-age)
		if err := os.Chtimes(path, when, when); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Sweep(t.Context(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, 1)
}

func BenchmarkPut4KiB(b *testing.B) {
	d := file.New(b.TempDir())
	data := make([]byte, 4<<10)
	for i := 0; b.Loop(); i++ {
		key := object.Key(time.Unix(0, int64(i)*7919).Format("05.000000000"))
		if _, err := d.Put(b.Context(), key, bytes.NewReader(data), int64(len(data))); err != nil {
			b.Fatal(err)
		}
	}
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
