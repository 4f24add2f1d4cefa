package nacre

import (
	"context"
	"io"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/volume"
)

// imageSources let hosts and volumes read images, wherever the bytes are.
var imageSources = fx.Provide(
	func(s image.Source) compute.ImageSource { return hostImages{s} },
	func(s image.Source, i image.Service) volume.ImageSource { return volumeImages{s, i} },
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
	meta := map[string]string{
		"image_id": string(i.ID), "image_name": i.Name, "disk_format": i.DiskFormat, "container_format": i.ContainerFormat, "checksum": i.MD5,
	}
	for k, text := range i.Properties {
		meta[k] = text
	}
	return volume.Image{
		ID: string(i.ID), Name: i.Name, DiskFormat: i.DiskFormat, SizeBytes: i.SizeBytes,
		MinDiskGiB: max(i.MinDiskGiB, int((i.VirtualBytes+1<<30-1)>>30)), Metadata: meta,
	}, err
}

func (v volumeImages) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	r, _, err := v.source.Open(ctx, image.ID(id), image.Range{})
	return r, err
}
