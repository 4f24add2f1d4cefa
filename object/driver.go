package object

import (
	"context"
	"io"
	"time"

	"github.com/nacre-cloud/nacre/kit/driver"
)

// A Driver is a store of immutable blobs. It knows no accounts, names or
// metadata: Manager has those in its tables, chooses the key of each blob, writes
// it once and, when no object has it any more, deletes it.
//
// What a driver promises:
//
//   - Put is atomic and durable. When it returns nil the blob is whole and stays
//     so over a power cut. When it fails, for whatever reason (r failed or gave
//     another number of bytes than size, ctx ended, the store is full, the process
//     died), the key has no blob.
//   - Everything is idempotent by key: to put again the same bytes and to delete
//     what is gone succeed.
//   - A full store is fault.Exhausted, one that does not answer fault.Unavailable.
//     An error of the reader given to Put is wrapped, so that errors.Is finds it.
//
// All methods may be called at once. objecttest.TestDriver checks all of this.
type Driver interface {
	// Put stores what r gives, which is size bytes or, when size is negative, an
	// unknown number, and returns their number.
	Put(ctx context.Context, key Key, r io.Reader, size int64) (int64, error)

	// Open reads one range of a blob. A blob that is not there is fault.NotFound,
	// a range that begins beyond its end fault.Invalid. What was opened can be read
	// to its end though the blob is deleted meanwhile.
	Open(ctx context.Context, key Key, r Range) (io.ReadCloser, error)

	// Delete removes a blob. It need not be durable: a blob that comes back after
	// a crash is found by the reconciler.
	Delete(ctx context.Context, key Key) error

	// Walk calls f for each whole blob, in no order, and ends with f's error. It
	// takes time to look at millions; blobs that come and go meanwhile may be missed.
	Walk(ctx context.Context, f func(Blob) error) error
}

// Sweeper is a Driver that must look for what dead uploads left behind.
type Sweeper interface {
	// Sweep removes the parts of uploads that began before a moment and never ended.
	Sweep(ctx context.Context, before time.Time) error
}

type (
	// A Starter is a Driver that is started with the program.
	Starter = driver.Starter
	// A Stopper is a Driver that is stopped with the program.
	Stopper = driver.Stopper
)

// A Key names a blob: 26 letters and digits, chosen at random so that every
// prefix spreads them evenly.
type Key string

// A Blob describes one blob of a store.
type Blob struct {
	Key      Key
	Size     int64     // bytes
	Modified time.Time // when it was stored
}

// A Range is a part of bytes. The zero Range is all of them.
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
