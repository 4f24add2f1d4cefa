package volumeapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
	"github.com/nacre-cloud/nacre/volume"
)

func (a *api) volumeRoutes() []rest.Route {
	return []rest.Route{
		rest.GET(root+"/volumes", a.listVolumes),
		rest.GET(root+"/volumes/detail", a.listVolumes),
		rest.GET(root+"/volumes/summary", a.summarize).Since("3.12"),
		rest.POST(root+"/volumes", rest.JSONUnder("volume", a.createVolume)).Status(http.StatusAccepted),
		rest.GET(root+"/volumes/{id}", a.showVolume),
		rest.PUT(root+"/volumes/{id}", rest.JSONUnder("volume", a.updateVolume)),
		rest.DELETE(root+"/volumes/{id}", a.deleteVolume).Status(http.StatusAccepted),
		rest.Actions(root+"/volumes/{id}/action",
			rest.Action("os-extend", rest.JSON(a.extend)),
			rest.Action("os-set_bootable", rest.JSON(a.setBootable)).Status(http.StatusOK),
			rest.Action("os-reserve", a.reserve),
			rest.Action("os-unreserve", a.unreserve),
			rest.Action("os-attach", rest.JSON(a.attachByAction)),
			rest.Action("os-detach", a.unreserve),
			rest.Action("os-force_delete", a.deleteVolume),
			rest.Action("os-update_readonly_flag", rest.JSON(a.setReadOnly)),
			rest.Action("os-set_image_metadata", rest.JSON(a.setImageMetadata)).Status(http.StatusOK),
			rest.Action("os-unset_image_metadata", rest.JSON(a.unsetImageMetadata)).Status(http.StatusOK),
		).Status(http.StatusAccepted),
		rest.GET(root+"/volumes/{id}/metadata", a.metadata(a.volumeMetadata)),
		rest.POST(root+"/volumes/{id}/metadata", rest.JSON(a.addMetadata(a.volumeMetadata))),
		rest.PUT(root+"/volumes/{id}/metadata", rest.JSON(a.putMetadata(a.volumeMetadata))),
		rest.GET(root+"/volumes/{id}/metadata/{key}", a.metadataItem(a.volumeMetadata)),
		rest.PUT(root+"/volumes/{id}/metadata/{key}", rest.JSON(a.putMetadataItem(a.volumeMetadata))),
		rest.DELETE(root+"/volumes/{id}/metadata/{key}", a.deleteMetadataItem(a.volumeMetadata)).Status(http.StatusOK),
	}
}

// A volumeRef is a volume in a list without details.
type volumeRef struct {
	ID    volume.ID   `json:"id"`
	Name  *string     `json:"name"`
	Links []rest.Link `json:"links"`
}

// A volumeView is a volume with details.
type volumeView struct {
	ID                 volume.ID         `json:"id"`
	Name               *string           `json:"name"`
	Description        *string           `json:"description"`
	Status             string            `json:"status"`
	Size               int               `json:"size"`
	Type               string            `json:"volume_type"`
	AvailabilityZone   string            `json:"availability_zone"`
	Bootable           string            `json:"bootable"`
	Encrypted          bool              `json:"encrypted"`
	Multiattach        bool              `json:"multiattach"`
	SnapshotID         *string           `json:"snapshot_id"`
	SourceID           *string           `json:"source_volid"`
	ConsistencyGroupID *string           `json:"consistencygroup_id"`
	GroupID            *string           `json:"group_id" since:"3.13"`
	ProviderID         *string           `json:"provider_id" since:"3.21"`
	ServiceUUID        *string           `json:"service_uuid" since:"3.48"`
	SharedTargets      bool              `json:"shared_targets" since:"3.48"`
	ClusterName        *string           `json:"cluster_name" since:"3.61"`
	TypeID             volume.TypeID     `json:"volume_type_id" since:"3.63"`
	ConsumesQuota      bool              `json:"consumes_quota" since:"3.65"`
	ReplicationStatus  *string           `json:"replication_status"`
	MigrationStatus    *string           `json:"migration_status"`
	UserID             string            `json:"user_id"`
	ProjectID          string            `json:"os-vol-tenant-attr:tenant_id"`
	Host               *string           `json:"os-vol-host-attr:host,omitempty"`
	MigrationState     *string           `json:"os-vol-mig-status-attr:migstat"`
	MigrationName      *string           `json:"os-vol-mig-status-attr:name_id"`
	Metadata           map[string]string `json:"metadata"`
	ImageMetadata      map[string]string `json:"volume_image_metadata,omitempty"`
	Attachments        []attachmentRef   `json:"attachments"`
	CreatedAt          time.Time         `json:"created_at" time:"2006-01-02T15:04:05.000000"`
	UpdatedAt          time.Time         `json:"updated_at" time:"2006-01-02T15:04:05.000000"`
	Links              []rest.Link       `json:"links"`
}

// An attachmentRef is an attachment as a volume shows it.
type attachmentRef struct {
	ID           volume.ID           `json:"id"` // of the volume
	VolumeID     volume.ID           `json:"volume_id"`
	AttachmentID volume.AttachmentID `json:"attachment_id"`
	ServerID     string              `json:"server_id"`
	Host         *string             `json:"host_name"`
	Device       *string             `json:"device"`
	AttachedAt   time.Time           `json:"attached_at" time:"2006-01-02T15:04:05.000000"`
}

// nullable returns nil for an empty string.
func nullable[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	text := string(s)
	return &text
}

func links(r *rest.Request, path, id string) []rest.Link {
	project := r.Param("project_id")
	return []rest.Link{
		{Rel: "self", Href: r.URL("/v3/"+project+path, id)},
		{Rel: "bookmark", Href: r.URL("/"+project+path, id)},
	}
}

func view(r *rest.Request, v volume.Volume, types map[volume.TypeID]string) volumeView {
	out := volumeView{
		ID: v.ID, Name: nullable(v.Name), Description: nullable(v.Description), Status: v.State(), Size: v.SizeGiB,
		Type: types[v.TypeID], TypeID: v.TypeID, AvailabilityZone: v.AvailabilityZone, Bootable: "false",
		SnapshotID: nullable(v.SnapshotID), SourceID: nullable(v.SourceID), ConsumesQuota: true,
		UserID: v.UserID, ProjectID: v.ProjectID, Metadata: v.Metadata, ImageMetadata: v.ImageMetadata,
		CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt, Links: links(r, "/volumes", string(v.ID)),
		Attachments: []attachmentRef{},
	}
	if v.Bootable {
		out.Bootable = "true"
	}
	for _, at := range v.Attachments {
		out.Attachments = append(out.Attachments, attachmentRef{
			ID: v.ID, VolumeID: v.ID, AttachmentID: at.ID, ServerID: at.ServerID, Host: nullable(at.Host),
			Device: nullable(at.Device), AttachedAt: at.AttachedAt,
		})
	}
	return out
}

// typeNames returns the names of the types that the caller sees.
func (a *api) typeNames(r *rest.Request) (map[volume.TypeID]string, error) {
	names := map[volume.TypeID]string{}
	q := volume.TypeQuery{}
	for {
		list, err := a.volumes.Types(r.Context(), q)
		if err != nil {
			return nil, err
		}
		for _, t := range list.Items {
			names[t.ID] = t.Name
		}
		if q.Marker = list.Next; q.Marker == "" {
			return names, nil
		}
	}
}

func (a *api) reply(r *rest.Request, v volume.Volume, err error) (rest.Response, error) {
	if err != nil {
		return rest.Response{}, err
	}
	types, err := a.typeNames(r)
	if err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyUnder("volume", view(r, v, types)), nil
}

func (a *api) listVolumes(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	query := volume.Query{Name: q.String("name"), Status: volume.Status(q.String("status")), Zone: q.String("availability_zone"), Bootable: q.OptionalBool("bootable")}
	query.ProjectID, query.AllProjects = wanted(q)
	if name := q.String("display_name"); name != "" {
		query.Name = name
	}
	if text := q.String("metadata"); text != "" {
		if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "'", `"`)), &query.Metadata); err != nil {
			return rest.Response{}, fault.Invalid.Errorf("metadata=%.80q is not an object of strings", text)
		}
	}
	query.Query = q.Page(paging())
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	list, err := a.volumes.Volumes(r.Context(), query)
	if err != nil {
		return rest.Response{}, err
	}
	if !strings.HasSuffix(r.HTTP.URL.Path, "/detail") {
		return rest.ReplyPage(r, "volumes", page.Map(list, func(v volume.Volume) volumeRef {
			return volumeRef{v.ID, nullable(v.Name), links(r, "/volumes", string(v.ID))}
		})), nil
	}
	types, err := a.typeNames(r)
	if err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyPage(r, "volumes", page.Map(list, func(v volume.Volume) volumeView { return view(r, v, types) })), nil
}

func (a *api) summarize(r *rest.Request) (rest.Response, error) {
	type summary struct {
		Count    int               `json:"total_count"`
		Size     int               `json:"total_size"`
		Metadata map[string]string `json:"metadata" since:"3.36"`
	}
	var sum summary
	query := volume.Query{}
	q := r.Query()
	query.ProjectID, query.AllProjects = wanted(q)
	for {
		list, err := a.volumes.Volumes(r.Context(), query)
		if err != nil {
			return rest.Response{}, err
		}
		for _, v := range list.Items {
			sum.Count++
			sum.Size += v.SizeGiB
		}
		if query.Marker = list.Next; query.Marker == "" {
			return rest.ReplyUnder("volume-summary", sum), q.Err()
		}
	}
}

type volumeCreate struct {
	Name             *string           `json:"name"`
	DisplayName      *string           `json:"display_name"`
	Description      *string           `json:"description"`
	Size             *int              `json:"size" loose:"true"`
	Type             *string           `json:"volume_type"`
	AvailabilityZone *string           `json:"availability_zone"`
	SnapshotID       *string           `json:"snapshot_id"`
	SourceID         *string           `json:"source_volid"`
	ImageRef         *string           `json:"imageRef"`
	ImageID          *string           `json:"image_id"`
	Metadata         map[string]string `json:"metadata"`
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func first(texts ...*string) string {
	for _, t := range texts {
		if t != nil && *t != "" {
			return *t
		}
	}
	return ""
}

func (a *api) createVolume(r *rest.Request, in volumeCreate) (rest.Response, error) {
	if in.Size == nil && first(in.SnapshotID, in.SourceID) == "" || in.Size != nil && *in.Size < 1 {
		return rest.Response{}, fault.Invalid.Errorf("volume size must be a positive integer of GiB")
	}
	v, err := a.volumes.CreateVolume(r.Context(), volume.CreateSpec{
		Name: first(in.Name, in.DisplayName), Description: value(in.Description), SizeGiB: value(in.Size), Type: value(in.Type),
		AvailabilityZone: value(in.AvailabilityZone), SnapshotID: volume.SnapshotID(value(in.SnapshotID)),
		SourceID: volume.ID(value(in.SourceID)), ImageID: first(in.ImageRef, in.ImageID), Metadata: in.Metadata,
	})
	return a.reply(r, v, err)
}

func (a *api) showVolume(r *rest.Request) (rest.Response, error) {
	v, err := a.volumes.Volume(r.Context(), volume.ID(r.Param("id")))
	return a.reply(r, v, err)
}

type volumeUpdate struct {
	Name        *string           `json:"name"`
	DisplayName *string           `json:"display_name"`
	Description *string           `json:"description"`
	Metadata    map[string]string `json:"metadata"`
}

func (a *api) updateVolume(r *rest.Request, in volumeUpdate) (rest.Response, error) {
	if in.Name == nil {
		in.Name = in.DisplayName
	}
	v, err := a.volumes.UpdateVolume(r.Context(), volume.Patch{
		ID: volume.ID(r.Param("id")), Name: in.Name, Description: in.Description, Metadata: in.Metadata,
	})
	return a.reply(r, v, err)
}

func (a *api) deleteVolume(r *rest.Request) (rest.Response, error) {
	id := volume.ID(r.Param("id"))
	if r.Query().Flag("cascade") {
		return rest.Empty(), a.volumes.PurgeVolume(r.Context(), id)
	}
	return rest.Empty(), a.volumes.DeleteVolume(r.Context(), id)
}

func (a *api) extend(r *rest.Request, in struct {
	Size int `json:"new_size" required:"true" loose:"true"`
}) (rest.Response, error) {
	_, err := a.volumes.ExtendVolume(r.Context(), volume.ExtendSpec{ID: volume.ID(r.Param("id")), SizeGiB: in.Size})
	return rest.Empty(), err
}

func (a *api) setBootable(r *rest.Request, in struct {
	Bootable bool `json:"bootable" required:"true" loose:"true"`
}) (rest.Response, error) {
	_, err := a.volumes.UpdateVolume(r.Context(), volume.Patch{ID: volume.ID(r.Param("id")), Bootable: &in.Bootable})
	return rest.Empty(), err
}

func (a *api) setReadOnly(r *rest.Request, in struct {
	ReadOnly microversion.Optional[bool] `json:"readonly" required:"true" loose:"true"`
}) (rest.Response, error) {
	v, err := a.volumes.Volume(r.Context(), volume.ID(r.Param("id")))
	if err != nil {
		return rest.Response{}, err
	}
	items := map[string]string{}
	for k, val := range v.Metadata {
		items[k] = val
	}
	items["readonly"] = map[bool]string{false: "False", true: "True"}[in.ReadOnly.Value]
	_, err = a.volumes.UpdateVolume(r.Context(), volume.Patch{ID: v.ID, Metadata: items})
	return rest.Empty(), err
}
