package volumeapi

import (
	"net/http"
	"time"

	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

func (a *api) attachmentRoutes() []rest.Route {
	return []rest.Route{
		rest.GET(root+"/attachments", a.listAttachments).Since("3.27"),
		rest.GET(root+"/attachments/detail", a.listAttachments).Since("3.27"),
		rest.POST(root+"/attachments", rest.JSONUnder("attachment", a.createAttachment)).Since("3.27"),
		rest.GET(root+"/attachments/{id}", a.showAttachment).Since("3.27"),
		rest.PUT(root+"/attachments/{id}", rest.JSONUnder("attachment", a.connectAttachment)).Since("3.27"),
		rest.DELETE(root+"/attachments/{id}", a.deleteAttachment).Since("3.27").Status(http.StatusOK),
		rest.Actions(root+"/attachments/{id}/action", rest.Action("os-complete", a.completeAttachment)).Since("3.44").Status(http.StatusNoContent),
	}
}

// An attachmentView is an attachment as the attachments API shows it.
type attachmentView struct {
	ID         volume.AttachmentID `json:"id"`
	VolumeID   volume.ID           `json:"volume_id"`
	ServerID   string              `json:"instance"`
	Status     string              `json:"status"`
	Mode       string              `json:"attach_mode"`
	AttachedAt time.Time           `json:"attached_at" time:"2006-01-02T15:04:05.000000"`
	DetachedAt *string             `json:"detached_at"`
	Connection volume.Connection   `json:"connection_info"`
}

func attachmentOf(at volume.Attachment) attachmentView {
	out := attachmentView{
		ID: at.ID, VolumeID: at.VolumeID, ServerID: at.ServerID, Status: "reserved", Mode: "rw",
		AttachedAt: at.AttachedAt, Connection: at.Connection,
	}
	switch {
	case at.Attached():
		out.Status = "attached"
	case at.Host != "":
		out.Status = "attaching"
	}
	return out
}

func (a *api) listAttachments(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	query := volume.AttachmentQuery{VolumeID: volume.ID(q.String("volume_id")), ServerID: q.String("instance_id")}
	query.ProjectID, query.AllProjects = wanted(q)
	query.Query = q.Page(paging())
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	list, err := a.volumes.Attachments(r.Context(), query)
	return rest.ReplyPage(r, "attachments", page.Map(list, attachmentOf)), err
}

type connector struct {
	Host       string `json:"host"`
	Mountpoint string `json:"mountpoint"`
}

func (a *api) createAttachment(r *rest.Request, in struct {
	VolumeID  string     `json:"volume_uuid" required:"true"`
	ServerID  string     `json:"instance_uuid"`
	Connector *connector `json:"connector"`
	Mode      *string    `json:"mode" since:"3.54"`
}) (rest.Response, error) {
	at, err := a.volumes.Attach(r.Context(), volume.AttachSpec{VolumeID: volume.ID(in.VolumeID), ServerID: in.ServerID})
	if err == nil && in.Connector != nil && in.Connector.Host != "" {
		at, err = a.volumes.Connect(r.Context(), volume.ConnectSpec{ID: at.ID, Host: in.Connector.Host})
	}
	return rest.ReplyUnder("attachment", attachmentOf(at)), err
}

func (a *api) showAttachment(r *rest.Request) (rest.Response, error) {
	at, err := a.volumes.Attachment(r.Context(), volume.AttachmentID(r.Param("id")))
	return rest.ReplyUnder("attachment", attachmentOf(at)), err
}

func (a *api) connectAttachment(r *rest.Request, in struct {
	Connector connector `json:"connector" required:"true"`
}) (rest.Response, error) {
	at, err := a.volumes.Connect(r.Context(), volume.ConnectSpec{ID: volume.AttachmentID(r.Param("id")), Host: in.Connector.Host})
	return rest.ReplyUnder("attachment", attachmentOf(at)), err
}

func (a *api) completeAttachment(r *rest.Request) (rest.Response, error) {
	_, err := a.volumes.Confirm(r.Context(), volume.ConfirmSpec{ID: volume.AttachmentID(r.Param("id"))})
	return rest.Empty(), err
}

func (a *api) deleteAttachment(r *rest.Request) (rest.Response, error) {
	id := volume.AttachmentID(r.Param("id"))
	if _, err := a.volumes.Attachment(r.Context(), id); err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyUnder("attachments", []attachmentView{}), a.volumes.Detach(r.Context(), id)
}

// The older way to attach, by actions on the volume, names no attachment: the
// volume has at most one.

func (a *api) reserve(r *rest.Request) (rest.Response, error) {
	_, err := a.volumes.Attach(r.Context(), volume.AttachSpec{VolumeID: volume.ID(r.Param("id"))})
	return rest.Empty(), err
}

func (a *api) attachByAction(r *rest.Request, in struct {
	ServerID   string `json:"instance_uuid"`
	Host       string `json:"host_name"`
	Mountpoint string `json:"mountpoint"`
	Mode       string `json:"mode"`
}) (rest.Response, error) {
	v, err := a.volumes.Volume(r.Context(), volume.ID(r.Param("id")))
	if err != nil {
		return rest.Response{}, err
	}
	var at volume.Attachment
	if len(v.Attachments) > 0 {
		at = v.Attachments[0]
	} else if at, err = a.volumes.Attach(r.Context(), volume.AttachSpec{VolumeID: v.ID, ServerID: in.ServerID}); err != nil {
		return rest.Response{}, err
	}
	_, err = a.volumes.Confirm(r.Context(), volume.ConfirmSpec{ID: at.ID, Device: in.Mountpoint})
	return rest.Empty(), err
}

func (a *api) unreserve(r *rest.Request) (rest.Response, error) {
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
