// Package volumetest checks that implementations of package volume keep its promises.
package volumetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/volume"
)

// TestDriver checks a volume.Driver, and each optional power that it has.
// newDriver returns an empty one.
func TestDriver(t *testing.T, newDriver func(*testing.T) volume.Driver) {
	tests := []struct {
		name string
		run  func(*testing.T, volume.Driver)
	}{
		{"what is created is listed and can be connected", created},
		{"creating twice is creating once", createdTwice},
		{"deleted is gone, and deleting it again succeeds", deleted},
		{"many volumes side by side", sideBySide},
		{"snapshots", snapshots},
		{"clones", clones},
		{"resizing", resizing},
		{"imports", imports},
		{"exports", exports},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, runtest.Start(t, newDriver(t))) })
	}
}

func newVolume(size int) volume.Volume {
	return volume.Volume{ID: volume.ID(db.NewID()), SizeGiB: size}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func list(t *testing.T, d volume.Driver) []volume.ID {
	t.Helper()
	ids, err := d.List(t.Context())
	must(t, err)
	slices.Sort(ids)
	return ids
}

// size returns how large the disk behind a connection is, or -1 where it cannot
// be opened from here.
func size(t *testing.T, d volume.Driver, v volume.Volume) int64 {
	t.Helper()
	c, err := d.Connect(t.Context(), v, "host")
	must(t, err)
	if c.Kind == "" {
		t.Fatalf("a connection without a kind: %+v", c)
	}
	info, err := os.Stat(c.Path)
	if err != nil || c.Format != "raw" {
		return -1
	}
	return info.Size()
}

func created(t *testing.T, d volume.Driver) {
	v := newVolume(1)
	must(t, d.Create(t.Context(), v))
	if ids := list(t, d); !slices.Equal(ids, []volume.ID{v.ID}) {
		t.Errorf("list: %v", ids)
	}
	if n := size(t, d, v); n >= 0 && n != 1<<30 {
		t.Errorf("%d bytes", n)
	}
}

func createdTwice(t *testing.T, d volume.Driver) {
	v := newVolume(1)
	must(t, d.Create(t.Context(), v))
	must(t, d.Create(t.Context(), v))
	if ids := list(t, d); len(ids) != 1 {
		t.Errorf("list: %v", ids)
	}
}

func deleted(t *testing.T, d volume.Driver) {
	v := newVolume(1)
	must(t, d.Delete(t.Context(), v))
	must(t, d.Create(t.Context(), v))
	must(t, d.Delete(t.Context(), v))
	must(t, d.Delete(t.Context(), v))
	if ids := list(t, d); len(ids) != 0 {
		t.Errorf("list: %v", ids)
	}
}

func sideBySide(t *testing.T, d volume.Driver) {
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			v, gone := newVolume(1), newVolume(1)
			for _, err := range []error{d.Create(t.Context(), v), d.Create(t.Context(), gone), d.Delete(t.Context(), gone)} {
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if ids := list(t, d); len(ids) != 20 {
		t.Errorf("%d volumes, want 20", len(ids))
	}
}

func snapshots(t *testing.T, d volume.Driver) {
	s, ok := d.(volume.Snapshotter)
	if !ok {
		t.Skip("this driver takes no snapshots")
	}
	v, copied := newVolume(1), newVolume(2)
	snap := volume.Snapshot{ID: volume.SnapshotID(db.NewID()), VolumeID: v.ID, SizeGiB: 1}
	must(t, d.Create(t.Context(), v))
	for range 2 {
		must(t, s.CreateSnapshot(t.Context(), snap))
	}
	if ids := list(t, d); !slices.Equal(ids, []volume.ID{v.ID}) {
		t.Errorf("a snapshot is listed as a volume: %v", ids)
	}
	for range 2 {
		must(t, s.CreateFromSnapshot(t.Context(), copied, snap))
	}
	if n := size(t, d, copied); n >= 0 && n != 2<<30 {
		t.Errorf("%d bytes, want 2 GiB", n)
	}
	for range 2 {
		must(t, s.DeleteSnapshot(t.Context(), snap))
	}
	size(t, d, copied)
}

func clones(t *testing.T, d volume.Driver) {
	c, ok := d.(volume.Cloner)
	if !ok {
		t.Skip("this driver makes no clones")
	}
	source, v := newVolume(1), newVolume(2)
	must(t, d.Create(t.Context(), source))
	for range 2 {
		must(t, c.Clone(t.Context(), v, source))
	}
	must(t, d.Delete(t.Context(), source))
	if n := size(t, d, v); n >= 0 && n != 2<<30 {
		t.Errorf("%d bytes, want 2 GiB", n)
	}
}

func resizing(t *testing.T, d volume.Driver) {
	r, ok := d.(volume.Resizer)
	if !ok {
		t.Skip("this driver cannot grow volumes")
	}
	v := newVolume(1)
	must(t, d.Create(t.Context(), v))
	v.SizeGiB = 3
	for range 2 {
		must(t, r.Resize(t.Context(), v))
	}
	if n := size(t, d, v); n >= 0 && n != 3<<30 {
		t.Errorf("%d bytes, want 3 GiB", n)
	}
}

func imports(t *testing.T, d volume.Driver) {
	i, ok := d.(volume.Importer)
	if !ok {
		t.Skip("this driver takes no images")
	}
	content := bytes.Repeat([]byte("nacre"), 1<<16)
	image := volume.Image{ID: "image", DiskFormat: "raw", SizeBytes: int64(len(content))}
	v := newVolume(1)
	for range 2 {
		must(t, i.Import(t.Context(), v, image, bytes.NewReader(content)))
	}
	c, err := d.Connect(t.Context(), v, "host")
	must(t, err)
	if size(t, d, v) >= 0 {
		got, err := os.ReadFile(c.Path)
		must(t, err)
		if !bytes.HasPrefix(got, content) || len(got) != 1<<30 {
			t.Errorf("the volume does not hold the image: %d bytes", len(got))
		}
	}
	t.Run("a read that breaks is an error, and may be repeated", func(t *testing.T) {
		v := newVolume(1)
		if err := i.Import(t.Context(), v, image, broken{}); err == nil {
			t.Error("no error")
		}
		must(t, i.Import(t.Context(), v, image, bytes.NewReader(content)))
		must(t, d.Delete(t.Context(), v))
	})
}

func exports(t *testing.T, d volume.Driver) {
	e, ok := d.(volume.Exporter)
	if !ok {
		t.Skip("this driver's volumes cannot be read as a whole")
	}
	v := newVolume(1)
	must(t, d.Create(t.Context(), v))
	for range 2 {
		zeros := &zeroWriter{}
		must(t, e.Export(t.Context(), v, zeros))
		if zeros.n == 0 || zeros.n > 1<<30 || zeros.other {
			t.Errorf("an empty volume of 1 GiB was read as %d bytes, not all zero: %v", zeros.n, zeros.other)
		}
	}
	if err := e.Export(t.Context(), v, broken{}); err == nil {
		t.Error("no error although nobody takes the bytes")
	}
}

// zeroWriter counts bytes and notes whether any is not zero.
type zeroWriter struct {
	n     int64
	other bool
}

func (z *zeroWriter) Write(p []byte) (int, error) {
	z.n += int64(len(p))
	z.other = z.other || len(bytes.Trim(p, "\x00")) > 0
	return len(p), nil
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func (broken) Read([]byte) (int, error) {
	return 0, fmt.Errorf("the line is cut: %w", context.DeadlineExceeded)
}
