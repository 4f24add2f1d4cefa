package volume

import (
	"context"
	"errors"
	"io"
	"maps"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
)

func (m *Manager) uploadFlow() *flow.Flow[Upload] {
	return flow.New[Upload]("volume.upload").
		Step("begin", func(context.Context, *Upload) error { return nil }, m.giveBack).
		Step("send", m.send, nil).Within(uploadLimit).
		Record("finish", uploaded, nil)
}

// uploadLimit is how long the bytes of one volume may take.
const uploadLimit = 12 * time.Hour

// UploadVolume implements Service.
func (m *Manager) UploadVolume(ctx context.Context, s UploadSpec) (Upload, error) {
	v, err := m.allowed(ctx, s.VolumeID, "volume:upload")
	if err != nil {
		return Upload{}, err
	}
	if m.sink == nil {
		return Upload{}, fault.Unsupported.Errorf("this cloud makes no images from volumes")
	}
	if _, err := power[Exporter](m, v.Backend, "make images from volumes"); err != nil {
		return Upload{}, err
	}
	image, err := imageOf(v, s)
	if err != nil {
		return Upload{}, err
	}
	if v.State() != string(Available) {
		return Upload{}, notNow(v)
	}
	// Whoever hears of the image looks for it at once, so that it is made before the flow.
	if err := m.sink.CreateImage(ctx, image); err != nil {
		return Upload{}, fault.Internal.Wrap(err, "create image %s", image.ID)
	}
	u := Upload{Image: image}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if u.Volume, err = lockVolume(ctx, tx, v.ID); err != nil {
			return err
		}
		if u.Volume.State() != string(Available) {
			return notNow(u.Volume)
		}
		u.Volume.Status = Uploading
		if _, err := flow.Start(ctx, tx, m.upload, subject(v.ID), u); err != nil {
			return err
		}
		return setVolumeStatus(ctx, tx, v.ID, Uploading, "")
	})
	if err != nil {
		return Upload{}, errors.Join(err, m.deleteImage(ctx, &u))
	}
	return u, nil
}

func notNow(v Volume) error {
	return ErrState.Errorf("volume %s is %s: only an available volume can be uploaded", v.ID, v.State())
}

// imageOf plans the image that s asks for.
func imageOf(v Volume, s UploadSpec) (ImageSpec, error) {
	i := ImageSpec{
		ID: s.ImageID, Name: s.Name, DiskFormat: s.DiskFormat, Container: s.Container,
		Visibility: s.Visibility, Protected: s.Protected, MinDiskGiB: v.SizeGiB, Properties: maps.Clone(v.ImageMetadata),
	}
	if i.ID == "" {
		i.ID = db.NewID()
	}
	if i.DiskFormat == "" {
		i.DiskFormat = "raw"
	}
	if i.Container == "" {
		i.Container = "bare"
	}
	if i.DiskFormat != "raw" || i.Container != "bare" {
		return i, fault.Invalid.Errorf("an image of a volume is raw and bare, not %s and %s", i.DiskFormat, i.Container)
	}
	for _, own := range []string{"image_id", "image_name", "disk_format", "container_format", "checksum", "min_disk", "min_ram", "size"} {
		delete(i.Properties, own) // these the new image says itself
	}
	return i, checkTexts(i.Name, "", nil)
}

func (m *Manager) deleteImage(ctx context.Context, u *Upload) error {
	return fault.Internal.Wrap(m.sink.DeleteImage(ctx, u.Image.ID), "delete image %s", u.Image.ID)
}

func (m *Manager) send(ctx context.Context, u *Upload) error {
	d, err := power[Exporter](m, u.Volume.Backend, "make images from volumes")
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	written := make(chan struct{})
	go func() {
		defer close(written)
		_ = w.CloseWithError(d.Export(ctx, u.Volume, w)) // whoever reads gets the error
	}()
	err = m.sink.UploadImage(ctx, u.Image.ID, r)
	_ = r.Close() // ends an export that nobody reads to its end
	<-written
	return fault.Internal.Wrap(err, "upload volume %s as image %s", u.Volume.ID, u.Image.ID)
}

func uploaded(ctx context.Context, tx *db.Tx, u *Upload) error {
	return setVolumeStatus(ctx, tx, u.Volume.ID, Available, "")
}

// giveBack removes the image, and makes the volume available: reading it did no harm.
func (m *Manager) giveBack(ctx context.Context, u *Upload) error {
	if err := m.deleteImage(ctx, u); err != nil {
		return err
	}
	cause := flow.Cause(ctx)
	if errors.Is(cause, flow.ErrCancelled) { // the volume is about to be deleted
		return nil
	}
	m.log.WarnContext(ctx, "volume was not uploaded", "volume", u.Volume.ID, "image", u.Image.ID, "error", cause)
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return uploaded(ctx, tx, u) })
}
