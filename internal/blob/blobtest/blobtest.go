// Package blobtest holds what a store of images and a store of objects promise
// alike. The conformance suites of both domains run it, and add what is their own.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A Store is a driver, seen as what both kinds have in common.
type Store struct {
	Put    func(ctx context.Context, name string, r io.Reader) error
	Open   func(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
	Delete func(ctx context.Context, name string) error
	Names  func(ctx context.Context) ([]string, error)
}

// Test checks stores that open returns, each of them empty.
func Test(t *testing.T, open func(*testing.T) Store) {
	tests := []struct {
		name string
		run  func(*testing.T, Store)
	}{
		{"ranges are exact", ranges},
		{"what was never put is not found", missing},
		{"deleted is gone, twice", deleted},
		{"what is open outlives its deletion", openSurvives},
		{"a broken upload leaves nothing", broken},
		{"a cancelled upload leaves nothing", cancelled},
		{"uploads at once do not mix", racing},
		{"names cannot leave the store", badNames},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

func ranges(t *testing.T, s Store) {
	data := Random(100_000)
	s.Fill(t, "blob", data)
	for _, r := range [][2]int64{{1, 0}, {0, 1}, {99_999, 0}, {4096, 65_536}, {99_990, 1 << 60}} {
		want := data[r[0]:]
		if r[1] > 0 {
			want = want[:min(int64(len(want)), r[1])]
		}
		if got := s.read(t, "blob", r[0], r[1]); !bytes.Equal(got, want) {
			t.Errorf("range %v gives %d bytes, want %d other ones", r, len(got), len(want))
		}
	}
	for _, r := range [][2]int64{{100_000, 0}, {1 << 60, 0}, {-1, 0}, {0, -1}} {
		if _, err := s.Open(t.Context(), "blob", r[0], r[1]); !errors.Is(err, fault.Invalid) {
			t.Errorf("open %v: %v, want invalid", r, err)
		}
	}
}

func missing(t *testing.T, s Store) {
	s.Lacks(t, "none")
	s.Has(t)
}

func deleted(t *testing.T, s Store) {
	s.Fill(t, "one", Random(10))
	s.Fill(t, "two", Random(10))
	for range 2 {
		if err := s.Delete(t.Context(), "one"); err != nil {
			t.Fatalf("delete: %v", err)
		}
	}
	s.Lacks(t, "one")
	s.Has(t, "two")
}

func openSurvives(t *testing.T, s Store) {
	data := Random(200_000)
	s.Fill(t, "blob", data)
	r, err := s.Open(t.Context(), "blob", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := s.Delete(t.Context(), "blob"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d bytes, %v, want what was opened", len(got), err)
	}
}

func broken(t *testing.T, s Store) {
	cut := errors.New("connection reset")
	for _, size := range []int{10, 100_000, 20 << 20} {
		if err := s.Put(t.Context(), "blob", Cut(Random(size), cut)); !errors.Is(err, cut) {
			t.Errorf("put of %d: %v, want the reader's error", size, err)
		}
	}
	refused := fault.OverQuota.Errorf("too much")
	if err := s.Put(t.Context(), "blob", Cut(Random(10), refused)); fault.Of(err) != fault.OverQuota {
		t.Errorf("put: %v, want the kind of the reader's error", err)
	}
	s.Lacks(t, "blob")
}

func cancelled(t *testing.T, s Store) {
	ctx, cancel := context.WithCancel(t.Context())
	endless := io.MultiReader(bytes.NewReader(Random(100_000)), readFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	}))
	if err := s.Put(ctx, "blob", endless); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v, want context canceled", err)
	}
	s.Lacks(t, "blob")
}

func racing(t *testing.T, s Store) {
	var wg sync.WaitGroup
	data, names := make([][]byte, 16), make([]string, 16)
	for i := range data {
		data[i], names[i] = Random(100_000+i), fmt.Sprintf("%02dblob", i)
		wg.Go(func() {
			if err := s.Put(t.Context(), names[i], bytes.NewReader(data[i])); err != nil {
				t.Errorf("put: %v", err)
			}
		})
	}
	wg.Wait()
	for i, want := range data {
		s.Want(t, names[i], want)
	}
	s.Has(t, names...)
}

func badNames(t *testing.T, s Store) {
	for _, name := range []string{"", "..", "../blob", "../../escape", "a/../../escape", "/etc/passwd"} {
		err := s.Put(t.Context(), name, bytes.NewReader([]byte("x")))
		if err == nil && name != "" {
			s.Want(t, name, []byte("x")) // a store without paths may take any name
			continue
		}
		if !errors.Is(err, fault.Invalid) {
			t.Errorf("put %q: %v, want invalid", name, err)
		}
		if _, err := s.Open(t.Context(), name, 0, 0); err == nil {
			t.Errorf("open %q succeeded", name)
		}
	}
}

// Fill puts data.
func (s Store) Fill(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := s.Put(t.Context(), name, bytes.NewReader(data)); err != nil {
		t.Fatalf("put %s: %v", name, err)
	}
}

// Want checks that a blob reads as data.
func (s Store) Want(t *testing.T, name string, data []byte) {
	t.Helper()
	if got := s.read(t, name, 0, 0); !bytes.Equal(got, data) {
		t.Errorf("%s has %d bytes, want %d other ones", name, len(got), len(data))
	}
}

// Has checks that a store lists these blobs and no other.
func (s Store) Has(t *testing.T, names ...string) {
	t.Helper()
	got, err := s.Names(t.Context())
	if slices.Sort(got); err != nil || !slices.Equal(got, names) {
		t.Errorf("the store lists %v, %v, want %v", got, err, names)
	}
}

// Lacks checks that a store has no such blob.
func (s Store) Lacks(t *testing.T, name string) {
	t.Helper()
	if _, err := s.Open(t.Context(), name, 0, 0); !errors.Is(err, fault.NotFound) {
		t.Errorf("open %s: %v, want not found", name, err)
	}
	if names, err := s.Names(t.Context()); err != nil || slices.Contains(names, name) {
		t.Errorf("the store lists %s: %v, %v", name, names, err)
	}
}

func (s Store) read(t *testing.T, name string, offset, length int64) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), name, offset, length)
	if err != nil {
		t.Fatalf("open %s from %d: %v", name, offset, err)
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s from %d: %v", name, offset, err)
	}
	return data
}

// Random returns n bytes, different ones at each call.
func Random(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(rand.Uint32())}).Read(data) // never fails
	return data
}

// Cut reads data and then fails.
func Cut(data []byte, err error) io.Reader {
	return io.MultiReader(bytes.NewReader(data), iotest.ErrReader(err))
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
