// Package objecttest holds the conformance suites of the object domain: what
// any backend and any Service must do, whoever wrote it.
package objecttest

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
	"time"

	"github.com/nacre-cloud/nacre/kit/driver/drivertest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/object"
)

// TestDriver checks that the drivers open returns keep the promises of
// object.Driver. Each call of open returns a driver over an empty store.
func TestDriver(t *testing.T, open func(*testing.T) object.Driver) {
	tests := []struct {
		name string
		run  func(*testing.T, object.Driver)
	}{
		{"what was put can be read", readsBack},
		{"ranges are exact", ranges},
		{"deleted is gone, twice", deleted},
		{"a broken upload leaves nothing", broken},
		{"a cancelled upload leaves nothing", cancelled},
		{"a short upload leaves nothing", short},
		{"uploads at once do not mix", racing},
		{"what is open outlives its deletion", openSurvives},
		{"keys cannot leave the store", badKeys},
		{"walk ends with its caller", walkEnds},
		{"sweep spares what is whole", sweep},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, drivertest.Start(t, open(t))) })
	}
}

func readsBack(t *testing.T, d object.Driver) {
	start := time.Now()
	for key, size := range map[object.Key]int{"aa-empty": 0, "ab-one": 1, "ab-large": 20<<20 + 17} {
		data := random(size)
		for _, announced := range []int64{int64(size), -1} {
			n, err := d.Put(t.Context(), key, iotest.HalfReader(bytes.NewReader(data)), announced)
			if err != nil || n != int64(size) {
				t.Fatalf("put %s: %d, %v, want %d", key, n, err, size)
			}
		}
		wantBytes(t, d, key, object.Range{}, data)
	}
	all := blobs(t, d)
	if len(all) != 3 || all["ab-one"].Size != 1 || all["ab-large"].Size != 20<<20+17 {
		t.Errorf("walk found %v", all)
	}
	if m := all["ab-one"].Modified; m.Before(start.Add(-5*time.Second)) || m.After(time.Now().Add(5*time.Second)) {
		t.Errorf("stored at %s, want about %s", m, start)
	}
}

func ranges(t *testing.T, d object.Driver) {
	data := random(100_000)
	put(t, d, "blob", data)
	for _, r := range []object.Range{{Offset: 1}, {Length: 1}, {Offset: 99_999}, {Offset: 4096, Length: 65_536}, {Offset: 99_990, Length: 1 << 60}} {
		n, _ := r.Clip(int64(len(data)))
		wantBytes(t, d, "blob", r, data[r.Offset:r.Offset+n])
	}
	for _, r := range []object.Range{{Offset: 100_000}, {Offset: 1 << 60}, {Offset: -1}, {Length: -1}} {
		if _, err := d.Open(t.Context(), "blob", r); !errors.Is(err, fault.Invalid) {
			t.Errorf("open %+v: %v, want invalid", r, err)
		}
	}
}

func deleted(t *testing.T, d object.Driver) {
	put(t, d, "one", random(10))
	put(t, d, "two", random(10))
	for range 2 {
		if err := d.Delete(t.Context(), "one"); err != nil {
			t.Fatalf("delete: %v", err)
		}
	}
	wantNone(t, d, "one")
	if all := blobs(t, d); len(all) != 1 {
		t.Errorf("walk found %v", all)
	}
}

func broken(t *testing.T, d object.Driver) {
	cut := errors.New("connection reset")
	for _, size := range []int{10, 100_000, 20 << 20} {
		for _, announced := range []int64{int64(size) + 1, -1} {
			r := io.MultiReader(bytes.NewReader(random(size)), iotest.ErrReader(cut))
			if _, err := d.Put(t.Context(), "blob", r, announced); !errors.Is(err, cut) {
				t.Errorf("put of %d: %v, want the reader's error", size, err)
			}
		}
	}
	refused := fault.OverQuota.Errorf("too much")
	if _, err := d.Put(t.Context(), "blob", iotest.ErrReader(refused), -1); fault.Of(err) != fault.OverQuota {
		t.Errorf("put: %v, want the kind of the reader's error", err)
	}
	wantNone(t, d, "blob")
}

func cancelled(t *testing.T, d object.Driver) {
	ctx, cancel := context.WithCancel(t.Context())
	endless := io.MultiReader(bytes.NewReader(random(100_000)), readFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil
	}))
	if _, err := d.Put(ctx, "blob", endless, -1); !errors.Is(err, context.Canceled) {
		t.Errorf("put: %v, want context canceled", err)
	}
	wantNone(t, d, "blob")
}

func short(t *testing.T, d object.Driver) {
	if _, err := d.Put(t.Context(), "blob", bytes.NewReader(random(100)), 101); err == nil {
		t.Error("100 bytes were taken for 101")
	}
	wantNone(t, d, "blob")
}

func racing(t *testing.T, d object.Driver) {
	var wg sync.WaitGroup
	data := make([][]byte, 16)
	for i := range data {
		data[i] = random(100_000 + i)
		wg.Go(func() {
			if _, err := d.Put(t.Context(), key(i), bytes.NewReader(data[i]), -1); err != nil {
				t.Errorf("put: %v", err)
			}
		})
	}
	wg.Wait()
	for i, want := range data {
		wantBytes(t, d, key(i), object.Range{}, want)
	}
	if all := blobs(t, d); len(all) != len(data) {
		t.Errorf("walk found %d blobs, want %d", len(all), len(data))
	}
}

func openSurvives(t *testing.T, d object.Driver) {
	data := random(200_000)
	put(t, d, "blob", data)
	r, err := d.Open(t.Context(), "blob", object.Range{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := d.Delete(t.Context(), "blob"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("read %d bytes, %v, want what was opened", len(got), err)
	}
}

func badKeys(t *testing.T, d object.Driver) {
	for _, key := range []object.Key{"../../escape", "a/../../escape", "/etc/passwd"} {
		if _, err := d.Put(t.Context(), key, bytes.NewReader([]byte("x")), 1); err == nil {
			wantBytes(t, d, key, object.Range{}, []byte("x")) // a store without paths may take any name
		} else if !errors.Is(err, fault.Invalid) {
			t.Errorf("put %q: %v, want invalid", key, err)
		}
	}
}

func walkEnds(t *testing.T, d object.Driver) {
	for i := range 3 {
		put(t, d, key(i), random(10))
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
	data := random(1000)
	put(t, d, "blob", data)
	if err := s.Sweep(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Errorf("sweep: %v", err)
	}
	wantBytes(t, d, "blob", object.Range{}, data)
}

func key(i int) object.Key { return object.Key(fmt.Sprintf("%02dkey", i)) }

func put(t *testing.T, d object.Driver, key object.Key, data []byte) {
	t.Helper()
	if _, err := d.Put(t.Context(), key, bytes.NewReader(data), int64(len(data))); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func wantBytes(t *testing.T, d object.Driver, key object.Key, r object.Range, want []byte) {
	t.Helper()
	rc, err := d.Open(t.Context(), key, r)
	if err != nil {
		t.Fatalf("open %s %+v: %v", key, r, err)
	}
	defer rc.Close()
	if got, err := io.ReadAll(rc); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s %+v gives %d bytes, %v, want %d other ones", key, r, len(got), err, len(want))
	}
}

func wantNone(t *testing.T, d object.Driver, key object.Key) {
	t.Helper()
	if _, err := d.Open(t.Context(), key, object.Range{}); !errors.Is(err, fault.NotFound) {
		t.Errorf("open %s: %v, want not found", key, err)
	}
	if slices.ContainsFunc(keys(t, d), func(k object.Key) bool { return k == key }) {
		t.Errorf("walk found %s", key)
	}
}

func keys(t *testing.T, d object.Driver) []object.Key {
	t.Helper()
	var all []object.Key
	for k := range blobs(t, d) {
		all = append(all, k)
	}
	return all
}

func blobs(t *testing.T, d object.Driver) map[object.Key]object.Blob {
	t.Helper()
	all := map[object.Key]object.Blob{}
	err := d.Walk(t.Context(), func(b object.Blob) error { all[b.Key] = b; return nil })
	if err != nil {
		t.Fatalf("walk: %v", err)
	}
	return all
}

func random(n int) []byte {
	data := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(n), byte(rand.Uint32())}).Read(data) // never fails
	return data
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }
