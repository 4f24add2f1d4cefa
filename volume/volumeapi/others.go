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

func (a *api) otherRoutes() []rest.Route {
	return []rest.Route{
		rest.GET(root+"/limits", a.limits),
		rest.GET(root+"/os-quota-sets/{id}", a.showQuota),
		rest.GET(root+"/os-quota-sets/{id}/defaults", a.defaultQuota),
		rest.PUT(root+"/os-quota-sets/{id}", rest.JSONUnder("quota_set", a.setQuota)),
		rest.DELETE(root+"/os-quota-sets/{id}", a.resetQuota).Status(200),
		rest.GET(root+"/os-availability-zone", a.zones),
		rest.GET(root+"/extensions", extensions),
		rest.GET(root+"/os-services", services),
		rest.GET(root+"/backups", none("backups")),
		rest.GET(root+"/backups/detail", none("backups")),
		rest.GET(root+"/os-volume-transfer/detail", none("transfers")),
		rest.GET(root+"/messages", none("messages")).Since("3.3"),
	}
}

// none is a list of what this cloud has none of.
func none(key string) rest.Handler {
	return func(*rest.Request) (rest.Response, error) { return rest.ReplyUnder(key, []string{}), nil }
}

func extensions(*rest.Request) (rest.Response, error) {
	type extension struct {
		Name        string      `json:"name"`
		Alias       string      `json:"alias"`
		Description string      `json:"description"`
		Updated     string      `json:"updated"`
		Links       []rest.Link `json:"links"`
	}
	return rest.ReplyUnder("extensions", []extension{
		{"QuotaSets", "os-quota-sets", "What a project may use.", "2011-08-08T00:00:00-00:00", nil},
		{"TypesManage", "os-types-manage", "Volume types.", "2011-08-24T00:00:00+00:00", nil},
		{"VolumeActions", "os-volume-actions", "Actions on volumes.", "2012-05-31T00:00:00+00:00", nil},
	}), nil
}

// services lists nothing to those who may see it: volumes have no daemons of
// their own here.
func services(r *rest.Request) (rest.Response, error) {
	return rest.ReplyUnder("services", []string{}), identity.Allow(r.Context(), "volume:list-all", nil)
}

func (a *api) zones(r *rest.Request) (rest.Response, error) {
	type state struct {
		Available bool `json:"available"`
	}
	type zone struct {
		Name  string `json:"zoneName"`
		State state  `json:"zoneState"`
	}
	return rest.ReplyUnder("availabilityZoneInfo", []zone{{"nova", state{true}}}), nil
}

func (a *api) limits(r *rest.Request) (rest.Response, error) {
	q, err := a.volumes.Quota(r.Context(), identity.CallerOf(r.Context()).ProjectID)
	if err != nil {
		return rest.Response{}, err
	}
	absolute := map[string]int64{
		"maxTotalVolumes": q.Limits[volume.ResourceVolumes], "totalVolumesUsed": q.Used[volume.ResourceVolumes],
		"maxTotalVolumeGigabytes": q.Limits[volume.ResourceGigabytes], "totalGigabytesUsed": q.Used[volume.ResourceGigabytes],
		"maxTotalSnapshots": q.Limits[volume.ResourceSnapshots], "totalSnapshotsUsed": q.Used[volume.ResourceSnapshots],
		"maxTotalBackups": 0, "totalBackupsUsed": 0, "maxTotalBackupGigabytes": 0, "totalBackupGigabytesUsed": 0,
	}
	return rest.ReplyUnder("limits", map[string]any{"rate": []any{}, "absolute": absolute}), nil
}

// Limits that clients ask for although nothing here counts against them.
var unused = quota.Amount{"backups": 0, "backup_gigabytes": 0, "groups": 0, "per_volume_gigabytes": quota.Unlimited}

// quotaSet writes limits in the order of their names, with the project first.
func quotaSet[T any](project string, amounts map[string]T) rest.Response {
	set := microversion.Object{{Key: "id", Value: project}}
	for _, name := range slices.Sorted(maps.Keys(amounts)) {
		set = append(set, microversion.Member{Key: name, Value: amounts[name]})
	}
	return rest.ReplyUnder("quota_set", set)
}

func withUnused(limits quota.Amount) map[string]int64 {
	all := map[string]int64{}
	maps.Copy(all, unused)
	maps.Copy(all, limits)
	return all
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
	q, err := a.volumes.Quota(r.Context(), r.Param("id"))
	if err != nil || !usage {
		return quotaSet(r.Param("id"), withUnused(q.Limits)), err
	}
	details := map[string]detail{}
	for name, limit := range withUnused(q.Limits) {
		details[name] = detail{Limit: limit, InUse: q.Used[name]}
	}
	return quotaSet(r.Param("id"), details), nil
}

func (a *api) defaultQuota(r *rest.Request) (rest.Response, error) {
	if err := identity.Allow(r.Context(), "volume:quota:show", identity.InProject(r.Param("id"))); err != nil {
		return rest.Response{}, err
	}
	return quotaSet(r.Param("id"), withUnused(volume.DefaultQuota)), nil
}

func (a *api) setQuota(r *rest.Request, in map[string]any) (rest.Response, error) {
	limits := quota.Amount{}
	for name, v := range in {
		if _, ignored := unused[name]; ignored || name == "tenant_id" || name == "project_id" {
			continue
		}
		n, ok := v.(float64)
		if !ok || n != float64(int64(n)) {
			return rest.Response{}, fault.Invalid.Errorf("quota for %.64q must be an integer", name)
		}
		limits[name] = int64(n)
	}
	q, err := a.volumes.Quota(r.Context(), r.Param("id"))
	if err == nil && len(limits) > 0 {
		q, err = a.volumes.SetQuota(r.Context(), volume.QuotaPatch{ProjectID: r.Param("id"), Limits: limits})
	}
	set := microversion.Object{}
	all := withUnused(q.Limits)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		set = append(set, microversion.Member{Key: name, Value: all[name]})
	}
	return rest.ReplyUnder("quota_set", set), err
}

func (a *api) resetQuota(r *rest.Request) (rest.Response, error) {
	_, err := a.volumes.SetQuota(r.Context(), volume.QuotaPatch{ProjectID: r.Param("id")})
	return rest.Empty(), err
}
