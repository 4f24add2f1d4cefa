// Package volumeapi serves volumes over the protocol of OpenStack's block
// storage service, Cinder v3. Handlers decode, call volume.Service and encode.
package volumeapi

import (
	"net/http"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
	"github.com/nacre-cloud/nacre/volume"
)

type api struct{ volumes volume.Service }

// Versions of the protocol that are spoken, and where.
const (
	minVersion = "3.0"
	maxVersion = "3.70"
	root       = "/v3/{project_id}"
)

// New returns the HTTP face of s.
func New(s volume.Service) rest.Face {
	a := &api{s}
	f := rest.Face{
		Name:   "volume",
		Prefix: "/volume",
		Services: []rest.Service{
			{Type: "volumev3", Name: "cinderv3", Path: "/v3/%(project_id)s"},
			{Type: "block-storage", Name: "cinderv3", Path: "/v3/%(project_id)s"},
		},
		Dialect: dialect.Keyed,
		Statuses: map[error]int{
			fault.OverQuota:     http.StatusRequestEntityTooLarge,
			volume.ErrReference: http.StatusNotFound,
			volume.ErrState:     http.StatusBadRequest,
			fault.Unsupported:   http.StatusBadRequest,
		},
		Microversions: &rest.Microversions{Min: minVersion, Max: maxVersion, Service: "volume"},
		Documents:     documents(),
		Admit:         admit,
	}
	for _, routes := range [][]rest.Route{a.volumeRoutes(), a.snapshotRoutes(), a.attachmentRoutes(), a.typeRoutes(), a.actionRoutes(), a.quotaRoutes(), a.backendRoutes(), a.otherRoutes()} {
		f.Routes = append(f.Routes, routes...)
	}
	return f
}

// admit refuses a path that names another project than the token is for.
func admit(r *rest.Request) error {
	named, own := r.Param("project_id"), identity.CallerOf(r.Context()).ProjectID
	if own != "" && named != "" && named != own {
		return fault.Invalid.Errorf("the path names project %.64q, which is not the token's", named)
	}
	return nil
}

func documents() []rest.Document {
	versions := map[string]any{"versions": []any{map[string]any{
		"id": "v3.0", "status": "CURRENT", "version": maxVersion, "min_version": minVersion, "updated": "2022-08-31T00:00:00Z",
		"links":       []rest.Link{{Rel: "self", Href: "{base}/v3/"}},
		"media-types": []any{map[string]string{"base": "application/json", "type": "application/vnd.openstack.volume+json;version=3"}},
	}}}
	return []rest.Document{
		{Path: "/", Status: http.StatusMultipleChoices, Body: versions},
		{Path: "/v3", Body: versions},
	}
}

// paging is how every list of this face is cut.
func paging() rest.Paging {
	return rest.Paging{Keys: map[string]string{
		"id": "id", "name": "name", "display_name": "name", "status": "status", "size": "size",
		"created_at": "created_at", "availability_zone": "availability_zone", "bootable": "bootable",
	}, Sort: []page.Sort{{Key: "created_at", Descending: true}}, Descending: true, ZeroIsNone: true, Links: rest.NextLink}
}

// replyPage returns a page of a list as view shows its items. A full page links
// to another even when nothing follows, as clients of this protocol expect.
func replyPage[T, V any](r *rest.Request, key string, p asked[T], view func(T) V) rest.Response {
	if n := len(p.Items); p.Next == "" && n > 0 && n == p.limit {
		p.Next = p.id(p.Items[n-1])
	}
	return rest.ReplyPage(r, key, page.Map(p.Of, view))
}

// An asked is a page of a list, and how large it was to be.
type asked[T any] struct {
	page.Of[T]
	limit int
	id    func(T) string
}

// wanted returns the project that a request is about: another than the caller's
// needs all_tenants as well. Who may not list all gets their own, as clients expect
// that always ask for all when they look for a name.
func wanted(r *rest.Request, q *rest.Query) (project string, all bool) {
	all = q.Flag("all_tenants") && identity.Allow(r.Context(), "volume:list-all", nil) == nil
	if project = q.String("project_id"); !all {
		project = ""
	}
	return project, all
}
