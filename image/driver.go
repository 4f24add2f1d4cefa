package image

import (
	"context"
	"io"
	"time"

	"github.com/nacre-cloud/nacre/kit/driver"
)

// ID names an image.
type ID string

// A Driver is a store of image bytes. It knows nothing of names, owners or
// formats: Manager chose the id, inspects the bytes and computes their digest
// while they stream through, and asks for one thing at a time per image.
//
// What a driver promises:
//
//   - Put is atomic and durable. When it returns nil the image is whole, and
//     stays so over a power cut. When it fails, for whatever reason (r failed,
//     ctx ended, the store is full, the process died), nothing of the new bytes
//     is visible, and what was there before still is.
//   - Everything is idempotent by id: putting again replaces, deleting what is
//     gone succeeds.
//   - An id that cannot be a name in the store is fault.Invalid. A full store is
//     fault.Exhausted, one that does not answer fault.Unavailable. An error of
//     the reader given to Put is wrapped, so that errors.Is finds it.
//
// All methods may be called at once, also for one image. imagetest.TestDriver
// checks all of this.
type Driver interface {
	// Put stores all that r gives as the bytes of image id.
	Put(ctx context.Context, id ID, r io.Reader) (Stored, error)

	// Open reads one range of the bytes of image id. It fails with
	// fault.NotFound when the store does not have the image, and with
	// fault.Invalid when the range begins beyond its end.
	Open(ctx context.Context, id ID, r Range) (io.ReadCloser, error)

	// Delete removes the bytes of image id. It need not be durable: bytes that come
	// back after a crash are found by the reconciler.
	Delete(ctx context.Context, id ID) error

	// List returns every whole image in the store, in no order. Manager compares
	// it with its rows to find what nobody owns.
	List(ctx context.Context) ([]Stored, error)
}

// Local is a Driver whose images are files that a process on this machine may
// read by itself: a host there needs no second copy.
type Local interface {
	// Path returns the absolute path of image id. The file never changes; it may
	// be deleted. It fails with fault.NotFound when there is no such image.
	Path(ctx context.Context, id ID) (string, error)
}

type (
	// A Starter is a Driver that is started with the program.
	Starter = driver.Starter
	// A Stopper is a Driver that is stopped with the program.
	Stopper = driver.Stopper
)

// Stored describes the bytes of one image in a store.
type Stored struct {
	ID       ID
	Size     int64     // bytes
	Location string    // URL of the bytes, for who can reach the store without us; may be empty
	Modified time.Time // when Put returned, UTC
}

// A Range is a part of an image's bytes. The zero Range is all of them.
type Range struct {
	Offset int64 // first byte
	Length int64 // number of bytes; 0, or more than there are, means up to the end
}

// Clip returns the number of bytes r takes from size bytes, and false when r
// begins after the last of them or makes no sense.
func (r Range) Clip(size int64) (int64, bool) {
	if r.Offset < 0 || r.Length < 0 || r.Offset > size || r.Offset == size && size > 0 {
		return 0, false
	}
	rest := size - r.Offset
	if r.Length == 0 || r.Length > rest {
		return rest, true
	}
	return r.Length, true
}
