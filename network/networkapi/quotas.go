package networkapi

import (
	"encoding/json"
	"net/http"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

func (a *api) quotaRoutes() []rest.Route {
	const path = root + "/quotas"
	return []rest.Route{
		rest.GET(path, a.listQuotas),
		rest.GET(path+"/tenant", a.quotaProject),
		rest.GET(path+"/project", a.quotaProject),
		rest.GET(path+"/{project}", a.showQuota),
		rest.GET(path+"/{project}/default", a.defaultQuota),
		rest.GET(path+"/{project}/details", a.quotaDetails),
		rest.GET(path+"/{project}/details.json", a.quotaDetails),
		rest.PUT(path+"/{project}", rest.JSONUnder("quota", a.updateQuota)),
		rest.DELETE(path+"/{project}", a.resetQuota).Status(http.StatusNoContent),
	}
}

func (a *api) listQuotas(r *rest.Request) (rest.Response, error) {
	list, err := a.networks.Quotas(r.Context())
	out := make([]map[string]any, 0, len(list))
	for _, q := range list {
		v := map[string]any{"project_id": q.ProjectID, "tenant_id": q.ProjectID}
		for resource, limit := range q.Limits {
			v[resource] = limit
		}
		out = append(out, v)
	}
	return rest.ReplyUnder("quotas", out), err
}

// quotaProject tells a client which project its token is for.
func (a *api) quotaProject(r *rest.Request) (rest.Response, error) {
	c := identity.CallerOf(r.Context())
	return rest.ReplyUnder("tenant", map[string]string{"tenant_id": c.ProjectID, "project_id": c.ProjectID}), nil
}

func (a *api) showQuota(r *rest.Request) (rest.Response, error) {
	q, err := a.networks.Quota(r.Context(), r.Param("project"))
	return rest.ReplyUnder("quota", q.Limits), err
}

func (a *api) defaultQuota(r *rest.Request) (rest.Response, error) {
	q, err := a.networks.Quota(r.Context(), r.Param("project"))
	return rest.ReplyUnder("quota", q.Defaults), err
}

func (a *api) quotaDetails(r *rest.Request) (rest.Response, error) {
	type detail struct {
		Limit    int64 `json:"limit"`
		Used     int64 `json:"used"`
		Reserved int64 `json:"reserved"`
	}
	q, err := a.networks.Quota(r.Context(), r.Param("project"))
	out := map[string]detail{}
	for resource, limit := range q.Limits {
		out[resource] = detail{Limit: limit, Used: q.Used[resource]}
	}
	return rest.ReplyUnder("quota", out), err
}

func (a *api) updateQuota(r *rest.Request, in map[string]any) (rest.Response, error) {
	limits := quota.Amount{}
	for resource, v := range in {
		switch resource {
		case "force", "check_limit", "project_id", "tenant_id":
			continue
		}
		n, err := whole(v)
		if err != nil {
			return rest.Response{}, fault.Invalid.Errorf("quota for %s: %w", resource, err)
		}
		limits[resource] = n
	}
	if len(limits) == 0 {
		return a.showQuota(r)
	}
	q, err := a.networks.SetQuota(r.Context(), network.QuotaPatch{ProjectID: r.Param("project"), Limits: limits})
	return rest.ReplyUnder("quota", q.Limits), err
}

// whole reads a number, which some clients send as text.
func whole(v any) (int64, error) {
	switch n := v.(type) {
	case json.Number:
		return n.Int64()
	case string:
		return json.Number(n).Int64()
	case float64:
		if n == float64(int64(n)) {
			return int64(n), nil
		}
	}
	return 0, fault.Invalid.Errorf("%v is not a whole number", v)
}

func (a *api) resetQuota(r *rest.Request) (rest.Response, error) {
	_, err := a.networks.SetQuota(r.Context(), network.QuotaPatch{ProjectID: r.Param("project")})
	return rest.Empty(), err
}
