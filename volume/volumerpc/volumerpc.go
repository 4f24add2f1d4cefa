// Package volumerpc lets one process use the volumes of another.
package volumerpc

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/volume"
)

const (
	createVolume   = bus.Method[volume.CreateSpec, volume.Volume]("volume.create")
	showVolume     = bus.Method[volume.ID, volume.Volume]("volume.show")
	listVolumes    = bus.Method[volume.Query, page.Of[volume.Volume]]("volume.list")
	updateVolume   = bus.Method[volume.Patch, volume.Volume]("volume.update")
	extendVolume   = bus.Method[volume.ExtendSpec, volume.Volume]("volume.extend")
	uploadVolume   = bus.Method[volume.UploadSpec, volume.Upload]("volume.upload")
	deleteVolume   = bus.Method[volume.ID, bus.None]("volume.delete")
	purgeVolume    = bus.Method[volume.ID, bus.None]("volume.purge")
	createSnapshot = bus.Method[volume.SnapshotSpec, volume.Snapshot]("volume.snapshot.create")
	showSnapshot   = bus.Method[volume.SnapshotID, volume.Snapshot]("volume.snapshot.show")
	listSnapshots  = bus.Method[volume.SnapshotQuery, page.Of[volume.Snapshot]]("volume.snapshot.list")
	updateSnapshot = bus.Method[volume.SnapshotPatch, volume.Snapshot]("volume.snapshot.update")
	deleteSnapshot = bus.Method[volume.SnapshotID, bus.None]("volume.snapshot.delete")
	attach         = bus.Method[volume.AttachSpec, volume.Attachment]("volume.attachment.create")
	connect        = bus.Method[volume.ConnectSpec, volume.Attachment]("volume.attachment.connect")
	confirm        = bus.Method[volume.ConfirmSpec, volume.Attachment]("volume.attachment.confirm")
	showAttachment = bus.Method[volume.AttachmentID, volume.Attachment]("volume.attachment.show")
	listAttachment = bus.Method[volume.AttachmentQuery, page.Of[volume.Attachment]]("volume.attachment.list")
	detach         = bus.Method[volume.AttachmentID, bus.None]("volume.attachment.delete")
	createType     = bus.Method[volume.Type, volume.Type]("volume.type.create")
	showType       = bus.Method[string, volume.Type]("volume.type.show")
	listTypes      = bus.Method[volume.TypeQuery, page.Of[volume.Type]]("volume.type.list")
	updateType     = bus.Method[volume.Type, volume.Type]("volume.type.update")
	deleteType     = bus.Method[volume.TypeID, bus.None]("volume.type.delete")
	showQuota      = bus.Method[string, volume.Quota]("volume.quota.show")
	setQuota       = bus.Method[volume.QuotaPatch, volume.Quota]("volume.quota.set")
	listBackends   = bus.Method[bus.None, []volume.Use]("volume.backend.list")
)

// Serve offers s to the other processes on b.
func Serve(b *bus.Bus, s volume.Service) {
	createVolume.Serve(b, s.CreateVolume)
	showVolume.Serve(b, s.Volume)
	listVolumes.Serve(b, s.Volumes)
	updateVolume.Serve(b, s.UpdateVolume)
	extendVolume.Serve(b, s.ExtendVolume)
	uploadVolume.Serve(b, s.UploadVolume)
	deleteVolume.Serve(b, bus.NoResult(s.DeleteVolume))
	purgeVolume.Serve(b, bus.NoResult(s.PurgeVolume))
	createSnapshot.Serve(b, s.CreateSnapshot)
	showSnapshot.Serve(b, s.Snapshot)
	listSnapshots.Serve(b, s.Snapshots)
	updateSnapshot.Serve(b, s.UpdateSnapshot)
	deleteSnapshot.Serve(b, bus.NoResult(s.DeleteSnapshot))
	attach.Serve(b, s.Attach)
	connect.Serve(b, s.Connect)
	confirm.Serve(b, s.Confirm)
	showAttachment.Serve(b, s.Attachment)
	listAttachment.Serve(b, s.Attachments)
	detach.Serve(b, bus.NoResult(s.Detach))
	createType.Serve(b, s.CreateType)
	showType.Serve(b, s.Type)
	listTypes.Serve(b, s.Types)
	updateType.Serve(b, s.UpdateType)
	deleteType.Serve(b, bus.NoResult(s.DeleteType))
	showQuota.Serve(b, s.Quota)
	setQuota.Serve(b, s.SetQuota)
	listBackends.Serve(b, func(ctx context.Context, _ bus.None) ([]volume.Use, error) { return s.Backends(ctx) })
}

// Client is the volume.Service of another process.
type Client struct{ Bus *bus.Bus }

// CreateVolume implements volume.Service.
func (c Client) CreateVolume(ctx context.Context, s volume.CreateSpec) (volume.Volume, error) {
	return createVolume.Call(ctx, c.Bus, s)
}

// Volume implements volume.Service.
func (c Client) Volume(ctx context.Context, id volume.ID) (volume.Volume, error) {
	return showVolume.Call(ctx, c.Bus, id)
}

// Volumes implements volume.Service.
func (c Client) Volumes(ctx context.Context, q volume.Query) (page.Of[volume.Volume], error) {
	return listVolumes.Call(ctx, c.Bus, q)
}

// UpdateVolume implements volume.Service.
func (c Client) UpdateVolume(ctx context.Context, p volume.Patch) (volume.Volume, error) {
	return updateVolume.Call(ctx, c.Bus, p)
}

// ExtendVolume implements volume.Service.
func (c Client) ExtendVolume(ctx context.Context, e volume.ExtendSpec) (volume.Volume, error) {
	return extendVolume.Call(ctx, c.Bus, e)
}

// UploadVolume implements volume.Service.
func (c Client) UploadVolume(ctx context.Context, s volume.UploadSpec) (volume.Upload, error) {
	return uploadVolume.Call(ctx, c.Bus, s)
}

// DeleteVolume implements volume.Service.
func (c Client) DeleteVolume(ctx context.Context, id volume.ID) error {
	_, err := deleteVolume.Call(ctx, c.Bus, id)
	return err
}

// PurgeVolume implements volume.Service.
func (c Client) PurgeVolume(ctx context.Context, id volume.ID) error {
	_, err := purgeVolume.Call(ctx, c.Bus, id)
	return err
}

// CreateSnapshot implements volume.Service.
func (c Client) CreateSnapshot(ctx context.Context, s volume.SnapshotSpec) (volume.Snapshot, error) {
	return createSnapshot.Call(ctx, c.Bus, s)
}

// Snapshot implements volume.Service.
func (c Client) Snapshot(ctx context.Context, id volume.SnapshotID) (volume.Snapshot, error) {
	return showSnapshot.Call(ctx, c.Bus, id)
}

// Snapshots implements volume.Service.
func (c Client) Snapshots(ctx context.Context, q volume.SnapshotQuery) (page.Of[volume.Snapshot], error) {
	return listSnapshots.Call(ctx, c.Bus, q)
}

// UpdateSnapshot implements volume.Service.
func (c Client) UpdateSnapshot(ctx context.Context, p volume.SnapshotPatch) (volume.Snapshot, error) {
	return updateSnapshot.Call(ctx, c.Bus, p)
}

// DeleteSnapshot implements volume.Service.
func (c Client) DeleteSnapshot(ctx context.Context, id volume.SnapshotID) error {
	_, err := deleteSnapshot.Call(ctx, c.Bus, id)
	return err
}

// Attach implements volume.Service.
func (c Client) Attach(ctx context.Context, s volume.AttachSpec) (volume.Attachment, error) {
	return attach.Call(ctx, c.Bus, s)
}

// Connect implements volume.Service.
func (c Client) Connect(ctx context.Context, s volume.ConnectSpec) (volume.Attachment, error) {
	return connect.Call(ctx, c.Bus, s)
}

// Confirm implements volume.Service.
func (c Client) Confirm(ctx context.Context, s volume.ConfirmSpec) (volume.Attachment, error) {
	return confirm.Call(ctx, c.Bus, s)
}

// Attachment implements volume.Service.
func (c Client) Attachment(ctx context.Context, id volume.AttachmentID) (volume.Attachment, error) {
	return showAttachment.Call(ctx, c.Bus, id)
}

// Attachments implements volume.Service.
func (c Client) Attachments(ctx context.Context, q volume.AttachmentQuery) (page.Of[volume.Attachment], error) {
	return listAttachment.Call(ctx, c.Bus, q)
}

// Detach implements volume.Service.
func (c Client) Detach(ctx context.Context, id volume.AttachmentID) error {
	_, err := detach.Call(ctx, c.Bus, id)
	return err
}

// CreateType implements volume.Service.
func (c Client) CreateType(ctx context.Context, t volume.Type) (volume.Type, error) {
	return createType.Call(ctx, c.Bus, t)
}

// Type implements volume.Service.
func (c Client) Type(ctx context.Context, idOrName string) (volume.Type, error) {
	return showType.Call(ctx, c.Bus, idOrName)
}

// Types implements volume.Service.
func (c Client) Types(ctx context.Context, q volume.TypeQuery) (page.Of[volume.Type], error) {
	return listTypes.Call(ctx, c.Bus, q)
}

// UpdateType implements volume.Service.
func (c Client) UpdateType(ctx context.Context, t volume.Type) (volume.Type, error) {
	return updateType.Call(ctx, c.Bus, t)
}

// DeleteType implements volume.Service.
func (c Client) DeleteType(ctx context.Context, id volume.TypeID) error {
	_, err := deleteType.Call(ctx, c.Bus, id)
	return err
}

// Quota implements volume.Service.
func (c Client) Quota(ctx context.Context, project string) (volume.Quota, error) {
	return showQuota.Call(ctx, c.Bus, project)
}

// SetQuota implements volume.Service.
func (c Client) SetQuota(ctx context.Context, p volume.QuotaPatch) (volume.Quota, error) {
	return setQuota.Call(ctx, c.Bus, p)
}

// Backends implements volume.Service.
func (c Client) Backends(ctx context.Context) ([]volume.Use, error) {
	return listBackends.Call(ctx, c.Bus, bus.None{})
}

var _ volume.Service = Client{}
