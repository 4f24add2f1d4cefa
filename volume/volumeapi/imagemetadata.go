package volumeapi

import (
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
	v, err := a.volumes.UpdateVolume(r.Context(), volume.Patch{ID: volume.ID(r.Param("id")), ImageMetadata: changes(in.Metadata)})
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
	if _, ok := v.ImageMetadata[in.Key]; !ok {
		return rest.Response{}, fault.NotFound.Errorf("volume %s has no image metadata item %.64q", v.ID, in.Key)
	}
	_, err = a.volumes.UpdateVolume(r.Context(), volume.Patch{ID: v.ID, ImageMetadata: map[string]*string{in.Key: nil}})
	return rest.Empty(), err
}
