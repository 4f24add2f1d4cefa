package volumeapi

import (
	"maps"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

func (a *api) imageMetadata(r *rest.Request) (rest.Response, error) {
	v, err := a.volumes.Volume(r.Context(), volume.ID(r.Param("id")))
	return rest.ReplyUnder("metadata", v.ImageMetadata), err
}

func (a *api) setImageMetadata(r *rest.Request, in struct {
	Metadata map[string]string `json:"metadata" required:"true"`
},
) (rest.Response, error) {
	v, err := a.volumes.Volume(r.Context(), volume.ID(r.Param("id")))
	if err != nil {
		return rest.Response{}, err
	}
	items := map[string]string{}
	maps.Copy(items, v.ImageMetadata)
	maps.Copy(items, in.Metadata)
	v, err = a.volumes.UpdateVolume(r.Context(), volume.Patch{ID: v.ID, ImageMetadata: items})
	return rest.ReplyUnder("metadata", v.ImageMetadata), err
}

func (a *api) unsetImageMetadata(r *rest.Request, in struct {
	Key string `json:"key" required:"true"`
},
) (rest.Response, error) {
	v, err := a.volumes.Volume(r.Context(), volume.ID(r.Param("id")))
	if err != nil {
		return rest.Response{}, err
	}
	items := maps.Clone(v.ImageMetadata)
	if _, ok := items[in.Key]; !ok {
		return rest.Response{}, fault.NotFound.Errorf("volume %s has no image metadata item %.64q", v.ID, in.Key)
	}
	delete(items, in.Key)
	_, err = a.volumes.UpdateVolume(r.Context(), volume.Patch{ID: v.ID, ImageMetadata: items})
	return rest.Empty(), err
}
