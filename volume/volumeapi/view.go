package volumeapi

import (
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

// A volumeRef is a volume in a list without details.
type volumeRef struct {
	ID    volume.ID   `json:"id"`
	Name  *string     `json:"name"`
	Links []rest.Link `json:"links"`
}

// A volumeView is a volume as it was just made or changed.
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
	Metadata           map[string]string `json:"metadata"`
	Attachments        []attachmentRef   `json:"attachments"`
	CreatedAt          time.Time         `json:"created_at" time:"2006-01-02T15:04:05.000000"`
	UpdatedAt          time.Time         `json:"updated_at" time:"2006-01-02T15:04:05.000000"`
	Links              []rest.Link       `json:"links"`
}

// A volumeDetails is a volume with details.
type volumeDetails struct {
	volumeView
	ProjectID     string            `json:"os-vol-tenant-attr:tenant_id"`
	ImageMetadata map[string]string `json:"volume_image_metadata,omitempty"`
}

// A volumeInside is a volume as administrators see it.
type volumeInside struct {
	volumeDetails
	Host            string  `json:"os-vol-host-attr:host"`
	MigrationStatus *string `json:"os-vol-mig-status-attr:migstat"`
	MigrationName   *string `json:"os-vol-mig-status-attr:name_id"`
}

// An attachmentRef is an attachment as a volume shows it.
type attachmentRef struct {
	ID           volume.ID           `json:"id"` // of the volume
	VolumeID     volume.ID           `json:"volume_id"`
	AttachmentID volume.AttachmentID `json:"attachment_id"`
	ServerID     *string             `json:"server_id"`
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
		UserID: v.UserID, Metadata: v.Metadata, CreatedAt: v.CreatedAt, UpdatedAt: v.UpdatedAt,
		Links: links(r, "/volumes", string(v.ID)), Attachments: []attachmentRef{},
	}
	if v.Bootable {
		out.Bootable = "true"
	}
	for _, at := range v.Attachments {
		out.Attachments = append(out.Attachments, attachmentRef{
			ID: v.ID, VolumeID: v.ID, AttachmentID: at.ID, ServerID: nullable(at.ServerID), Host: nullable(at.Host),
			Device: nullable(at.Device), AttachedAt: at.AttachedAt,
		})
	}
	return out
}

// details returns as much of v as the caller may see.
func details(r *rest.Request, v volume.Volume, types map[volume.TypeID]string) any {
	out := volumeDetails{volumeView: view(r, v, types), ProjectID: v.ProjectID, ImageMetadata: v.ImageMetadata}
	if identity.CallerOf(r.Context()).Admin() {
		return volumeInside{volumeDetails: out, Host: poolOf(v.Backend)}
	}
	return out
}

// typeNames returns the names of the types that the caller sees.
func (a *api) typeNames(r *rest.Request) (map[volume.TypeID]string, error) {
	names := map[volume.TypeID]string{}
	types := page.All(func(q page.Query) (page.Of[volume.Type], error) {
		return a.volumes.Types(r.Context(), volume.TypeQuery{Query: q})
	})
	for t, err := range types {
		if err != nil {
			return nil, err
		}
		names[t.ID] = t.Name
	}
	return names, nil
}

// reply shows a volume that was just made or changed.
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
