package computeapi

import (
	"maps"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// A quotaSet has a T for each resource of this API.
type quotaSet[T any] struct {
	counted[T]
	serverGroups[T]
	injectedFiles[T] `until:"2.56"`
	networkThings[T] `until:"2.35"`
}

type counted[T any] struct {
	Instances T `json:"instances"`
	Cores     T `json:"cores"`
	RAM       T `json:"ram"`
	KeyPairs  T `json:"key_pairs"`
	Metadata  T `json:"metadata_items"`
}

type serverGroups[T any] struct {
	Groups  T `json:"server_groups"`
	Members T `json:"server_group_members"`
}

type injectedFiles[T any] struct {
	Files     T `json:"injected_files"`
	FileBytes T `json:"injected_file_content_bytes"`
	PathBytes T `json:"injected_file_path_bytes"`
}

type networkThings[T any] struct {
	FixedIPs    T `json:"fixed_ips"`
	FloatingIPs T `json:"floating_ips"`
	SecGroups   T `json:"security_groups"`
	SecRules    T `json:"security_group_rules"`
}

// each gives f every resource by its name.
func (s *quotaSet[T]) each(f func(name string, value *T)) {
	for name, value := range map[string]*T{
		compute.ResourceServers: &s.Instances, compute.ResourceCores: &s.Cores, compute.ResourceMemoryMiB: &s.RAM,
		compute.ResourceKeypairs: &s.KeyPairs, compute.ResourceMetadata: &s.Metadata,
		"server_groups": &s.Groups, "server_group_members": &s.Members,
		"injected_files": &s.Files, "injected_file_content_bytes": &s.FileBytes, "injected_file_path_bytes": &s.PathBytes,
		"fixed_ips": &s.FixedIPs, "floating_ips": &s.FloatingIPs, "security_groups": &s.SecGroups, "security_group_rules": &s.SecRules,
	} {
		f(name, value)
	}
}

// others are the limits of resources that compute does not count: those of other
// services, and of what is not offered.
var others = quota.Amount{
	"server_groups": 0, "server_group_members": 0, "injected_files": compute.MaxFiles, "injected_file_content_bytes": compute.MaxFileBytes, "injected_file_path_bytes": 255,
	"fixed_ips": quota.Unlimited, "floating_ips": quota.Unlimited, "security_groups": quota.Unlimited, "security_group_rules": quota.Unlimited,
}

func newQuotaSet(limits quota.Amount) quotaSet[int64] {
	all := maps.Clone(others)
	maps.Copy(all, limits)
	var out quotaSet[int64]
	out.each(func(name string, value *int64) { *value = all[name] })
	return out
}

type quotaShown struct {
	ID string `json:"id"`
	quotaSet[int64]
}

type quotaUse struct {
	Limit    int64 `json:"limit"`
	InUse    int64 `json:"in_use"`
	Reserved int64 `json:"reserved"`
}

type quotaDetail struct {
	ID string `json:"id"`
	quotaSet[quotaUse]
}

func (a *api) showQuota(r *rest.Request) (rest.Response, error) {
	q, err := a.Quota(r.Context(), r.Param("project"))
	return rest.ReplyUnder("quota_set", quotaShown{r.Param("project"), newQuotaSet(q.Limits)}), err
}

func (a *api) detailQuota(r *rest.Request) (rest.Response, error) {
	q, err := a.Quota(r.Context(), r.Param("project"))
	all := maps.Clone(others)
	maps.Copy(all, q.Limits)
	out := quotaDetail{ID: r.Param("project")}
	out.each(func(name string, value *quotaUse) { *value = quotaUse{Limit: all[name], InUse: q.Used[name]} })
	return rest.ReplyUnder("quota_set", out), err
}

func (a *api) defaultQuota(r *rest.Request) (rest.Response, error) {
	defaults, err := a.defaults(r)
	return rest.ReplyUnder("quota_set", quotaShown{r.Param("project"), newQuotaSet(defaults)}), err
}

// A quotaClass is a quotaSet whose parts came and went at other versions.
type quotaClass struct {
	ID string `json:"id"`
	counted[int64]
	serverGroups[int64]  `since:"2.50"`
	injectedFiles[int64] `until:"2.56"`
	networkThings[int64] `until:"2.49"`
}

func (a *api) quotaClass(r *rest.Request) (rest.Response, error) {
	defaults, err := a.defaults(r)
	set := newQuotaSet(defaults)
	return rest.ReplyUnder("quota_class_set", quotaClass{
		r.Param("class"), set.counted, set.serverGroups, set.injectedFiles, set.networkThings,
	}), err
}

// defaults returns the limits of any project without its own, which everybody may know.
func (a *api) defaults(r *rest.Request) (quota.Amount, error) {
	q, err := a.Quota(r.Context(), identity.CallerOf(r.Context()).ProjectID)
	return q.Defaults, err
}

type quotaUpdate struct {
	quotaSet[*quotaLimit]
	Force *bool `json:"force" loose:"true"`
}

// A quotaLimit is a number or a number as text.
type quotaLimit struct {
	Value int64 `json:"-"`
}

// UnmarshalJSON reads the number.
func (l *quotaLimit) UnmarshalJSON(raw []byte) error {
	s := string(raw)
	if len(s) > 1 && s[0] == '"' {
		s = s[1 : len(s)-1]
	}
	n, err := rest.ParseInt("quota", s)
	if err == nil && (n < quota.Unlimited || n > 1<<31-1) {
		err = fault.Invalid.Errorf("a limit is from -1 to %d", 1<<31-1)
	}
	l.Value = int64(n)
	return err
}

func (a *api) setQuota(r *rest.Request, in quotaUpdate) (rest.Response, error) {
	project := r.Param("project")
	old, err := a.Quota(r.Context(), project)
	if err != nil {
		return rest.Response{}, err
	}
	limits := quota.Amount{}
	in.each(func(name string, limit **quotaLimit) {
		_, counted := old.Limits[name]
		if *limit == nil || !counted {
			return
		}
		limits[name] = (*limit).Value
		if used := old.Used[name]; !deref(in.Force) && limits[name] != quota.Unlimited && limits[name] < used {
			err = fault.Invalid.Errorf("quota limit %d for %s must be greater than or equal to already used and reserved %d", limits[name], name, used)
		}
	})
	if err != nil {
		return rest.Response{}, err
	}
	if len(limits) > 0 { // none would restore the defaults
		if old, err = a.SetQuota(r.Context(), compute.QuotaPatch{ProjectID: project, Limits: limits}); err != nil {
			return rest.Response{}, err
		}
	}
	return rest.ReplyUnder("quota_set", newQuotaSet(old.Limits)), nil
}

func (a *api) resetQuota(r *rest.Request) (rest.Response, error) {
	_, err := a.SetQuota(r.Context(), compute.QuotaPatch{ProjectID: r.Param("project")})
	return rest.Empty(), err
}

type limitsOut struct {
	Rate     []struct{} `json:"rate"`
	Absolute absolute   `json:"absolute"`
}

type absolute struct {
	Instances     int64 `json:"maxTotalInstances"`
	Cores         int64 `json:"maxTotalCores"`
	RAM           int64 `json:"maxTotalRAMSize"`
	KeyPairs      int64 `json:"maxTotalKeypairs"`
	Metadata      int64 `json:"maxServerMeta"`
	Groups        int64 `json:"maxServerGroups"`
	Members       int64 `json:"maxServerGroupMembers"`
	InstancesUsed int64 `json:"totalInstancesUsed"`
	CoresUsed     int64 `json:"totalCoresUsed"`
	RAMUsed       int64 `json:"totalRAMUsed"`
	GroupsUsed    int64 `json:"totalServerGroupsUsed"`

	Files         int64 `json:"maxPersonality" until:"2.56"`
	FileBytes     int64 `json:"maxPersonalitySize" until:"2.56"`
	ImageMetadata int64 `json:"maxImageMeta" until:"2.38"`

	FloatingIPs     int64 `json:"maxTotalFloatingIps" until:"2.35"`
	FloatingIPsUsed int64 `json:"totalFloatingIpsUsed" until:"2.35"`
	SecGroups       int64 `json:"maxSecurityGroups" until:"2.35"`
	SecGroupsUsed   int64 `json:"totalSecurityGroupsUsed" until:"2.35"`
	SecRules        int64 `json:"maxSecurityGroupRules" until:"2.35"`
}

func (a *api) limits(r *rest.Request) (rest.Response, error) {
	project := r.Query().String("tenant_id")
	if project == "" {
		project = identity.CallerOf(r.Context()).ProjectID
	}
	q, err := a.Quota(r.Context(), project)
	set := newQuotaSet(q.Limits)
	return rest.ReplyUnder("limits", limitsOut{Absolute: absolute{
		Instances: set.Instances, Cores: set.Cores, RAM: set.RAM, KeyPairs: set.KeyPairs, Metadata: set.Metadata,
		Groups: set.Groups, Members: set.Members,
		InstancesUsed: q.Used[compute.ResourceServers], CoresUsed: q.Used[compute.ResourceCores], RAMUsed: q.Used[compute.ResourceMemoryMiB],
		Files: set.Files, FileBytes: set.FileBytes, ImageMetadata: set.Metadata,
		FloatingIPs: set.FloatingIPs, SecGroups: set.SecGroups, SecRules: set.SecRules,
	}}), err
}
