package compute_test

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// images is an ImageSource of one image that counts how often it was opened.
type images struct {
	content []byte
	info    compute.ImageInfo
	opened  atomic.Int32
	read    func(context.Context, io.Reader) io.Reader
}

func newImages(content string) *images {
	sum := sha512.Sum512([]byte(content))
	return &images{
		content: []byte(content),
		info:    compute.ImageInfo{Size: int64(len(content)), DiskFormat: "raw", SHA512: hex.EncodeToString(sum[:])},
		read:    func(_ context.Context, r io.Reader) io.Reader { return r },
	}
}

func (s *images) Open(ctx context.Context, image string) (io.ReadCloser, compute.ImageInfo, error) {
	if image != "known" {
		return nil, compute.ImageInfo{}, fault.NotFound.Errorf("image %s", image)
	}
	s.opened.Add(1)
	return io.NopCloser(s.read(ctx, bytes.NewReader(s.content))), s.info, nil
}

func TestImageCacheFetchesOnceForAll(t *testing.T) {
	source := newImages("bytes of an image")
	cache := compute.NewImageCache(t.TempDir(), source)
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			got, err := cache.Fetch(t.Context(), "known")
			if err != nil || got.Format != "raw" {
				t.Errorf("Fetch = %v, %v", got, err)
			}
		})
	}
	wg.Wait()
	if n := source.opened.Load(); n != 1 {
		t.Errorf("the image was fetched %d times", n)
	}
	got, _ := cache.Fetch(t.Context(), "known")
	if b, _ := os.ReadFile(got.Path); string(b) != "bytes of an image" {
		t.Errorf("content %q", b)
	}
}

func TestImageCacheRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		image  string
		damage func(*images)
		want   error
	}{
		"an unknown image":          {"other", func(*images) {}, fault.NotFound},
		"an id that is a path":      {"../known", func(*images) {}, fault.Invalid},
		"a transfer that is cut":    {"known", func(s *images) { s.info.Size++ }, fault.Unavailable},
		"a transfer without end":    {"known", func(s *images) { s.info.Size-- }, fault.Unavailable},
		"a broken transfer":         {"known", breakRead, fault.Unavailable},
		"bytes with another hash":   {"known", func(s *images) { s.content[0]++ }, fault.Internal},
		"a format that never boots": {"known", func(s *images) { s.info.DiskFormat = "aki" }, fault.Invalid},
		"a format that is a path":   {"known", func(s *images) { s.info.DiskFormat = "../x" }, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			source := newImages("bytes of an image")
			test.damage(source)
			if _, err := compute.NewImageCache(dir, source).Fetch(t.Context(), test.image); !errors.Is(err, test.want) {
				t.Errorf("Fetch fails with %v, want %v", err, test.want)
			}
			if left, _ := filepath.Glob(dir + "/*"); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func breakRead(s *images) {
	s.read = func(context.Context, io.Reader) io.Reader { return iotest.ErrReader(errors.New("connection reset")) }
}

func TestImageCacheStopsWhenNobodyWaits(t *testing.T) {
	source := newImages("bytes of an image")
	stopped := make(chan struct{})
	source.read = func(ctx context.Context, _ io.Reader) io.Reader {
		return readerFunc(func([]byte) (int, error) {
			<-ctx.Done()
			close(stopped)
			return 0, ctx.Err()
		})
	}
	cache := compute.NewImageCache(t.TempDir(), source)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := cache.Fetch(ctx, "known"); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Fetch fails with %v", err)
	}
	<-stopped
	source.read = func(_ context.Context, r io.Reader) io.Reader { return r }
	if _, err := cache.Fetch(t.Context(), "known"); err != nil {
		t.Errorf("the next fetch fails with %v", err)
	}
}

func TestImageCacheEvictsTheUnused(t *testing.T) {
	dir := t.TempDir()
	cache := compute.NewImageCache(dir, newImages("bytes of an image"))
	image, err := cache.Fetch(t.Context(), "known")
	if err != nil {
		t.Fatal(err)
	}
	if err := cache.Evict(time.Hour); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(image.Path); err != nil {
		t.Error("a fresh image was evicted")
	}
	old := time.Now().Add(-2 * time.Hour)
	partial := filepath.Join(dir, ".fetch-1")
	if err := errors.Join(os.WriteFile(partial, nil, 0o600), os.Chtimes(partial, old, old), os.Chtimes(image.Path, old, old)); err != nil {
		t.Fatal(err)
	}
	if err := cache.Evict(time.Hour); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
