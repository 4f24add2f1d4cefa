// Package imagetest holds the conformance suites of the image domain: what any
// backend must do, whoever wrote it.
package imagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/internal/blob/blobtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/runtest"
)

// TestDriver checks that the drivers open returns keep the promises of
// image.Driver, and of the optional interfaces they have. Each call of open
// returns a driver over an empty store.
func TestDriver(t *testing.T, open func(*testing.T) image.Driver) {
	blobtest.Test(t, func(t *testing.T) blobtest.Store { return store(runtest.Start(t, open(t))) })
	tests := []struct {
		name string
		run  func(*testing.T, image.Driver)
	}{
		{"what was put can be read", readsBack},
		{"putting again replaces", replaced},
		{"a reader keeps what it opened", openSurvivesReplace},
		{"a broken upload keeps the image before it", brokenReplace},
		{"of uploads at once one wins", racing},
		{"a local file is the image", local},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, runtest.Start(t, open(t))) })
	}
}

// store is a driver as blobtest sees it.
func store(d image.Driver) blobtest.Store {
	return blobtest.Store{
		Put: func(ctx context.Context, name string, r io.Reader) error {
			_, err := d.Put(ctx, image.ID(name), r)
			return err
		},
		Open: func(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
			return d.Open(ctx, image.ID(name), image.Range{Offset: offset, Length: length})
		},
		Delete: func(ctx context.Context, name string) error { return d.Delete(ctx, image.ID(name)) },
		Names: func(ctx context.Context) ([]string, error) {
			all, err := d.List(ctx)
			var names []string
			for _, s := range all {
				names = append(names, string(s.ID))
			}
			return names, err
		},
	}
}

func readsBack(t *testing.T, d image.Driver) {
	for id, size := range map[image.ID]int{"empty": 0, "one": 1, "large": 3<<20 + 17} {
		data := blobtest.Random(size)
		s, err := d.Put(t.Context(), id, iotest.OneByteReader(bytes.NewReader(data[:min(size, 9)])))
		if err != nil || s.Size != int64(min(size, 9)) {
			t.Fatalf("put %s byte by byte: %+v, %v", id, s, err)
		}
		s, err = d.Put(t.Context(), id, bytes.NewReader(data))
		if err != nil {
			t.Fatalf("put %s: %v", id, err)
		}
		if s.ID != id || s.Size != int64(size) || s.Modified.IsZero() {
			t.Errorf("put %s = %+v, want %d bytes", id, s, size)
		}
		store(d).Want(t, string(id), data)
	}
	store(d).Has(t, "empty", "large", "one")
}

func replaced(t *testing.T, d image.Driver) {
	store(d).Fill(t, "i", blobtest.Random(5000))
	data := blobtest.Random(70)
	store(d).Fill(t, "i", data)
	store(d).Want(t, "i", data)
	all, err := d.List(t.Context())
	if err != nil || len(all) != 1 || all[0].Size != 70 {
		t.Errorf("list = %+v, %v, want one image of 70 bytes", all, err)
	}
}

func openSurvivesReplace(t *testing.T, d image.Driver) {
	before := blobtest.Random(200_000)
	store(d).Fill(t, "i", before)
	r, err := d.Open(t.Context(), "i", image.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	store(d).Fill(t, "i", blobtest.Random(200_000))
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, before) {
		t.Errorf("read %d bytes, %v, want the bytes that were opened", len(got), err)
	}
}

func brokenReplace(t *testing.T, d image.Driver) {
	data := blobtest.Random(1000)
	store(d).Fill(t, "i", data)
	if _, err := d.Put(t.Context(), "i", blobtest.Cut(blobtest.Random(2000), io.ErrUnexpectedEOF)); err == nil {
		t.Fatal("a broken upload was accepted")
	}
	store(d).Want(t, "i", data)
}

func racing(t *testing.T, d image.Driver) {
	var wg sync.WaitGroup
	versions := make([][]byte, 8)
	for i := range versions {
		versions[i] = blobtest.Random(100_000 + i)
		wg.Go(func() {
			for _, id := range []image.ID{"i", image.ID(fmt.Sprint("own", i))} {
				if _, err := d.Put(t.Context(), id, bytes.NewReader(versions[i])); err != nil {
					t.Errorf("put: %v", err)
				}
			}
		})
	}
	wg.Wait()
	r, err := d.Open(t.Context(), "i", image.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil || !slices.ContainsFunc(versions, func(v []byte) bool { return bytes.Equal(v, got) }) {
		t.Errorf("%d bytes that nobody put, %v", len(got), err)
	}
	for i, v := range versions {
		store(d).Want(t, fmt.Sprint("own", i), v)
	}
}

func local(t *testing.T, d image.Driver) {
	l, ok := d.(image.Local)
	if !ok {
		return
	}
	if _, err := l.Path(t.Context(), "none"); !errors.Is(err, fault.NotFound) {
		t.Errorf("path of nothing: %v, want not found", err)
	}
	data := blobtest.Random(1000)
	store(d).Fill(t, "i", data)
	path, err := l.Path(t.Context(), "i")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
		t.Errorf("file %s has %d bytes, %v, want the image", path, len(got), err)
	}
}
