package volume

import (
	"context"
	"io"

	"github.com/nacre-cloud/nacre/kit/driver"
)

// A Driver keeps the bytes of volumes. It is what a storage backend implements,
// and all that Manager knows of storage.
//
// Manager has checked the caller and the quota, chosen the id, and stored the
// row. It calls a driver from flow steps, so any method may be called again with
// the same arguments: after success, after failure, and after a crash in the
// middle. To create what exists and to delete what is gone succeed. Calls about
// one volume come one at a time; calls about different volumes run side by side.
//
// A driver returns soon after its context ends. Its errors have a kind where the
// kind matters: fault.Exhausted when the backend is full, fault.Unavailable when
// it should be asked again later, fault.Conflict when something it keeps is in
// the way. An error without a kind is taken as fault.Internal.
//
// Snapshotter, Cloner, Resizer, Importer and Exporter are powers a driver may have
// besides; Manager finds them by a type assertion and answers fault.Unsupported
// without them. Constructors do no I/O: Starter and Stopper are for that. Package volumetest proves an implementation.
type Driver interface {
	// Create makes a volume of v.SizeGiB that reads as zeros.
	Create(ctx context.Context, v Volume) error
	// Delete removes the volume and its bytes.
	Delete(ctx context.Context, v Volume) error
	// Connect makes the volume reachable from the host and says how to open it.
	Connect(ctx context.Context, v Volume, host string) (Connection, error)
	// List returns the volumes that are kept, also those that are half-made.
	List(ctx context.Context) ([]ID, error)
}

// A Disconnecter is a Driver that has to take something back when a host no
// longer uses a volume.
type Disconnecter interface {
	Disconnect(ctx context.Context, v Volume, host string) error
}

// A Snapshotter can keep the content of a volume as it is now, and make volumes of it.
type Snapshotter interface {
	CreateSnapshot(ctx context.Context, s Snapshot) error
	DeleteSnapshot(ctx context.Context, s Snapshot) error
	// CreateFromSnapshot makes v with the content of s; v is at least as large.
	CreateFromSnapshot(ctx context.Context, v Volume, s Snapshot) error
}

// A Cloner can copy a volume that nobody writes to.
type Cloner interface {
	// Clone makes v with the content of source; v is at least as large.
	Clone(ctx context.Context, v, source Volume) error
}

// A Resizer can grow a volume.
type Resizer interface {
	// Resize makes the volume v.SizeGiB large. A smaller size is never asked for.
	Resize(ctx context.Context, v Volume) error
}

// An Importer can fill a volume with an image.
type Importer interface {
	// Import makes v with the content of an image, whose bytes r reads. An image
	// that needs more than v.SizeGiB is fault.Invalid.
	Import(ctx context.Context, v Volume, image Image, r io.Reader) error
}

// An Exporter can be read as a whole.
type Exporter interface {
	// Export writes the content of a volume that nobody writes to, as a raw disk.
	// Zeros at its end may be left out, though not all of them.
	Export(ctx context.Context, v Volume, w io.Writer) error
}

type (
	// A Starter is a Driver that is started with the program.
	Starter = driver.Starter
	// A Stopper is a Driver that is stopped with the program.
	Stopper = driver.Stopper
)

// An Image is what a volume needs to know of an image.
type Image struct {
	ID         string
	Name       string
	DiskFormat string // "raw" or "qcow2"
	SizeBytes  int64  // of the bytes that are read
	MinDiskGiB int
	Metadata   map[string]string
}

// ImageSource is where volumes get images from: the image service, wherever it runs.
type ImageSource interface {
	// Image describes an image that the caller of ctx may use, else fault.NotFound.
	Image(ctx context.Context, id string) (Image, error)
	// Open starts reading the bytes of an image.
	Open(ctx context.Context, id string) (io.ReadCloser, error)
}

// ImageSink is where images made of volumes go: the image service, wherever it runs.
type ImageSink interface {
	// CreateImage records an image of the caller of ctx that has no bytes yet.
	// Creating twice is creating once.
	CreateImage(ctx context.Context, s ImageSpec) error
	// UploadImage gives an image its bytes. One that has bytes keeps them, and r is
	// not read.
	UploadImage(ctx context.Context, id string, r io.Reader) error
	// DeleteImage removes an image, also a protected one, or does nothing where it is gone.
	DeleteImage(ctx context.Context, id string) error
}

// An ImageSpec describes an image made of a volume.
type ImageSpec struct {
	ID         string
	Name       string
	DiskFormat string
	Container  string
	Visibility string
	Protected  bool
	MinDiskGiB int
	Properties map[string]string
}
