package volumeapi

import (
	"maps"
	"slices"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
	"github.com/nacre-cloud/nacre/volume"
)

func (a *api) quotaRoutes() []rest.Route {
	return []rest.Route{
		rest.GET(root+"/limits", a.limits),
		rest.GET(root+"/os-quota-sets/{id}", a.showQuota),
		rest.GET(root+"/os-quota-sets/{id}/defaults", a.defaultQuota),
		rest.PUT(root+"/os-quota-sets/{id}", rest.JSONUnder("quota_set", a.setQuota)),
		rest.DELETE(root+"/os-quota-sets/{id}", a.resetQuota).Status(200),
		rest.GET(root+"/os-quota-class-sets/{id}", a.quotaClass),
	}
}

func (a *api) limits(r *rest.Request) (rest.Response, error) {
	project, params := identity.CallerOf(r.Context()).ProjectID, r.Query()
	if other := params.String("project_id"); other != "" && r.Since("3.39") {
		project = other
	}
	q, err := a.volumes.Quota(r.Context(), project)
	if err != nil {
		return rest.Response{}, err
	}
	absolute := map[string]int64{
		"maxTotalVolumes": q.Limits[volume.ResourceVolumes], "totalVolumesUsed": q.Used[volume.ResourceVolumes],
		"maxTotalVolumeGigabytes": q.Limits[volume.ResourceGigabytes], "totalGigabytesUsed": q.Used[volume.ResourceGigabytes],
		"maxTotalSnapshots": q.Limits[volume.ResourceSnapshots], "totalSnapshotsUsed": q.Used[volume.ResourceSnapshots],
		"maxTotalBackups": q.Limits["backups"], "totalBackupsUsed": 0,
		"maxTotalBackupGigabytes": q.Limits["backup_gigabytes"], "totalBackupGigabytesUsed": 0,
	}
	return rest.ReplyUnder("limits", map[string]any{"rate": []any{}, "absolute": absolute}), nil
}

// amounts writes what there is per resource in the order of names, after the id if there is one.
func amounts[T any](key, id string, of map[string]T) rest.Response {
	set := microversion.Object{}
	if id != "" {
		set = append(set, microversion.Member{Key: "id", Value: id})
	}
	for _, name := range slices.Sorted(maps.Keys(of)) {
		set = append(set, microversion.Member{Key: name, Value: of[name]})
	}
	return rest.ReplyUnder(key, set)
}

func (a *api) showQuota(r *rest.Request) (rest.Response, error) {
	type detail struct {
		Limit    int64 `json:"limit"`
		InUse    int64 `json:"in_use"`
		Reserved int64 `json:"reserved"`
	}
	params := r.Query()
	usage := params.Flag("usage")
	if err := params.Err(); err != nil {
		return rest.Response{}, err
	}
	project := r.Param("id")
	q, err := a.volumes.Quota(r.Context(), project)
	if err != nil || !usage {
		return amounts("quota_set", project, q.Limits), err
	}
	all := map[string]detail{}
	for name, limit := range q.Limits {
		all[name] = detail{Limit: limit, InUse: q.Used[name]}
	}
	return amounts("quota_set", project, all), nil
}

func (a *api) defaultQuota(r *rest.Request) (rest.Response, error) {
	q, err := a.volumes.Quota(r.Context(), r.Param("id"))
	return amounts("quota_set", r.Param("id"), q.Defaults), err
}

// quotaClass shows the defaults, which are the one class there is.
func (a *api) quotaClass(r *rest.Request) (rest.Response, error) {
	if class := r.Param("id"); class != "default" {
		return rest.Response{}, fault.NotFound.Errorf("quota class %.64q could not be found", class)
	}
	q, err := a.volumes.Quota(r.Context(), identity.CallerOf(r.Context()).ProjectID)
	return amounts("quota_class_set", "default", q.Defaults), err
}

func (a *api) setQuota(r *rest.Request, in map[string]any) (rest.Response, error) {
	limits := quota.Amount{}
	for name, v := range in {
		if name == "id" || name == "tenant_id" || name == "project_id" || name == "force" {
			continue
		}
		n, ok := v.(float64)
		if !ok || n != float64(int64(n)) {
			return rest.Response{}, fault.Invalid.Errorf("quota for %.64q must be an integer", name)
		}
		limits[name] = int64(n)
	}
	if len(limits) == 0 {
		return rest.Response{}, fault.Invalid.Errorf("the body names no quota to set")
	}
	q, err := a.volumes.SetQuota(r.Context(), volume.QuotaPatch{ProjectID: r.Param("id"), Limits: limits})
	return amounts("quota_set", "", q.Limits), err
}

func (a *api) resetQuota(r *rest.Request) (rest.Response, error) {
	_, err := a.volumes.SetQuota(r.Context(), volume.QuotaPatch{ProjectID: r.Param("id")})
	return rest.Empty(), err
}
