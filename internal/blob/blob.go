// Package blob keeps named bytes that are written once, in files or in RAM. The
// drivers of images and of objects are thin layers over it; the driver of volumes
// has its durable renames and its errors from here.
//
// What is put is there as a whole or not at all, whatever happened meanwhile, and
// what was opened can be read to its end though it is deleted. All methods may be
// called at once.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Info describes one blob.
type Info struct {
	Name     string
	Size     int64     // bytes
	Modified time.Time // when it was stored, UTC
}

// A Clip says how many of size bytes are read, and false where the range is not in them.
type Clip func(size int64) (n int64, ok bool)

// Fault says what was being done when err came, and gives it a kind: Exhausted for
// a full disk, NotFound for a file that is not there, else Unavailable.
func Fault(err error, format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return fault.Exhausted.Errorf("%s: the disk is full: %w", what, err)
	case errors.Is(err, fs.ErrNotExist):
		return fault.NotFound.Errorf("%s: %w", what, err)
	default:
		return fault.Unavailable.Wrap(err, "%s", what)
	}
}

// fill copies r, which has size bytes or an unknown number when that is negative.
func fill(ctx context.Context, w io.Writer, r io.Reader, size int64) (int64, error) {
	n, err := io.Copy(w, reader{ctx, r})
	if err == nil && size >= 0 && n != size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// reader ends with its context, and hides that r may be able to write itself.
type reader struct {
	ctx context.Context
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
