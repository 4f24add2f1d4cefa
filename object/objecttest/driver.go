// Package objecttest holds the conformance suites of the object domain: what
// any backend and any Service must do, whoever wrote it.
package objecttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/iotest"
	"time"

	"github.com/nacre-cloud/nacre/internal/blob/blobtest"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/object"
)

// TestDriver checks that the drivers open returns keep the promises of
// object.Driver. Each call of open returns a driver over an empty store.
func TestDriver(t *testing.T, open func(*testing.T) object.Driver) {
	blobtest.Test(t, func(t *testing.T) blobtest.Store { return store(runtest.Start(t, open(t))) })
	tests := []struct {
		name string
		run  func(*testing.T, object.Driver)
	}{
		{"what was put can be read", readsBack},
		{"a broken upload of known size leaves nothing", broken},
		{"a short upload leaves nothing", short},
		{"walk ends with its caller", walkEnds},
		{"sweep spares what is whole", sweep},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, runtest.Start(t, open(t))) })
	}
}

// store is a driver as blobtest sees it.
func store(d object.Driver) blobtest.Store {
	return blobtest.Store{
		Put: func(ctx context.Context, name string, r io.Reader) error {
			_, err := d.Put(ctx, object.Key(name), r, -1)
			return err
		},
		Open: func(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
			return d.Open(ctx, object.Key(name), object.Range{Offset: offset, Length: length})
		},
		Delete: func(ctx context.Context, name string) error { return d.Delete(ctx, object.Key(name)) },
		Names: func(ctx context.Context) ([]string, error) {
			var names []string
			err := d.Walk(ctx, func(b object.Blob) error { names = append(names, string(b.Key)); return nil })
			return names, err
		},
	}
}

func readsBack(t *testing.T, d object.Driver) {
	start := time.Now()
	for key, size := range map[object.Key]int{"aa-empty": 0, "ab-one": 1, "ab-large": 20<<20 + 17} {
		data := blobtest.Random(size)
		for _, announced := range []int64{int64(size), -1} {
			n, err := d.Put(t.Context(), key, iotest.HalfReader(bytes.NewReader(data)), announced)
			if err != nil || n != int64(size) {
				t.Fatalf("put %s: %d, %v, want %d", key, n, err, size)
			}
		}
		store(d).Want(t, string(key), data)
	}
	all := map[object.Key]object.Blob{}
	if err := d.Walk(t.Context(), func(b object.Blob) error { all[b.Key] = b; return nil }); err != nil {
		t.Fatalf("walk: %v", err)
	}
	if len(all) != 3 || all["ab-one"].Size != 1 || all["ab-large"].Size != 20<<20+17 {
		t.Errorf("walk found %v", all)
	}
	if m := all["ab-one"].Modified; m.Before(start.Add(-5*time.Second)) || m.After(time.Now().Add(5*time.Second)) {
		t.Errorf("stored at %s, want about %s", m, start)
	}
}

func broken(t *testing.T, d object.Driver) {
	cut := errors.New("connection reset")
	for _, size := range []int{10, 100_000, 20 << 20} {
		if _, err := d.Put(t.Context(), "blob", blobtest.Cut(blobtest.Random(size), cut), int64(size)+1); !errors.Is(err, cut) {
			t.Errorf("put of %d: %v, want the reader's error", size, err)
		}
	}
	store(d).Lacks(t, "blob")
}

func short(t *testing.T, d object.Driver) {
	if _, err := d.Put(t.Context(), "blob", bytes.NewReader(blobtest.Random(100)), 101); err == nil {
		t.Error("100 bytes were taken for 101")
	}
	store(d).Lacks(t, "blob")
}

func walkEnds(t *testing.T, d object.Driver) {
	for i := range 3 {
		store(d).Fill(t, fmt.Sprintf("%02dkey", i), blobtest.Random(10))
	}
	stop, calls := errors.New("enough"), 0
	err := d.Walk(t.Context(), func(object.Blob) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("walk: %v after %d calls, want it to stop at the first", err, calls)
	}
}

func sweep(t *testing.T, d object.Driver) {
	s, ok := d.(object.Sweeper)
	if !ok {
		return
	}
	data := blobtest.Random(1000)
	store(d).Fill(t, "blob", data)
	if err := s.Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Errorf("sweep: %v", err)
	}
	store(d).Want(t, "blob", data)
}
