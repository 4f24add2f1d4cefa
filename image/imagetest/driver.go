// Package imagetest holds the conformance suites of the image domain: what any
// backend must do, whoever wrote it.
package imagetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/driver/drivertest"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// TestDriver checks that the drivers open returns keep the promises of
// image.Driver, and of the optional interfaces they have. Each call of open
// returns a driver over an empty store.
func TestDriver(t *testing.T, open func(*testing.T) image.Driver) {
	tests := []struct {
		name string
		run  func(*testing.T, image.Driver)
	}{
		{"what was put can be read", readsBack},
		{"ranges are exact", ranges},
		{"what was never put is not found", missing},
		{"deleted is gone, twice", deleted},
		{"putting again replaces", replaced},
		{"a reader keeps what it opened", openSurvivesReplace},
		{"a broken upload leaves nothing", broken},
		{"a broken upload keeps the image before it", brokenReplace},
		{"a cancelled upload leaves nothing", cancelled},
		{"uploads at once do not mix", racing},
		{"ids cannot leave the store", badIDs},
		{"a local file is the image", local},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, drivertest.Start(t, open(t))) })
	}
}

func readsBack(t *testing.T, d image.Driver) {
	for id, size := range map[image.ID]int{"empty": 0, "one": 1, "large": 3<<20 + 17} {
		data := random(size)
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
		wantBytes(t, d, id, image.Range{}, data)
	}
	wantIDs(t, d, "empty", "large", "one")
}

func ranges(t *testing.T, d image.Driver) {
	data := random(100_000)
	put(t, d, "i", data)
	for _, r := range []image.Range{{Offset: 1}, {Length: 1}, {Offset: 99_999}, {Offset: 4096, Length: 65_536}, {Offset: 99_990, Length: 1 << 60}} {
		n, _ := r.Clip(int64(len(data)))
		wantBytes(t, d, "i", r, data[r.Offset:r.Offset+n])
	}
	for _, r := range []image.Range{{Offset: 100_000}, {Offset: 1 << 60}, {Offset: -1}, {Length: -1}} {
		if _, err := d.Open(t.Context(), "i", r); !errors.Is(err, fault.Invalid) {
			t.Errorf("open %+v: %v, want invalid", r, err)
		}
	}
}

func missing(t *testing.T, d image.Driver) {
	if _, err := d.Open(t.Context(), "none", image.Range{}); !errors.Is(err, fault.NotFound) {
		t.Errorf("open: %v, want not found", err)
	}
	wantIDs(t, d)
}

func deleted(t *testing.T, d image.Driver) {
	put(t, d, "a", random(10))
	put(t, d, "b", random(10))
	for range 2 {
		if err := d.Delete(t.Context(), "a"); err != nil {
			t.Fatalf("delete: %v", err)
		}
	}
	if _, err := d.Open(t.Context(), "a", image.Range{}); !errors.Is(err, fault.NotFound) {
		t.Errorf("open: %v, want not found", err)
	}
	wantIDs(t, d, "b")
}

func replaced(t *testing.T, d image.Driver) {
	put(t, d, "i", random(5000))
	data := random(70)
	put(t, d, "i", data)
	wantBytes(t, d, "i", image.Range{}, data)
	all, err := d.List(t.Context())
	if err != nil || len(all) != 1 || all[0].Size != 70 {
		t.Errorf("list = %+v, %v, want one image of 70 bytes", all, err)
	}
}

func openSurvivesReplace(t *testing.T, d image.Driver) {
	before := random(200_000)
	put(t, d, "i", before)
	r, err := d.Open(t.Context(), "i", image.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	put(t, d, "i", random(200_000))
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, before) {
		t.Errorf("read %d bytes, %v, want the bytes that were opened", len(got), err)
	}
}

func broken(t *testing.T, d image.Driver) {
	cut := errors.New("connection reset")
	_, err := d.Put(t.Context(), "i", failing(random(100_000), cut))
	if !errors.Is(err, cut) {
		t.Errorf("put: %v, want the reader's error", err)
	}
	refused := fault.Invalid.Errorf("a backing file")
	if _, err := d.Put(t.Context(), "i", failing(random(10), refused)); fault.Of(err) != fault.Invalid {
		t.Errorf("put: %v, want the kind of the reader's error", err)
	}
	missing(t, d)
}

func brokenReplace(t *testing.T, d image.Driver) {
	data := random(1000)
	put(t, d, "i", data)
	if _, err := d.Put(t.Context(), "i", failing(random(2000), io.ErrUnexpectedEOF)); err == nil {
		t.Fatal("a broken upload was accepted")
	}
	wantBytes(t, d, "i", image.Range{}, data)
}

func cancelled(t *testing.T, d image.Driver) {
	ctx, cancel := context.WithCancel(t.Context())
	endless := io.MultiReader(bytes.NewReader(random(100_000)), readFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	}))
	if _, err := d.Put(ctx, "i", endless); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v, want context canceled", err)
	}
	missing(t, d)
}

func racing(t *testing.T, d image.Driver) {
	var wg sync.WaitGroup
	versions := make([][]byte, 8)
	for i := range versions {
		versions[i] = random(100_000 + i)
		wg.Go(func() {
			if _, err := d.Put(t.Context(), "i", bytes.NewReader(versions[i])); err != nil {
				t.Errorf("put: %v", err)
			}
			if _, err := d.Put(t.Context(), image.ID(fmt.Sprint("own", i)), bytes.NewReader(versions[i])); err != nil {
				t.Errorf("put: %v", err)
			}
		})
	}
	wg.Wait()
	got := read(t, d, "i", image.Range{})
	if !slices.ContainsFunc(versions, func(v []byte) bool { return bytes.Equal(v, got) }) {
		t.Errorf("%d bytes that nobody put", len(got))
	}
	for i, v := range versions {
		wantBytes(t, d, image.ID(fmt.Sprint("own", i)), image.Range{}, v)
	}
}

func badIDs(t *testing.T, d image.Driver) {
	for _, id := range []image.ID{"", "..", "../i", "a/../../i", "/etc/passwd"} {
		_, err := d.Put(t.Context(), id, bytes.NewReader([]byte("x")))
		if err == nil && id != "" {
			wantBytes(t, d, id, image.Range{}, []byte("x")) // a store without paths may take any name
			continue
		}
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("put %q: %v, want invalid", id, err)
		}
		if _, err := d.Open(t.Context(), id, image.Range{}); err == nil {
			t.Errorf("open %q succeeded", id)
		}
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
	data := random(1000)
	put(t, d, "i", data)
	path, err := l.Path(t.Context(), "i")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
		t.Errorf("file %s has %d bytes, %v, want the image", path, len(got), err)
	}
}

func put(t *testing.T, d image.Driver, id image.ID, data []byte) {
	t.Helper()
	if _, err := d.Put(t.Context(), id, bytes.NewReader(data)); err != nil {
		t.Fatalf("put %s: %v", id, err)
	}
}

func read(t *testing.T, d image.Driver, id image.ID, r image.Range) []byte {
	t.Helper()
	rc, err := d.Open(t.Context(), id, r)
	if err != nil {
		t.Fatalf("open %s %+v: %v", id, r, err)
	}
	defer rc.Close()
	got, err := io.ReadAll(rc)
	if err != nil {
		t.Fatalf("read %s %+v: %v", id, r, err)
	}
	return got
}

func wantBytes(t *testing.T, d image.Driver, id image.ID, r image.Range, want []byte) {
	t.Helper()
	if got := read(t, d, id, r); !bytes.Equal(got, want) {
		t.Errorf("%s %+v gives %d bytes, want %d other ones", id, r, len(got), len(want))
	}
}

func wantIDs(t *testing.T, d image.Driver, want ...image.ID) {
	t.Helper()
	all, err := d.List(t.Context())
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	got := make([]image.ID, 0, len(all))
	for _, s := range all {
		got = append(got, s.ID)
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("list = %v, want %v", got, want)
	}
}

func random(n int) []byte {
	data := make([]byte, n)
	rng := rand.NewChaCha8([32]byte{byte(n), byte(rand.Uint32())})
	_, _ = rng.Read(data) // never fails
	return data
}

func failing(data []byte, err error) io.Reader {
	return io.MultiReader(bytes.NewReader(data), iotest.ErrReader(err))
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
