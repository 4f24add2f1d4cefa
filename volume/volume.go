// Package volume gives servers block storage.
//
// A volume is a disk that outlives the servers it is attached to. It has a type,
// the type names a backend, and the backend's Driver keeps the bytes. The HTTP
// face and other domains call Service; the process that owns the tables provides
// it as a Manager, every other one as a volumerpc.Client. Storage is added by
// writing a Driver and listing it with AddBackend.
//
// Creating, growing and deleting are flows: once a call has returned, the change
// happens, whatever crashes. OpenStack calls this service Cinder.
package volume

import (
	"slices"
	"time"

	"github.com/uptrace/bun"
)

// ID names a volume. A caller that creates one may choose it, and may then
// create it again without harm.
type ID string

// A Volume is a disk.
type Volume struct {
	bun.BaseModel `bun:"table:volumes"`

	ID               ID `bun:",pk"`
	ProjectID        string
	UserID           string
	Name             string
	Description      string
	SizeGiB          int
	Status           Status
	Message          string // why Status is Failed
	TypeID           TypeID
	Backend          string // the backend that keeps the bytes
	AvailabilityZone string
	Bootable         bool
	SnapshotID       SnapshotID        // what it was made from, if anything
	SourceID         ID                //
	ImageID          string            //
	ImageMetadata    map[string]string `bun:"type:text"` // of the image it was made from
	Metadata         map[string]string `bun:"type:text"`
	CreatedAt        time.Time
	UpdatedAt        time.Time

	Attachments []Attachment `bun:"-"` // oldest first
}

// Owner returns the project that v belongs to.
func (v Volume) Owner() string { return v.ProjectID }

// Status says what a volume or snapshot is good for. Whether a volume is in use
// is not stored: its attachments say so.
type Status string

// What a volume or snapshot is good for.
const (
	Creating  Status = "creating"
	Available Status = "available"
	Extending Status = "extending"
	Uploading Status = "uploading" // to an image
	Deleting  Status = "deleting"
	Failed    Status = "error" // only good for deletion; Message says why
)

// A Snapshot is the content of a volume at one moment.
type Snapshot struct {
	bun.BaseModel `bun:"table:volume_snapshots"`

	ID          SnapshotID `bun:",pk"`
	VolumeID    ID
	ProjectID   string
	UserID      string
	Name        string
	Description string
	SizeGiB     int // of the volume when it was taken
	Status      Status
	Message     string
	Backend     string
	Metadata    map[string]string `bun:"type:text"`
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// SnapshotID names a snapshot.
type SnapshotID string

// Owner returns the project that s belongs to.
func (s Snapshot) Owner() string { return s.ProjectID }

// An Attachment gives a server the use of a volume.
type Attachment struct {
	bun.BaseModel `bun:"table:volume_attachments"`

	ID         AttachmentID `bun:",pk"`
	VolumeID   ID
	ProjectID  string
	ServerID   string
	Host       string     // where the server runs; empty until it is connected
	Device     string     // "/dev/vdb"; empty until the guest has the disk
	Connection Connection `bun:"type:text"` // zero until it is connected
	CreatedAt  time.Time
	AttachedAt time.Time `bun:",nullzero"` // zero until the guest has the disk
}

// AttachmentID names an attachment.
type AttachmentID string

// Owner returns the project that a belongs to.
func (a Attachment) Owner() string { return a.ProjectID }

// Attached reports whether the guest has the disk.
func (a Attachment) Attached() bool { return !a.AttachedAt.IsZero() }

// A Connection says how a host opens a volume.
type Connection struct {
	Kind   string `json:"kind,omitempty"`   // "file": Path is a file that the host can open
	Path   string `json:"path,omitempty"`   //
	Format string `json:"format,omitempty"` // "raw" or "qcow2"
}

// A Type is a kind of storage that users choose from. One that is not public is
// for Projects alone, and for administrators.
type Type struct {
	bun.BaseModel `bun:"table:volume_types"`

	ID          TypeID `bun:",pk"`
	Name        string // unique
	Description string
	Public      bool
	Backend     string            // where its volumes are kept; empty means the default
	Specs       map[string]string `bun:"type:text"` // what the operator says about it
	Projects    []string          `bun:"type:text"` // that may use it besides
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// TypeID names a type.
type TypeID string

// For reports whether the members of a project may use t.
func (t Type) For(project string) bool { return t.Public || slices.Contains(t.Projects, project) }

// DefaultType is the name of the type a volume has when none was asked for.
const DefaultType = "standard"
