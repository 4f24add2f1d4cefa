package object

import (
	"context"
	"io"
)

// Service is what other domains and the HTTP face call about accounts,
// containers and objects, in this process or over the bus. Every method checks
// the caller: members of the project may do everything in its account, readers
// may look, and a container's access lists let others in. What the caller may
// not touch is fault.Forbidden, since accounts are named after projects and say
// nothing by existing. Manager and objectrpc.Client implement it.
type Service interface {
	Accounts
	Containers
	Objects
}

// Accounts is the part of Service about accounts.
type Accounts interface {
	// Account returns a project's account with its usage.
	Account(ctx context.Context, projectID string) (Account, error)
	// UpdateAccount changes the metadata of an account.
	UpdateAccount(ctx context.Context, p AccountPatch) error
}

// Containers is the part of Service about containers.
type Containers interface {
	// CreateContainer makes a container, or changes the one there is. It reports
	// whether it was made.
	CreateContainer(ctx context.Context, p ContainerPatch) (bool, error)
	// Container returns a container with its usage.
	Container(ctx context.Context, id ContainerID) (Container, error)
	// Containers lists an account.
	Containers(ctx context.Context, q Query) (Listing[Container], error)
	// UpdateContainer changes a container that exists.
	UpdateContainer(ctx context.Context, p ContainerPatch) error
	// DeleteContainer removes an empty container; one with objects is fault.Conflict.
	DeleteContainer(ctx context.Context, id ContainerID) error
}

// Objects is the part of Service about objects, without their bytes.
type Objects interface {
	// Object describes an object.
	Object(ctx context.Context, id ObjectID) (Object, error)
	// Objects lists a container, without the Encoding, Disposition, Metadata and
	// Segments of what is in it: Object tells those.
	Objects(ctx context.Context, q Query) (Listing[Object], error)
	// UpdateObject replaces what is said about an object.
	UpdateObject(ctx context.Context, p ObjectPatch) error
	// CopyObject makes an object of the bytes of another, without moving them.
	CopyObject(ctx context.Context, c CopySpec) (Object, error)
	// DeleteObject removes an object, or brings back the version before it where
	// the container keeps versions; one that is not there is fault.NotFound.
	DeleteObject(ctx context.Context, d DeleteSpec) error
}

// Content is the part of the domain that moves bytes. It exists only in the
// process that has the driver.
type Content interface {
	// Upload stores an object and returns it as it then is. It fails with
	// ErrChecksum, ErrTooLarge, ErrPrecondition, fault.OverQuota, or as Body does.
	Upload(ctx context.Context, u UploadSpec) (Object, error)
	// Download returns an object and the way to its bytes.
	Download(ctx context.Context, d DownloadSpec) (Bytes, error)
	// Info says what a face tells clients of this store.
	Info() Info
}

// Info describes a store.
type Info struct {
	Policy    string // the name of its backend
	MaxObject int64  // bytes of an object that is not large
}

// A Patch changes metadata: a key with an empty value is removed, keys that are
// not named stay.
type Patch map[string]string

// An AccountPatch changes an account.
type AccountPatch struct {
	ProjectID string
	Metadata  Patch
}

// A ContainerPatch makes or changes a container. What is nil stays.
type ContainerPatch struct {
	ContainerID
	Metadata Patch
	ReadACL  *string
	WriteACL *string
	Versions *Versions
}

// An ObjectPatch replaces the properties of an object. An empty ContentType
// leaves the one it has.
type ObjectPatch struct {
	ObjectID
	Properties
}

// A CopySpec makes an object To of the bytes of From.
type CopySpec struct {
	From, To ObjectID
	Properties
	Fresh bool // drop what was said about From; else Properties are laid over it
	// KeepLarge makes the copy of a large object one with the same segments. Else
	// their bytes are joined in the copy.
	KeepLarge bool
}

// A DeleteSpec removes an object.
type DeleteSpec struct {
	ObjectID
	Segments bool // and the segments of a static large object
}

// A Query asks for a part of a listing, which is ordered by name. Its zero value
// is the first MaxListing items.
type Query struct {
	ContainerID        // Container is empty when an account is listed
	Prefix      Name   // names that begin with this
	Delimiter   string // names that have it after Prefix are rolled up to it
	Marker      Name   // names after this
	EndMarker   Name   // names before this
	Reverse     bool   // from the last name to the first
	ItemsOnly   bool   // leave out what was rolled up
	Limit       int    // 0 means MaxListing, which is also the most; negative means none
}

// A Listing is a part of what a Query found, in order.
type Listing[T any] struct {
	Entries []Entry[T]
}

// An Entry of a Listing is one thing, or a folder: names rolled up to what they
// begin with. Its Name is the Marker of what follows it.
type Entry[T any] struct {
	Name   Name
	Folder bool // Item is zero
	Item   T
}

// An UploadSpec stores an object.
type UploadSpec struct {
	ObjectID
	Properties
	Size      int64     // bytes Body gives; negative when unknown
	ETag      string    // MD5 that Body must have, in hexadecimal; empty for any
	Absent    bool      // only when there is no such object
	Segments  []Segment // of a static large object, in place of Body
	Signature *Signature
	Body      io.Reader
}

// A DownloadSpec asks for an object.
type DownloadSpec struct {
	ObjectID
	Signature *Signature
}

// Bytes is an object and the way to its bytes.
type Bytes struct {
	Object
	// Open reads a part of the bytes, as Range says. It fails with ErrReplaced
	// when they are no longer those of Object: ask for the object again. Who reads a
	// large object must be allowed to read its segments.
	Open func(ctx context.Context, r Range) (io.ReadCloser, error)
}

// A Signature is leave to do one thing to one object for a while, given by who
// knows a key of its account or container.
type Signature struct {
	Methods []string // any of which may have been signed
	Paths   []string // any of which may have been signed
	Expires int64    // seconds since 1970
	Sum     string   // HMAC with SHA-256 or SHA-512, in hexadecimal
}
