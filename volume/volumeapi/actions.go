package volumeapi

import (
	"net/http"
	"time"

	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

func (a *api) actionRoutes() []rest.Route {
	return []rest.Route{
		rest.Actions(root+"/volumes/{id}/action",
			rest.Action("os-extend", rest.JSON(a.extend)),
			rest.Action("os-retype", rest.JSON(a.retype)),
			rest.Action("os-set_bootable", rest.JSON(a.setBootable)).Status(http.StatusOK),
			rest.Action("os-update_readonly_flag", rest.JSON(a.setReadOnly)),
			rest.Action("os-reset_status", rest.JSON(a.resetVolume)),
			rest.Action("os-volume_upload_image", rest.JSON(a.upload)),
			rest.Action("os-reserve", a.reserve),
			rest.Action("os-unreserve", a.detachByAction),
			rest.Action("os-attach", rest.JSON(a.attachByAction)),
			rest.Action("os-detach", a.detachByAction),
			rest.Action("os-force_detach", a.forceDetach),
			rest.Action("os-force_delete", a.deleteVolume),
			rest.Action("os-show_image_metadata", a.imageMetadata).Status(http.StatusOK),
			rest.Action("os-set_image_metadata", rest.JSON(a.setImageMetadata)).Status(http.StatusOK),
			rest.Action("os-unset_image_metadata", rest.JSON(a.unsetImageMetadata)).Status(http.StatusOK),
		).Status(http.StatusAccepted),
	}
}

func (a *api) extend(r *rest.Request, in struct {
	Size int `json:"new_size" required:"true" loose:"true"`
},
) (rest.Response, error) {
	_, err := a.volumes.ExtendVolume(r.Context(), volume.ExtendSpec{ID: volume.ID(r.Param("id")), SizeGiB: in.Size})
	return rest.Empty(), err
}

// patch changes the volume of an action.
func (a *api) patch(r *rest.Request, p volume.Patch) (rest.Response, error) {
	p.ID = volume.ID(r.Param("id"))
	_, err := a.volumes.UpdateVolume(r.Context(), p)
	return rest.Empty(), err
}

func (a *api) retype(r *rest.Request, in struct {
	Type   string `json:"new_type" required:"true" min:"1"`
	Policy string `json:"migration_policy" enum:"never,on-demand"`
},
) (rest.Response, error) {
	return a.patch(r, volume.Patch{Type: &in.Type})
}

func (a *api) setBootable(r *rest.Request, in struct {
	Bootable bool `json:"bootable" required:"true" loose:"true"`
},
) (rest.Response, error) {
	return a.patch(r, volume.Patch{Bootable: &in.Bootable})
}

func (a *api) setReadOnly(r *rest.Request, in struct {
	ReadOnly bool `json:"readonly" required:"true" loose:"true"`
},
) (rest.Response, error) {
	text := map[bool]string{false: "False", true: "True"}[in.ReadOnly]
	return a.patch(r, volume.Patch{MetadataItems: map[string]*string{"readonly": &text}})
}

func (a *api) resetVolume(r *rest.Request, in struct {
	Status          string  `json:"status" required:"true" enum:"available,creating,deleting,error,error_deleting,extending,attaching,detaching,in-use,maintenance"`
	AttachStatus    *string `json:"attach_status"`
	MigrationStatus *string `json:"migration_status"`
},
) (rest.Response, error) {
	status := volume.Status(in.Status)
	if status == "in-use" { // which the attachments say, if it is so
		status = volume.Available
	}
	return a.patch(r, volume.Patch{Status: &status})
}

// An uploadView is an image that is being made of a volume.
type uploadView struct {
	ID          volume.ID `json:"id"`
	Status      string    `json:"status"`
	Description *string   `json:"display_description"`
	Size        int       `json:"size"`
	UpdatedAt   time.Time `json:"updated_at" time:"2006-01-02T15:04:05.000000"`
	Type        *typeView `json:"volume_type"`
	ImageID     string    `json:"image_id"`
	ImageName   string    `json:"image_name"`
	DiskFormat  string    `json:"disk_format"`
	Container   string    `json:"container_format"`
	Public      bool      `json:"is_public" until:"3.0"`
	Visibility  string    `json:"visibility" since:"3.1"`
	Protected   bool      `json:"protected" since:"3.1"`
}

func (a *api) upload(r *rest.Request, in struct {
	Name       string  `json:"image_name" required:"true" min:"1" max:"255"`
	DiskFormat *string `json:"disk_format"`
	Container  *string `json:"container_format"`
	Force      *bool   `json:"force" loose:"true"`
	Visibility *string `json:"visibility" since:"3.1" enum:"community,public,private,shared"`
	Protected  *bool   `json:"protected" since:"3.1" loose:"true"`
},
) (rest.Response, error) {
	u, err := a.volumes.UploadVolume(r.Context(), volume.UploadSpec{
		VolumeID: volume.ID(r.Param("id")), Name: in.Name, DiskFormat: value(in.DiskFormat), Container: value(in.Container),
		Visibility: first(value(in.Visibility), "private"), Protected: value(in.Protected),
	})
	if err != nil {
		return rest.Response{}, err
	}
	v, i := u.Volume, u.Image
	out := uploadView{
		ID: v.ID, Status: v.State(), Description: nullable(v.Description), Size: v.SizeGiB, UpdatedAt: v.UpdatedAt,
		ImageID: i.ID, ImageName: i.Name, DiskFormat: i.DiskFormat, Container: i.Container,
		Public: i.Visibility == "public", Visibility: i.Visibility, Protected: i.Protected,
	}
	// A type that was hidden since the volume was made stays hidden.
	if t, err := a.volumes.Type(r.Context(), string(v.TypeID)); err == nil {
		shown := typeOf(t)
		out.Type = &shown
	}
	return rest.ReplyUnder("os-volume_upload_image", out), nil
}
