package volumeapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

func (a *api) attachmentRoutes() []rest.Route {
	return []rest.Route{
		rest.GET(root+"/attachments", a.listAttachments).Since("3.27"),
		rest.GET(root+"/attachments/detail", a.listAttachmentDetails).Since("3.27"),
		rest.POST(root+"/attachments", rest.JSONUnder("attachment", a.createAttachment)).Since("3.27"),
		rest.GET(root+"/attachments/{id}", a.showAttachment).Since("3.27"),
		rest.PUT(root+"/attachments/{id}", rest.JSONUnder("attachment", a.connectAttachment)).Since("3.27"),
		rest.DELETE(root+"/attachments/{id}", a.deleteAttachment).Since("3.27").Status(http.StatusOK),
		rest.Actions(root+"/attachments/{id}/action", rest.Action("os-complete", a.completeAttachment)).Since("3.44").Status(http.StatusNoContent),
	}
}

// An attachmentRow is an attachment in a list without details.
type attachmentRow struct {
	ID       volume.AttachmentID `json:"id"`
	VolumeID volume.ID           `json:"volume_id"`
	ServerID *string             `json:"instance"`
	Status   string              `json:"status"`
}

// An attachmentView is an attachment with details.
type attachmentView struct {
	attachmentRow
	Mode       string            `json:"attach_mode"`
	AttachedAt time.Time         `json:"attached_at" time:"2006-01-02T15:04:05.000000"`
	DetachedAt *string           `json:"detached_at"`
	Connection volume.Connection `json:"connection_info"`
}

func attachmentRowOf(at volume.Attachment) attachmentRow {
	out := attachmentRow{ID: at.ID, VolumeID: at.VolumeID, ServerID: nullable(at.ServerID), Status: "reserved"}
	switch {
	case at.Attached():
		out.Status = "attached"
	case at.Host != "":
		out.Status = "attaching"
	}
	return out
}

// attachmentOf shows an attachment. How to open a volume is told to those alone
// who may open it: hosts do, users do not.
func attachmentOf(r *rest.Request, at volume.Attachment) attachmentView {
	out := attachmentView{attachmentRow: attachmentRowOf(at), Mode: "rw", AttachedAt: at.AttachedAt}
	if identity.Allow(r.Context(), "volume:connect", at) == nil {
		out.Connection = at.Connection
	}
	return out
}

func (a *api) attachmentPage(r *rest.Request) (list asked[volume.Attachment], err error) {
	q := r.Query()
	query := volume.AttachmentQuery{VolumeID: volume.ID(q.String("volume_id")), ServerID: first(q.String("instance_id"), q.String("instance_uuid"))}
	query.ProjectID, query.AllProjects = wanted(r, q)
	query.Query = q.Page(paging())
	if err := q.Err(); err != nil {
		return list, err
	}
	list.limit, list.id = query.Limit, func(at volume.Attachment) string { return string(at.ID) }
	list.Of, err = a.volumes.Attachments(r.Context(), query)
	return list, err
}

func (a *api) listAttachments(r *rest.Request) (rest.Response, error) {
	list, err := a.attachmentPage(r)
	return replyPage(r, "attachments", list, attachmentRowOf), err
}

func (a *api) listAttachmentDetails(r *rest.Request) (rest.Response, error) {
	list, err := a.attachmentPage(r)
	return replyPage(r, "attachments", list, func(at volume.Attachment) attachmentView { return attachmentOf(r, at) }), err
}

// A connector says from where a volume is opened.
type connector struct {
	Host string `json:"host" required:"true" min:"1"`
}

func (a *api) createAttachment(r *rest.Request, in struct {
	VolumeID  string     `json:"volume_uuid" required:"true"`
	ServerID  string     `json:"instance_uuid"`
	Connector *connector `json:"connector"`
	Mode      *string    `json:"mode" since:"3.54" enum:"rw,null"`
},
) (rest.Response, error) {
	ctx := r.Context()
	at, err := a.volumes.Attach(ctx, volume.AttachSpec{VolumeID: volume.ID(in.VolumeID), ServerID: in.ServerID})
	if err != nil {
		return rest.Response{}, err
	}
	if in.Connector != nil {
		connected, err := a.volumes.Connect(ctx, volume.ConnectSpec{ID: at.ID, Host: in.Connector.Host})
		if err != nil {
			return rest.Response{}, errors.Join(err, a.volumes.Detach(ctx, at.ID))
		}
		at = connected
	}
	return rest.ReplyUnder("attachment", attachmentOf(r, at)), nil
}

func (a *api) showAttachment(r *rest.Request) (rest.Response, error) {
	at, err := a.volumes.Attachment(r.Context(), volume.AttachmentID(r.Param("id")))
	return rest.ReplyUnder("attachment", attachmentOf(r, at)), err
}

func (a *api) connectAttachment(r *rest.Request, in struct {
	Connector connector `json:"connector" required:"true"`
},
) (rest.Response, error) {
	at, err := a.volumes.Connect(r.Context(), volume.ConnectSpec{ID: volume.AttachmentID(r.Param("id")), Host: in.Connector.Host})
	return rest.ReplyUnder("attachment", attachmentOf(r, at)), err
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
