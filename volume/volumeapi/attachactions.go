package volumeapi

import (
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

// The older way to attach, by actions on the volume, names no attachment: the
// volume has at most one.

func (a *api) reserve(r *rest.Request) (rest.Response, error) {
	_, err := a.volumes.Attach(r.Context(), volume.AttachSpec{VolumeID: volume.ID(r.Param("id"))})
	return rest.Empty(), err
}

// attachByAction records that a server has the volume. That is the word of who
// calls: no host opens the volume for it.
func (a *api) attachByAction(r *rest.Request, in struct {
	ServerID   string  `json:"instance_uuid" required:"true"`
	Mountpoint string  `json:"mountpoint" required:"true" min:"1" max:"255"`
	Mode       *string `json:"mode" enum:"rw,ro"`
},
) (rest.Response, error) {
	v, err := a.volumes.Volume(r.Context(), volume.ID(r.Param("id")))
	if err != nil {
		return rest.Response{}, err
	}
	if err := identity.Allow(r.Context(), "volume:attach", v); err != nil {
		return rest.Response{}, err
	}
	if len(v.Attachments) == 1 && v.Attachments[0].ServerID == "" { // it was reserved for this
		if err := a.volumes.Detach(r.Context(), v.Attachments[0].ID); err != nil {
			return rest.Response{}, err
		}
	}
	at, err := a.volumes.Attach(r.Context(), volume.AttachSpec{VolumeID: v.ID, ServerID: in.ServerID})
	if err != nil {
		return rest.Response{}, err
	}
	_, err = a.volumes.Confirm(identity.AsService(r.Context(), "volume"), volume.ConfirmSpec{ID: at.ID, Device: in.Mountpoint})
	return rest.Empty(), err
}

func (a *api) detachByAction(r *rest.Request) (rest.Response, error) {
	v, err := a.volumes.Volume(r.Context(), volume.ID(r.Param("id")))
	if err != nil {
		return rest.Response{}, err
	}
	for _, at := range v.Attachments {
		if err := a.volumes.Detach(r.Context(), at.ID); err != nil {
			return rest.Response{}, err
		}
	}
	return rest.Empty(), nil
}

// forceDetach frees a volume in any state, for administrators.
func (a *api) forceDetach(r *rest.Request) (rest.Response, error) {
	available := volume.Available
	if _, err := a.patch(r, volume.Patch{Status: &available}); err != nil {
		return rest.Response{}, err
	}
	return a.detachByAction(r)
}
