package compute

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// An ImageCache keeps one verified copy of each image on a host, however many ask
// for it at once. Drivers hard-link the copy into the guest's own directory, so
// eviction never takes a file away from a guest.
type ImageCache struct {
	dir     string
	source  ImageSource
	mu      sync.Mutex
	fetches map[string]*imageFetch
}

// A CachedImage is an image's file in the cache. Link it at once: eviction may remove its name.
type CachedImage struct {
	Path   string
	Format string
}

// NewImageCache returns a cache in dir, which it makes when it is needed.
func NewImageCache(dir string, source ImageSource) *ImageCache {
	return &ImageCache{dir: dir, source: source, fetches: map[string]*imageFetch{}}
}

// imageFormats are the formats a copy may have, and the ends of their names.
var imageFormats = []string{"qcow2", "raw"}

var imageName = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z_-]{0,63}$`)

// Fetch returns the host's copy of an image, bringing it first if needed. A fetch
// ends when the last caller that waits for it has gone. The source's faults pass;
// a cut transfer is Unavailable, a full disk Exhausted, a format that no guest
// can boot from Invalid.
func (c *ImageCache) Fetch(ctx context.Context, image string) (CachedImage, error) {
	if !imageName.MatchString(image) {
		return CachedImage{}, fault.Invalid.Errorf("image id %q", image)
	}
	c.mu.Lock()
	if found, ok := c.lookup(image); ok {
		c.mu.Unlock()
		return found, nil
	}
	f := c.fetches[image]
	if f == nil {
		work, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f = &imageFetch{done: make(chan struct{}), cancel: cancel}
		c.fetches[image] = f
		go c.run(work, f, image)
	}
	f.waiters++
	c.mu.Unlock()

	select {
	case <-f.done:
		return f.image, f.err
	case <-ctx.Done():
		c.leave(f, image)
		return CachedImage{}, fault.Unavailable.Errorf("waiting for image %s: %w", image, ctx.Err())
	}
}

// Evict removes copies that nobody fetched for the given time, and what
// interrupted fetches of that age left behind.
func (c *ImageCache) Evict(unused time.Duration) error {
	entries, err := os.ReadDir(c.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	oldest := time.Now().Add(-unused)
	for _, e := range entries {
		info, statErr := e.Info()
		if statErr != nil || info.ModTime().After(oldest) {
			continue
		}
		err = errors.Join(err, os.Remove(filepath.Join(c.dir, e.Name())))
	}
	return fault.Internal.Wrap(err, "evicting images from %s", c.dir)
}

type imageFetch struct {
	waiters int
	cancel  context.CancelFunc
	done    chan struct{}
	image   CachedImage
	err     error
}

func (c *ImageCache) lookup(image string) (CachedImage, bool) {
	for _, format := range imageFormats {
		path := filepath.Join(c.dir, image+"."+format)
		now := time.Now()
		if os.Chtimes(path, now, now) == nil {
			return CachedImage{Path: path, Format: format}, true
		}
	}
	return CachedImage{}, false
}

func (c *ImageCache) leave(f *imageFetch, image string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.waiters--; f.waiters > 0 {
		return
	}
	f.cancel()
	if c.fetches[image] == f {
		delete(c.fetches, image) // whoever comes next must not join a cancelled fetch
	}
}

func (c *ImageCache) run(ctx context.Context, f *imageFetch, image string) {
	defer f.cancel()
	f.image, f.err = c.copy(ctx, image)
	c.mu.Lock()
	if c.fetches[image] == f {
		delete(c.fetches, image)
	}
	c.mu.Unlock()
	close(f.done)
}

func (c *ImageCache) copy(ctx context.Context, image string) (CachedImage, error) {
	in, info, err := c.source.Open(ctx, image)
	if err != nil {
		return CachedImage{}, fault.Unavailable.Wrap(err, "fetching image %s", image)
	}
	defer in.Close()
	if !slices.Contains(imageFormats, info.DiskFormat) {
		return CachedImage{}, fault.Invalid.Errorf("image %s has disk format %q; a guest boots from %s",
			image, info.DiskFormat, strings.Join(imageFormats, " or "))
	}
	path := filepath.Join(c.dir, image+"."+info.DiskFormat)
	if err := c.write(in, info, path); err != nil {
		return CachedImage{}, fault.Internal.Wrap(err, "fetching image %s", image)
	}
	return CachedImage{Path: path, Format: info.DiskFormat}, nil
}

// write brings the bytes to the disk under a temporary name and gives them their
// own only when they are all there, are what was promised, and are safe.
func (c *ImageCache) write(in io.Reader, info ImageInfo, path string) error {
	if err := os.MkdirAll(c.dir, 0o711); err != nil {
		return err
	}
	out, err := os.CreateTemp(c.dir, ".fetch-*")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name())
	defer out.Close()

	hash := sha512.New()
	n, err := io.Copy(io.MultiWriter(out, hash), io.LimitReader(in, info.Size+1))
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fault.Exhausted.Errorf("%s is full: %w", c.dir, err)
	case err != nil:
		return fault.Unavailable.Errorf("after %d of %d bytes: %w", n, info.Size, err)
	case n != info.Size:
		return fault.Unavailable.Errorf("the transfer ended after %d bytes, not %d", n, info.Size)
	case info.SHA512 != "" && hex.EncodeToString(hash.Sum(nil)) != strings.ToLower(info.SHA512):
		return fault.Internal.Errorf("the bytes have another checksum than the image service promised")
	}
	if err := out.Chmod(0o644); err != nil {
		return err
	}
	if err := out.Sync(); err != nil {
		return err
	}
	if err := os.Rename(out.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(c.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
