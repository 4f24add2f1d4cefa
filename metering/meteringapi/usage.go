package meteringapi

import (
	"net/http"
	"net/url"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
	"github.com/nacre-cloud/nacre/metering"
)

const usagePath = "/v2.1/os-simple-tenant-usage"

// paged is the microversion from which usage comes in pages.
const paged = "2.40"

// UsageRoutes returns the calls about usage that are part of compute's API, for
// the face that compute is served under.
func UsageRoutes(s metering.Service) []rest.Route {
	h := usageHandlers{s}
	return []rest.Route{
		rest.GET(usagePath, h.list),
		rest.GET(usagePath+"/", h.unnamed),
		rest.GET(usagePath+"/{tenant}", h.show),
	}
}

// Usage adds UsageRoutes to the face of compute.
func Usage(s metering.Service) rest.Extension {
	return rest.Extension{Face: "compute", Routes: UsageRoutes(s)}
}

type usageHandlers struct{ metering.Service }

type tenantUsage struct {
	TenantID    string         `json:"tenant_id"`
	Start       time.Time      `json:"start" time:"micro"`
	Stop        time.Time      `json:"stop" time:"micro"`
	Hours       float64        `json:"total_hours"`
	VCPUHours   float64        `json:"total_vcpus_usage"`
	MemoryHours float64        `json:"total_memory_mb_usage"`
	DiskHours   float64        `json:"total_local_gb_usage"`
	Servers     *[]serverUsage `json:"server_usages,omitempty"`
}

type serverUsage struct {
	ID        string    `json:"instance_id"`
	Name      string    `json:"name"`
	TenantID  string    `json:"tenant_id"`
	Flavor    string    `json:"flavor"`
	VCPUs     int       `json:"vcpus"`
	MemoryMiB int       `json:"memory_mb"`
	DiskGiB   int       `json:"local_gb"`
	Hours     float64   `json:"hours"`
	StartedAt time.Time `json:"started_at" time:"micro"`
	EndedAt   time.Time `json:"ended_at" time:"micro"`
	State     string    `json:"state"`
	Uptime    int64     `json:"uptime"` // seconds
}

func newTenantUsage(p metering.ProjectUsage, detailed bool) tenantUsage {
	t := tenantUsage{
		TenantID: p.ProjectID, Start: p.From, Stop: p.To,
		Hours: p.Hours, VCPUHours: p.VCPUHours, MemoryHours: p.MemoryMiBHours, DiskHours: p.DiskGiBHours,
	}
	if !detailed {
		return t
	}
	servers := make([]serverUsage, len(p.Servers))
	for i, s := range p.Servers {
		servers[i] = serverUsage{
			ID: s.ServerID, Name: s.ServerName, TenantID: s.ProjectID, Flavor: s.FlavorName,
			VCPUs: s.VCPUs, MemoryMiB: s.MemoryMiB, DiskGiB: s.DiskGiB, Hours: s.Used.Hours(),
			StartedAt: s.StartedAt, EndedAt: s.StoppedAt, State: "active",
		}
		end := time.Now()
		if !s.StoppedAt.IsZero() {
			servers[i].State, end = "terminated", s.StoppedAt
		}
		servers[i].Uptime = int64(end.Sub(s.StartedAt).Seconds())
	}
	t.Servers = &servers
	return t
}

// read returns what a request asks for. Without dates it is the last four weeks.
func read(r *rest.Request) (q metering.UsageQuery, detailed bool, err error) {
	params := r.Query()
	detailed = params.String("detailed") == "1"
	if r.Since(paged) {
		q.Limit, q.Marker = params.Int("limit", page.MaxLimit), params.String("marker")
	}
	if q.To, err = moment("end", params.String("end"), time.Now().UTC()); err != nil {
		return q, detailed, err
	}
	if q.From, err = moment("start", params.String("start"), q.To.Add(-4*7*24*time.Hour)); err != nil {
		return q, detailed, err
	}
	if q.Limit < 0 {
		return q, detailed, fault.Invalid.Errorf("limit must not be negative")
	}
	return q, detailed, params.Err()
}

func moment(name, text string, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	t, err := microversion.ParseTime(text, "")
	if err != nil {
		return t, fault.Invalid.Errorf("%s: %q is not a date: send one such as 2027-01-31T15:04:05", name, text)
	}
	return t, nil
}

// usage returns the page that the request asks for, or everything before pages came.
func (s usageHandlers) usage(r *rest.Request, q metering.UsageQuery) (page.Of[metering.ProjectUsage], error) {
	all, err := s.Usage(r.Context(), q)
	if r.Since(paged) {
		return all, err
	}
	for err == nil && all.Next != "" {
		var more page.Of[metering.ProjectUsage]
		q.Marker = all.Next
		more, err = s.Usage(r.Context(), q)
		all = metering.Join(all, more)
	}
	return all, err
}

func (s usageHandlers) list(r *rest.Request) (rest.Response, error) {
	q, detailed, err := read(r)
	if err != nil {
		return rest.Response{}, err
	}
	p, err := s.usage(r, q)
	if err != nil {
		return rest.Response{}, err
	}
	list := make([]tenantUsage, len(p.Items))
	for i, u := range p.Items {
		list[i] = newTenantUsage(u, detailed)
	}
	return withNext(r, rest.ReplyUnder("tenant_usages", list), "tenant_usages_links", p.Next), nil
}

func (s usageHandlers) show(r *rest.Request) (rest.Response, error) {
	q, _, err := read(r)
	if err != nil {
		return rest.Response{}, err
	}
	q.ProjectID = r.Param("tenant")
	p, err := s.usage(r, q)
	if err != nil {
		return rest.Response{}, err
	}
	if len(p.Items) == 0 {
		return rest.ReplyUnder("tenant_usage", struct{}{}), nil
	}
	return withNext(r, rest.ReplyUnder("tenant_usage", newTenantUsage(p.Items[0], true)), "tenant_usage_links", p.Next), nil
}

// unnamed is what a client asks for whose project has no id.
func (usageHandlers) unnamed(*rest.Request) (rest.Response, error) {
	return rest.Response{}, rest.WithStatus(http.StatusNotFound, fault.NotFound.Errorf("the resource could not be found"))
}

func withNext(r *rest.Request, reply rest.Response, key, marker string) rest.Response {
	if marker == "" {
		return reply
	}
	return reply.And(key, []rest.Link{{Rel: "next", Href: next(r, marker)}})
}

// next returns the address of the request's next page.
func next(r *rest.Request, marker string) string {
	values := url.Values{}
	for k, v := range r.HTTP.URL.Query() {
		values[k] = v
	}
	values.Set("marker", marker)
	return r.URL(usagePath) + segment(r.Param("tenant")) + "?" + values.Encode()
}

func segment(s string) string {
	if s == "" {
		return ""
	}
	return "/" + url.PathEscape(s)
}
