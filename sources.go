package nacre

import (
	"context"
	"errors"
	"io"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/volume"
)

// imageSources let hosts and volumes read images, wherever the bytes are, and
// volumes become images.
var imageSources = fx.Provide(
	func(s image.Source) compute.ImageSource { return hostImages{s} },
	func(s image.Source, i image.Service) volume.ImageSource { return volumeImages{s, i} },
	func(c image.Content, i image.Service) volume.ImageSink { return volumeUploads{c, i} },
)

// hostImages is how a host fetches the image of a server.
type hostImages struct{ source image.Source }

func (h hostImages) Open(ctx context.Context, id string) (io.ReadCloser, compute.ImageInfo, error) {
	// The server's owner was allowed to use the image when the server was made.
	ctx = identity.With(ctx, identity.System("compute.image"))
	r, i, err := h.source.Open(ctx, image.ID(id), image.Range{})
	return r, compute.ImageInfo{Size: i.SizeBytes, DiskFormat: i.DiskFormat, SHA512: i.SHA512}, err
}

// volumeImages is how a volume is filled with an image.
type volumeImages struct {
	source image.Source
	images image.Service
}

func (v volumeImages) Image(ctx context.Context, id string) (volume.Image, error) {
	i, err := v.images.Image(ctx, image.ID(id))
	if err == nil && i.Status != image.Active {
		err = fault.Invalid.Errorf("image %s is %s and not active", id, i.Status)
	}
	if err != nil {
		return volume.Image{}, err
	}
	meta := map[string]string{
		"image_id": string(i.ID), "image_name": i.Name, "disk_format": i.DiskFormat, "container_format": i.ContainerFormat, "checksum": i.MD5,
	}
	for k, text := range i.Properties {
		meta[k] = text
	}
	return volume.Image{
		ID: string(i.ID), Name: i.Name, DiskFormat: i.DiskFormat, SizeBytes: i.SizeBytes,
		MinDiskGiB: max(i.MinDiskGiB, int((i.VirtualBytes+1<<30-1)>>30)), Metadata: meta,
	}, nil
}

func (v volumeImages) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	r, _, err := v.source.Open(ctx, image.ID(id), image.Range{})
	return r, err
}

// volumeUploads is how an image is made of a volume.
type volumeUploads struct {
	content image.Content
	images  image.Service
}

func (v volumeUploads) CreateImage(ctx context.Context, s volume.ImageSpec) error {
	_, err := v.images.CreateImage(ctx, image.CreateSpec{
		ID: image.ID(s.ID), Name: s.Name, DiskFormat: s.DiskFormat, ContainerFormat: s.Container,
		Visibility: image.Visibility(s.Visibility), Protected: s.Protected, MinDiskGiB: s.MinDiskGiB, Properties: s.Properties,
	})
	return err
}

func (v volumeUploads) UploadImage(ctx context.Context, id string, r io.Reader) error {
	i, err := v.images.Image(ctx, image.ID(id))
	switch {
	case err != nil || i.Status == image.Active:
		return err
	case i.Status != image.Queued: // a process that is gone may still hold it
		return fault.Unavailable.Errorf("image %s is %s", id, i.Status)
	}
	_, err = v.content.Upload(ctx, i.ID, r)
	return err
}

func (v volumeUploads) DeleteImage(ctx context.Context, id string) error {
	no := false
	if _, err := v.images.UpdateImage(ctx, image.Patch{ID: image.ID(id), Protected: &no}); err != nil && !errors.Is(err, fault.NotFound) {
		return err
	}
	err := v.images.DeleteImage(ctx, image.ID(id))
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
