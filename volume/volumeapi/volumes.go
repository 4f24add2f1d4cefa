package volumeapi

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
)

func (a *api) volumeRoutes() []rest.Route {
	return []rest.Route{
		rest.GET(root+"/volumes", a.listVolumes),
		rest.GET(root+"/volumes/detail", a.listVolumeDetails),
		rest.GET(root+"/volumes/summary", a.summarize).Since("3.12"),
		rest.POST(root+"/volumes", rest.JSONUnder("volume", a.createVolume)).Status(http.StatusAccepted),
		rest.GET(root+"/volumes/{id}", a.showVolume),
		rest.PUT(root+"/volumes/{id}", rest.JSONUnder("volume", a.updateVolume)),
		rest.DELETE(root+"/volumes/{id}", a.deleteVolume).Status(http.StatusAccepted),
		// A volume without an id is none, and not the list of all.
		rest.GET(root+"/volumes/", absent), rest.PUT(root+"/volumes/", absent), rest.DELETE(root+"/volumes/", absent),
		rest.GET(root+"/volumes/{id}/metadata", a.metadata(a.volumeMetadata)),
		rest.POST(root+"/volumes/{id}/metadata", rest.JSON(a.addMetadata(a.volumeMetadata))),
		rest.PUT(root+"/volumes/{id}/metadata", rest.JSON(a.putMetadata(a.volumeMetadata))),
		rest.GET(root+"/volumes/{id}/metadata/{key}", a.metadataItem(a.volumeMetadata)),
		rest.PUT(root+"/volumes/{id}/metadata/{key}", rest.JSON(a.putMetadataItem(a.volumeMetadata))),
		rest.DELETE(root+"/volumes/{id}/metadata/{key}", a.deleteMetadataItem(a.volumeMetadata)).Status(http.StatusOK),
	}
}

func absent(*rest.Request) (rest.Response, error) {
	return rest.Response{}, fault.NotFound.Errorf("the path ends where an id is needed")
}

// volumePage returns the page of volumes that a list asks for.
func (a *api) volumePage(r *rest.Request) (list asked[volume.Volume], err error) {
	q := r.Query()
	query := volume.Query{
		Name: first(q.String("display_name"), q.String("name")), Status: volume.Status(q.String("status")),
		Zone: q.String("availability_zone"), Bootable: q.OptionalBool("bootable"),
	}
	query.ProjectID, query.AllProjects = wanted(r, q)
	if id := q.String("id"); id != "" {
		query.IDs = []volume.ID{volume.ID(id)}
	}
	text := q.String("metadata")
	query.Query = q.Page(paging())
	if err := q.Err(); err != nil {
		return list, err
	}
	if text != "" {
		// Clients write the map as Python does.
		if err := json.Unmarshal([]byte(strings.ReplaceAll(text, "'", `"`)), &query.Metadata); err != nil {
			return list, fault.Invalid.Errorf("metadata=%.80q is not an object of strings", text)
		}
	}
	if query.Marker != "" { // one that is gone begins no page
		if _, err := a.volumes.Volume(r.Context(), volume.ID(query.Marker)); err != nil {
			return list, err
		}
	}
	list.limit, list.id = query.Limit, func(v volume.Volume) string { return string(v.ID) }
	list.Of, err = a.volumes.Volumes(r.Context(), query)
	return list, err
}

func (a *api) listVolumes(r *rest.Request) (rest.Response, error) {
	list, err := a.volumePage(r)
	return replyPage(r, "volumes", list, func(v volume.Volume) volumeRef {
		return volumeRef{v.ID, nullable(v.Name), links(r, "/volumes", string(v.ID))}
	}), err
}

func (a *api) listVolumeDetails(r *rest.Request) (rest.Response, error) {
	list, err := a.volumePage(r)
	if err != nil {
		return rest.Response{}, err
	}
	types, err := a.typeNames(r)
	return replyPage(r, "volumes", list, func(v volume.Volume) any { return details(r, v, types) }), err
}

func (a *api) summarize(r *rest.Request) (rest.Response, error) {
	type summary struct {
		Count    int                 `json:"total_count"`
		Size     int                 `json:"total_size"`
		Metadata map[string][]string `json:"metadata" since:"3.36"`
	}
	var sum summary
	query := volume.Query{}
	q := r.Query()
	query.ProjectID, query.AllProjects = wanted(r, q)
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	all := page.All(func(p page.Query) (page.Of[volume.Volume], error) {
		query.Query = p
		return a.volumes.Volumes(r.Context(), query)
	})
	for v, err := range all {
		if err != nil {
			return rest.Response{}, err
		}
		sum.Count++
		sum.Size += v.SizeGiB
	}
	return rest.ReplyUnder("volume-summary", sum), nil
}

type volumeCreate struct {
	Name             *string           `json:"name"`
	DisplayName      *string           `json:"display_name"`
	Description      *string           `json:"description"`
	DisplayText      *string           `json:"display_description"`
	Size             *int              `json:"size" loose:"true"`
	Type             *string           `json:"volume_type"`
	AvailabilityZone *string           `json:"availability_zone"`
	SnapshotID       *string           `json:"snapshot_id"`
	SourceID         *string           `json:"source_volid"`
	ImageRef         *string           `json:"imageRef"`
	ImageID          *string           `json:"image_id"`
	Metadata         map[string]string `json:"metadata"`

	// What is not offered must not be overlooked.
	Multiattach *bool   `json:"multiattach" loose:"true"`
	GroupID     *string `json:"group_id" since:"3.13"`
	BackupID    *string `json:"backup_id" since:"3.47"`
	OldGroupID  *string `json:"consistencygroup_id"`
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// first returns the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func (a *api) createVolume(r *rest.Request, in volumeCreate) (rest.Response, error) {
	snapshot, source := value(in.SnapshotID), value(in.SourceID)
	if in.Size == nil && first(snapshot, source) == "" || in.Size != nil && *in.Size < 1 {
		return rest.Response{}, fault.Invalid.Errorf("volume size must be a positive integer of GiB")
	}
	if value(in.Multiattach) || first(value(in.GroupID), value(in.BackupID), value(in.OldGroupID)) != "" {
		return rest.Response{}, fault.Unsupported.Errorf("this cloud has no volumes for several servers, no volume groups and no backups")
	}
	v, err := a.volumes.CreateVolume(r.Context(), volume.CreateSpec{
		Name: first(value(in.Name), value(in.DisplayName)), Description: first(value(in.Description), value(in.DisplayText)),
		SizeGiB: value(in.Size), Type: value(in.Type), AvailabilityZone: value(in.AvailabilityZone),
		SnapshotID: volume.SnapshotID(snapshot), SourceID: volume.ID(source),
		ImageID: first(value(in.ImageRef), value(in.ImageID)), Metadata: in.Metadata,
	})
	return a.reply(r, v, err)
}

func (a *api) showVolume(r *rest.Request) (rest.Response, error) {
	v, err := a.volumes.Volume(r.Context(), volume.ID(r.Param("id")))
	if err != nil {
		return rest.Response{}, err
	}
	types, err := a.typeNames(r)
	return rest.ReplyUnder("volume", details(r, v, types)), err
}

type textUpdate struct {
	Name        *string           `json:"name"`
	DisplayName *string           `json:"display_name"`
	Description *string           `json:"description"`
	DisplayText *string           `json:"display_description"`
	Metadata    map[string]string `json:"metadata"`
}

// settled returns the update with one spelling of each text.
func (u textUpdate) settled() textUpdate {
	if u.Name == nil {
		u.Name = u.DisplayName
	}
	if u.Description == nil {
		u.Description = u.DisplayText
	}
	return u
}

func (a *api) updateVolume(r *rest.Request, in textUpdate) (rest.Response, error) {
	in = in.settled()
	v, err := a.volumes.UpdateVolume(r.Context(), volume.Patch{
		ID: volume.ID(r.Param("id")), Name: in.Name, Description: in.Description, Metadata: in.Metadata,
	})
	return a.reply(r, v, err)
}

func (a *api) deleteVolume(r *rest.Request) (rest.Response, error) {
	id, q := volume.ID(r.Param("id")), r.Query()
	cascade := q.Flag("cascade")
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	if cascade {
		return rest.Empty(), a.volumes.PurgeVolume(r.Context(), id)
	}
	return rest.Empty(), a.volumes.DeleteVolume(r.Context(), id)
}
