package volume

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// Service is what other domains and the HTTP face call. Every method checks the
// caller in its context: what belongs to another project is fault.NotFound, what
// the caller may see but not do is fault.Forbidden. Calls are idempotent by id.
type Service interface {
	Volumes
	Snapshots
	Attachments
	Types
	Quotas
	// Backends returns what each backend keeps, by name.
	Backends(ctx context.Context) ([]Use, error)
}

// Volumes are the calls about volumes.
type Volumes interface {
	// CreateVolume records a volume and returns it as Creating; a flow makes it
	// Available or Failed. Above the project's quota it is fault.OverQuota.
	CreateVolume(ctx context.Context, s CreateSpec) (Volume, error)
	// Volume returns one volume with its attachments.
	Volume(ctx context.Context, id ID) (Volume, error)
	// Volumes returns a page of volumes with their attachments.
	Volumes(ctx context.Context, q Query) (page.Of[Volume], error)
	// UpdateVolume changes what p names and returns the volume.
	UpdateVolume(ctx context.Context, p Patch) (Volume, error)
	// ExtendVolume grows an available volume. A backend that cannot is fault.Unsupported.
	ExtendVolume(ctx context.Context, e ExtendSpec) (Volume, error)
	// UploadVolume makes an image of an available volume, which is Uploading
	// meanwhile. A backend that cannot be read is fault.Unsupported.
	UploadVolume(ctx context.Context, s UploadSpec) (Upload, error)
	// DeleteVolume deletes a volume in any state; a creation under way turns
	// around. Attachments or snapshots are fault.Conflict.
	DeleteVolume(ctx context.Context, id ID) error
	// PurgeVolume deletes a volume with its snapshots.
	PurgeVolume(ctx context.Context, id ID) error
}

// Snapshots are the calls about snapshots.
type Snapshots interface {
	// CreateSnapshot records a snapshot and returns it as Creating. A backend that
	// cannot take one is fault.Unsupported.
	CreateSnapshot(ctx context.Context, s SnapshotSpec) (Snapshot, error)
	Snapshot(ctx context.Context, id SnapshotID) (Snapshot, error)
	Snapshots(ctx context.Context, q SnapshotQuery) (page.Of[Snapshot], error)
	UpdateSnapshot(ctx context.Context, p SnapshotPatch) (Snapshot, error)
	DeleteSnapshot(ctx context.Context, id SnapshotID) error
}

// Attachments are the calls about who uses a volume.
type Attachments interface {
	// Attach reserves an available volume for a server. A volume that has another
	// attachment is fault.Conflict.
	Attach(ctx context.Context, s AttachSpec) (Attachment, error)
	// Connect makes the volume reachable from a host and says how to open it.
	Connect(ctx context.Context, s ConnectSpec) (Attachment, error)
	// Confirm records that the guest has the disk.
	Confirm(ctx context.Context, s ConfirmSpec) (Attachment, error)
	// Attachment returns one attachment.
	Attachment(ctx context.Context, id AttachmentID) (Attachment, error)
	// Attachments returns a page of attachments.
	Attachments(ctx context.Context, q AttachmentQuery) (page.Of[Attachment], error)
	// Detach frees the volume. One that is free already is freed again. One that a
	// host has open is freed by services alone; for users it is fault.Conflict.
	Detach(ctx context.Context, id AttachmentID) error
}

// Types are the calls about volume types.
type Types interface {
	// CreateType makes a type. A name that is taken is fault.Conflict.
	CreateType(ctx context.Context, t Type) (Type, error)
	// Type returns a type by its id or its name.
	Type(ctx context.Context, idOrName string) (Type, error)
	Types(ctx context.Context, q TypeQuery) (page.Of[Type], error)
	UpdateType(ctx context.Context, t Type) (Type, error)
	// DeleteType deletes a type. One that a volume has is fault.Conflict.
	DeleteType(ctx context.Context, id TypeID) error
}

// Quotas are the calls about what a project may use.
type Quotas interface {
	// Quota returns the limits and the use of a project.
	Quota(ctx context.Context, project string) (Quota, error)
	// SetQuota changes limits; without any, it restores the defaults.
	SetQuota(ctx context.Context, p QuotaPatch) (Quota, error)
}

// A CreateSpec says which volume to create. At most one of SnapshotID, SourceID
// and ImageID is set.
type CreateSpec struct {
	ID               ID // made when empty
	Name             string
	Description      string
	SizeGiB          int    // 0: as large as what it is made from
	Type             string // id or name; empty means the default
	AvailabilityZone string
	SnapshotID       SnapshotID
	SourceID         ID
	ImageID          string
	Metadata         map[string]string
}

// A Query asks for volumes of the caller's project, or of ProjectID or all for
// an administrator. Empty fields match everything.
type Query struct {
	page.Query
	ProjectID   string
	AllProjects bool
	Name        string
	Status      Status // as Volume.State tells it
	Zone        string // availability zone
	Bootable    *bool
	Metadata    map[string]string // all of them
	IDs         []ID
}

// A Patch changes a volume. Nil fields stay as they are.
type Patch struct {
	ID          ID
	Name        *string
	Description *string
	Bootable    *bool

	Metadata      map[string]string  // replaces all of it
	MetadataItems map[string]*string // nil removes one; those not named stay
	ImageMetadata map[string]*string // likewise
	Type          *string            // id or name; on another backend it is fault.Unsupported
	Status        *Status            // for administrators, after a repair by hand
}

// An UploadSpec says which image to make of a volume.
type UploadSpec struct {
	VolumeID   ID
	ImageID    string // made when empty
	Name       string
	DiskFormat string // "raw", which is also meant when empty
	Container  string // "bare" when empty
	Visibility string // as the image service knows it; empty means its default
	Protected  bool
}

// An Upload is an image that is being made of a volume.
type Upload struct {
	Volume Volume
	Image  ImageSpec
}

// An ExtendSpec says how large a volume shall be.
type ExtendSpec struct {
	ID      ID
	SizeGiB int
}

// A SnapshotSpec says what to take a snapshot of.
type SnapshotSpec struct {
	ID          SnapshotID // made when empty
	VolumeID    ID
	Name        string
	Description string
	Force       bool // also while the volume is attached
	Metadata    map[string]string
}

// A SnapshotQuery asks for snapshots, as Query does for volumes.
type SnapshotQuery struct {
	page.Query
	ProjectID   string
	AllProjects bool
	Name        string
	Status      Status
	VolumeID    ID
}

// A SnapshotPatch changes a snapshot. Nil fields stay as they are.
type SnapshotPatch struct {
	ID            SnapshotID
	Name          *string
	Description   *string
	Metadata      map[string]string  // replaces all of it
	MetadataItems map[string]*string // nil removes one; those not named stay
	Status        *Status            // for administrators, after a repair by hand
}

// An AttachSpec says which server wants which volume.
type AttachSpec struct {
	ID       AttachmentID // made when empty
	VolumeID ID
	ServerID string
}

// A ConnectSpec says from where an attachment is used.
type ConnectSpec struct {
	ID   AttachmentID
	Host string
}

// A ConfirmSpec says as what the guest sees the disk.
type ConfirmSpec struct {
	ID     AttachmentID
	Device string // "/dev/vdb"
}

// An AttachmentQuery asks for attachments, as Query does for volumes.
type AttachmentQuery struct {
	page.Query
	ProjectID   string
	AllProjects bool
	VolumeID    ID
	ServerID    string
}

// A TypeQuery asks for types.
type TypeQuery struct {
	page.Query
	Name   string
	Public *bool
}

// Resources of a project's quota.
const (
	ResourceVolumes   = "volumes"
	ResourceGigabytes = "gigabytes" // of volumes and snapshots together
	ResourceSnapshots = "snapshots"
	ResourceSize      = "per_volume_gigabytes" // of one volume
)

type (
	// A Quota is what a project may use and uses.
	Quota = quota.Quota
	// A QuotaPatch changes the limits of a project.
	QuotaPatch = quota.Patch
)

// A Use is what a backend keeps.
type Use struct {
	Backend     string
	Volumes     int64
	VolumeGiB   int64
	Snapshots   int64
	SnapshotGiB int64
}
