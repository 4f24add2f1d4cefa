package image

import (
	"context"
	"io"
	"time"

	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// Service is what other domains and the HTTP face call about descriptions. Every
// method checks the caller in its context: what it may not see is fault.NotFound,
// what it may see but not do is fault.Forbidden. Calls are idempotent by id.
type Service interface {
	Images
	Members
	Quotas
}

// Images are the calls about images.
type Images interface {
	// CreateImage makes a queued image. Above the project's quota it is fault.OverQuota.
	CreateImage(ctx context.Context, s CreateSpec) (Image, error)
	// Image returns one image.
	Image(ctx context.Context, id ID) (Image, error)
	// Images returns a page of the images that the caller may use.
	Images(ctx context.Context, q Query) (page.Of[Image], error)
	// UpdateImage changes what p names and returns the image.
	UpdateImage(ctx context.Context, p Patch) (Image, error)
	// DeleteImage deletes an image and its bytes, in any state. A protected one is fault.Forbidden.
	DeleteImage(ctx context.Context, id ID) error
	// SetActive locks or unlocks the bytes of an uploaded image; of another it is ErrState.
	SetActive(ctx context.Context, s ActiveSpec) error
	// Stores lists where bytes may be kept, the default first.
	Stores(ctx context.Context) ([]string, error)
}

// Members are the calls about who else may use a shared image.
type Members interface {
	// AddMember offers a shared image to a project. Offering twice is fault.Conflict.
	AddMember(ctx context.Context, m MemberID) (Member, error)
	// Member returns one offer, to who made it or got it.
	Member(ctx context.Context, m MemberID) (Member, error)
	// Members lists the offers of an image; who is not its owner sees its own alone.
	Members(ctx context.Context, id ID) ([]Member, error)
	// UpdateMember records what the other project says to the offer. Only it may.
	UpdateMember(ctx context.Context, m MemberSpec) (Member, error)
	// RemoveMember takes an offer back.
	RemoveMember(ctx context.Context, m MemberID) error
}

// Quotas are the calls about what a project may use.
type Quotas interface {
	// Quota returns the limits and the use of a project.
	Quota(ctx context.Context, project string) (Quota, error)
	// SetQuota changes limits; without any, it restores the defaults.
	SetQuota(ctx context.Context, p QuotaPatch) (Quota, error)
}

// A Source reads the bytes of images, wherever they are.
type Source interface {
	// Open reads a range of the bytes of an active image. An image without bytes is
	// ErrNoBytes, a deactivated one fault.Forbidden, a range outside fault.Invalid.
	Open(ctx context.Context, id ID, r Range) (io.ReadCloser, Image, error)
}

// Content is what a process that has a store, or can reach one, offers about bytes.
// Manager and imagerpc.Content implement it.
type Content interface {
	Source
	// Upload reads the bytes of a queued image from r and makes it active. Bytes
	// that are not what the image says are fault.Invalid, more than the quota
	// fault.OverQuota, an image that is not queued ErrState, a full store
	// fault.Exhausted. Whenever it fails nothing is kept and the image is queued again.
	Upload(ctx context.Context, id ID, r io.Reader) (Image, error)
}

// A CreateSpec says which image to create.
type CreateSpec struct {
	ID              ID // made when empty
	Name            string
	Visibility      Visibility // Shared when empty
	Protected       bool
	Hidden          bool
	DiskFormat      string
	ContainerFormat string
	MinDiskGiB      int
	MinMemoryMiB    int
	Store           string // the default when empty
	ProjectID       string // for administrators; the caller's when empty
	Properties      map[string]string
	Tags            []string
}

// A Query asks for images that the caller may use. Empty fields match everything,
// a list matches any of its items.
type Query struct {
	page.Query
	ProjectID        string
	IDs              []ID
	Names            []string
	Statuses         []Status
	DiskFormats      []string
	ContainerFormats []string
	Visibility       Visibility   // empty: all but others' community images
	MemberStatus     MemberStatus // of others' shared images; empty: Accepted
	Hidden           bool         // the hidden ones instead of the others
	Protected        *bool
	MinDiskGiB       *int
	MinMemoryMiB     *int
	MinBytes         int64
	MaxBytes         *int64
	MD5, SHA512      string
	Created          Moment
	Updated          Moment
	Tags             []string          // all of them
	Properties       map[string]string // all of them
}

// AnyVisibility in a Query also lists others' community images.
const AnyVisibility Visibility = "all"

// AnyStatus in a Query lists shared images whatever the caller's project said to the offer.
const AnyStatus MemberStatus = "all"

// A Moment compares a time, to the second. The zero Moment matches every time.
type Moment struct {
	Compare string // "eq", "neq", "lt", "lte", "gt" or "gte"
	Time    time.Time
}

// A Patch changes an image. Nil fields stay as they are.
type Patch struct {
	ID              ID
	Name            *string
	Visibility      *Visibility
	Protected       *bool
	Hidden          *bool
	DiskFormat      *string // while queued
	ContainerFormat *string // while queued
	Store           *string // while queued
	MinDiskGiB      *int
	MinMemoryMiB    *int
	ProjectID       *string            // for administrators
	Properties      map[string]*string // nil removes one; those not named stay
	Tags            []string           // replaces all of them
	AddTags         []string
	RemoveTags      []string
}

// An ActiveSpec says whether an image's bytes may be read.
type ActiveSpec struct {
	ID     ID
	Active bool
}

// A MemberSpec says how a project answers an offer.
type MemberSpec struct {
	MemberID
	Status MemberStatus
}

// A TicketSpec says what a ticket is for.
type TicketSpec struct {
	ID     ID
	Upload bool // else reading
}

// A Ticket opens the bytes of one image at a URL.
type Ticket struct {
	URL     string
	Token   string // goes into the header Authorization, as "Bearer …"
	Expires time.Time
	Image   Image
}

// Resources of a project's quota.
const (
	ResourceImages  = "image_count_total"
	ResourceSizeMiB = "image_size_total"
)

type (
	// A Quota is what a project may use and uses.
	Quota = quota.Quota
	// A QuotaPatch changes the limits of a project.
	QuotaPatch = quota.Patch
)
