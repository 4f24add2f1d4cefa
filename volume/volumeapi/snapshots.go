package volumeapi

import (
	"net/http"
	"time"

	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

func (a *api) snapshotRoutes() []rest.Route {
	return []rest.Route{
		rest.GET(root+"/snapshots", a.listSnapshots),
		rest.GET(root+"/snapshots/detail", a.listSnapshotDetails),
		rest.POST(root+"/snapshots", rest.JSONUnder("snapshot", a.createSnapshot)).Status(http.StatusAccepted),
		rest.GET(root+"/snapshots/{id}", a.showSnapshot),
		rest.PUT(root+"/snapshots/{id}", rest.JSONUnder("snapshot", a.updateSnapshot)),
		rest.DELETE(root+"/snapshots/{id}", a.deleteSnapshot).Status(http.StatusAccepted),
		rest.Actions(root+"/snapshots/{id}/action",
			rest.Action("os-force_delete", a.deleteSnapshot),
			rest.Action("os-reset_status", rest.JSON(a.resetSnapshot)),
		).Status(http.StatusAccepted),
		rest.GET(root+"/snapshots/{id}/metadata", a.metadata(a.snapshotMetadata)),
		rest.POST(root+"/snapshots/{id}/metadata", rest.JSON(a.addMetadata(a.snapshotMetadata))),
		rest.PUT(root+"/snapshots/{id}/metadata", rest.JSON(a.putMetadata(a.snapshotMetadata))),
		rest.GET(root+"/snapshots/{id}/metadata/{key}", a.metadataItem(a.snapshotMetadata)),
		rest.PUT(root+"/snapshots/{id}/metadata/{key}", rest.JSON(a.putMetadataItem(a.snapshotMetadata))),
		rest.DELETE(root+"/snapshots/{id}/metadata/{key}", a.deleteMetadataItem(a.snapshotMetadata)).Status(http.StatusOK),
	}
}

// A snapshotView is a snapshot in a list, or as it was just made.
type snapshotView struct {
	ID            volume.SnapshotID `json:"id"`
	Name          *string           `json:"name"`
	Description   *string           `json:"description"`
	VolumeID      volume.ID         `json:"volume_id"`
	Status        volume.Status     `json:"status"`
	Size          int               `json:"size"`
	Metadata      map[string]string `json:"metadata"`
	CreatedAt     time.Time         `json:"created_at" time:"2006-01-02T15:04:05.000000"`
	UpdatedAt     time.Time         `json:"updated_at" time:"2006-01-02T15:04:05.000000"`
	GroupID       *string           `json:"group_snapshot_id" since:"3.14"`
	UserID        string            `json:"user_id" since:"3.41"`
	ConsumesQuota bool              `json:"consumes_quota" since:"3.65"`
}

// A snapshotDetails is a snapshot with details.
type snapshotDetails struct {
	snapshotView
	Progress  string `json:"os-extended-snapshot-attributes:progress"`
	ProjectID string `json:"os-extended-snapshot-attributes:project_id"`
}

func snapshotOf(s volume.Snapshot) snapshotView {
	return snapshotView{
		ID: s.ID, Name: nullable(s.Name), Description: nullable(s.Description), VolumeID: s.VolumeID, Status: s.Status,
		Size: s.SizeGiB, Metadata: s.Metadata, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, UserID: s.UserID, ConsumesQuota: true,
	}
}

func snapshotDetailsOf(s volume.Snapshot) snapshotDetails {
	progress := "0%"
	if s.Status == volume.Available {
		progress = "100%"
	}
	return snapshotDetails{snapshotOf(s), progress, s.ProjectID}
}

func (a *api) snapshotPage(r *rest.Request) (list asked[volume.Snapshot], err error) {
	q := r.Query()
	query := volume.SnapshotQuery{Name: first(q.String("display_name"), q.String("name")), Status: volume.Status(q.String("status")), VolumeID: volume.ID(q.String("volume_id"))}
	query.ProjectID, query.AllProjects = wanted(r, q)
	query.Query = q.Page(paging())
	if err := q.Err(); err != nil {
		return list, err
	}
	if query.Marker != "" { // one that is gone begins no page
		if _, err := a.volumes.Snapshot(r.Context(), volume.SnapshotID(query.Marker)); err != nil {
			return list, err
		}
	}
	list.limit, list.id = query.Limit, func(s volume.Snapshot) string { return string(s.ID) }
	list.Of, err = a.volumes.Snapshots(r.Context(), query)
	return list, err
}

func (a *api) listSnapshots(r *rest.Request) (rest.Response, error) {
	list, err := a.snapshotPage(r)
	return replyPage(r, "snapshots", list, snapshotOf), err
}

func (a *api) listSnapshotDetails(r *rest.Request) (rest.Response, error) {
	list, err := a.snapshotPage(r)
	return replyPage(r, "snapshots", list, snapshotDetailsOf), err
}

type snapshotCreate struct {
	VolumeID    string            `json:"volume_id" required:"true"`
	Name        *string           `json:"name"`
	DisplayName *string           `json:"display_name"`
	Description *string           `json:"description"`
	DisplayText *string           `json:"display_description"`
	Force       *bool             `json:"force" loose:"true"`
	Metadata    map[string]string `json:"metadata"`
}

func (a *api) createSnapshot(r *rest.Request, in snapshotCreate) (rest.Response, error) {
	s, err := a.volumes.CreateSnapshot(r.Context(), volume.SnapshotSpec{
		VolumeID: volume.ID(in.VolumeID), Name: first(value(in.Name), value(in.DisplayName)), Description: first(value(in.Description), value(in.DisplayText)),
		Force: value(in.Force) || r.Since("3.66"), Metadata: in.Metadata,
	})
	return rest.ReplyUnder("snapshot", snapshotOf(s)), err
}

func (a *api) showSnapshot(r *rest.Request) (rest.Response, error) {
	s, err := a.volumes.Snapshot(r.Context(), volume.SnapshotID(r.Param("id")))
	return rest.ReplyUnder("snapshot", snapshotDetailsOf(s)), err
}

func (a *api) updateSnapshot(r *rest.Request, in textUpdate) (rest.Response, error) {
	in = in.settled()
	s, err := a.volumes.UpdateSnapshot(r.Context(), volume.SnapshotPatch{
		ID: volume.SnapshotID(r.Param("id")), Name: in.Name, Description: in.Description, Metadata: in.Metadata,
	})
	return rest.ReplyUnder("snapshot", snapshotOf(s)), err
}

func (a *api) deleteSnapshot(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.volumes.DeleteSnapshot(r.Context(), volume.SnapshotID(r.Param("id")))
}

func (a *api) resetSnapshot(r *rest.Request, in struct {
	Status string `json:"status" required:"true" enum:"available,creating,deleting,error,error_deleting"`
},
) (rest.Response, error) {
	status := volume.Status(in.Status)
	_, err := a.volumes.UpdateSnapshot(r.Context(), volume.SnapshotPatch{ID: volume.SnapshotID(r.Param("id")), Status: &status})
	return rest.Empty(), err
}
