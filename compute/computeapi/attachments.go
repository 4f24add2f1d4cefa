package computeapi

import (
	"errors"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

type attachmentOut struct {
	ID                  string  `json:"id" until:"2.88"`
	VolumeID            string  `json:"volumeId"`
	ServerID            string  `json:"serverId"`
	Device              *string `json:"device"`
	Tag                 *string `json:"tag" since:"2.70"`
	DeleteOnTermination bool    `json:"delete_on_termination" since:"2.79"`
	AttachmentID        string  `json:"attachment_id" since:"2.89"`
	MappingID           string  `json:"bdm_uuid" since:"2.89"`
}

func newAttachment(server compute.ServerID, d compute.ServerDisk) attachmentOut {
	return attachmentOut{
		ID: d.VolumeID, VolumeID: d.VolumeID, ServerID: string(server), Device: text(&d.Device),
		DeleteOnTermination: d.DeleteOnTermination, AttachmentID: d.AttachmentID, MappingID: d.AttachmentID,
	}
}

func (a *api) listAttachments(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	q := r.Query()
	from, count := q.Int("offset", 0), q.Int("limit", len(s.Disks))
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	if from < 0 || count < 0 {
		return rest.Response{}, fault.Invalid.Errorf("limit and offset must not be negative")
	}
	list := []attachmentOut{}
	for _, d := range s.Disks[min(from, len(s.Disks)):] {
		if len(list) < count {
			list = append(list, newAttachment(s.ID, d))
		}
	}
	return rest.ReplyUnder("volumeAttachments", list), nil
}

func (a *api) showAttachment(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	for _, d := range s.Disks {
		if d.VolumeID == r.Param("volume") {
			return rest.ReplyUnder("volumeAttachment", newAttachment(s.ID, d)), nil
		}
	}
	return rest.Response{}, fault.NotFound.Errorf("volume %s is not attached to server %s", r.Param("volume"), s.ID)
}

type attachmentCreate struct {
	VolumeID            string  `json:"volumeId" required:"true"`
	Device              *string `json:"device"`
	Tag                 *string `json:"tag" since:"2.49"`
	DeleteOnTermination bool    `json:"delete_on_termination" loose:"true" since:"2.79"`
}

// An attachmentCreated has an id at every version, unlike the others.
type attachmentCreated struct {
	ID                  string  `json:"id"`
	VolumeID            string  `json:"volumeId"`
	ServerID            string  `json:"serverId"`
	Device              *string `json:"device"`
	Tag                 *string `json:"tag" since:"2.70"`
	DeleteOnTermination bool    `json:"delete_on_termination" since:"2.79"`
}

func (a *api) createAttachment(r *rest.Request, in attachmentCreate) (rest.Response, error) {
	id, err := rest.ParseUUID("volumeAttachment.volumeId", in.VolumeID)
	if err != nil {
		return rest.Response{}, err
	}
	server := compute.ServerID(r.Param("id"))
	d, err := a.AttachVolume(r.Context(), compute.AttachVolumeSpec{
		ServerID: server, VolumeID: id, Device: deref(in.Device), DeleteOnTermination: in.DeleteOnTermination,
	})
	if err != nil {
		return rest.Response{}, a.unattachable(r, err)
	}
	return rest.ReplyUnder("volumeAttachment", attachmentCreated{
		ID: d.VolumeID, VolumeID: d.VolumeID, ServerID: string(server), Device: text(&d.Device), Tag: in.Tag,
		DeleteOnTermination: d.DeleteOnTermination,
	}), nil
}

// unattachable makes a volume that is in use a bad request, as clients expect; a
// server that is locked or busy stays a conflict.
func (a *api) unattachable(r *rest.Request, err error) error {
	if fault.Of(err) != fault.Conflict || errors.Is(err, compute.ErrState) {
		return err
	}
	if s, serverErr := a.server(r); serverErr != nil || s.Locked {
		return err
	}
	return fault.Invalid.Errorf("invalid volume: %w", err)
}

func (a *api) deleteAttachment(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.DetachVolume(r.Context(), compute.DetachVolumeSpec{
		ServerID: compute.ServerID(r.Param("id")), VolumeID: r.Param("volume"),
	})
}
