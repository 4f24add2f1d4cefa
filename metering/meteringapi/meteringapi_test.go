package meteringapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/usage"

	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
	"github.com/nacre-cloud/nacre/metering"
	"github.com/nacre-cloud/nacre/metering/meteringapi"
	"github.com/nacre-cloud/nacre/metering/meteringtest"
)

// serve returns the address of both faces over a service that knows
// meteringtest.Spans. The token "admin" is an operator's, any other names a project.
func serve(t *testing.T) (string, metering.Service) {
	t.Helper()
	d := dbtest.SQLite(t, metering.Migrations)
	meteringtest.Seed(t, d)
	m := metering.New(metering.Params{DB: d})
	compute := rest.Face{
		Name: "compute", Prefix: "/compute", Dialect: dialect.Keyed,
		Microversions: &rest.Microversions{Min: "2.1", Max: "2.93", Service: "compute"},
		Routes:        meteringapi.UsageRoutes(m),
		Aliases:       map[string][]string{"/v2.1": {"/v2.1/{project_id}"}},
	}
	server, err := rest.New(rest.Params{
		Faces: []rest.Face{meteringapi.New(m), compute},
		Authenticator: rest.AuthenticatorFunc(func(ctx context.Context, token string) (context.Context, error) {
			if token == "admin" {
				return meteringtest.Operator(ctx), nil
			}
			return meteringtest.Reader(ctx, token), nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(server.Handler())
	t.Cleanup(s.Close)
	return s.URL, m
}

func get(t *testing.T, url, token, version string) (int, any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", token)
	if version != "" {
		req.Header.Set("OpenStack-API-Version", "compute "+version)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var body any
	if err := json.Unmarshal(text, &body); err != nil {
		t.Fatalf("%d %s: %v", res.StatusCode, text, err)
	}
	return res.StatusCode, body
}

const day = "?start=2026-01-01T00:00:00&end=2026-01-02T00:00:00.000000"

func TestUsageOfAProject(t *testing.T) {
	url, _ := serve(t)
	for _, prefix := range []string{"/compute/v2.1", "/compute/v2.1/p1"} {
		status, got := get(t, url+prefix+"/os-simple-tenant-usage/p1"+day, "p1", "")
		var want any
		if err := json.Unmarshal([]byte(`{"tenant_usage":{"tenant_id":"p1","start":"2026-01-01T00:00:00.000000","stop":"2026-01-02T00:00:00.000000",
			"total_hours":3.5,"total_vcpus_usage":6.5,"total_memory_mb_usage":3328,"total_local_gb_usage":35,"server_usages":[
			{"instance_id":"a","name":"resized","tenant_id":"p1","flavor":"small","vcpus":1,"memory_mb":512,"local_gb":10,"hours":2,"state":"terminated","uptime":7200,
			"started_at":"2026-01-01T12:00:00.000000","ended_at":"2026-01-01T14:00:00.000000"},
			{"instance_id":"a","name":"resized","tenant_id":"p1","flavor":"large","vcpus":4,"memory_mb":2048,"local_gb":10,"hours":1,"state":"terminated","uptime":3600,
			"started_at":"2026-01-01T14:00:00.000000","ended_at":"2026-01-01T15:00:00.000000"},
			{"instance_id":"b","name":"deleted","tenant_id":"p1","flavor":"small","vcpus":1,"memory_mb":512,"local_gb":10,"hours":0.5,"state":"terminated","uptime":1800,
			"started_at":"2026-01-01T13:00:00.000000","ended_at":"2026-01-01T13:30:00.000000"}]}}`), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" || status != http.StatusOK {
			t.Error(status, diff)
		}
	}
}

func TestUsageOfAll(t *testing.T) {
	url, _ := serve(t)
	url += "/compute/v2.1/os-simple-tenant-usage"
	projects := func(query, version string) (ids []string, details int, next string) {
		status, got := get(t, url+query, "admin", version)
		body, ok := got.(map[string]any)
		if !ok || status != http.StatusOK {
			t.Fatal(status, got)
		}
		for _, u := range body["tenant_usages"].([]any) {
			u := u.(map[string]any)
			ids = append(ids, u["tenant_id"].(string))
			servers, _ := u["server_usages"].([]any)
			details += len(servers)
		}
		if links, ok := body["tenant_usages_links"].([]any); ok {
			next = links[0].(map[string]any)["href"].(string)
		}
		return ids, details, next
	}
	if ids, details, _ := projects(day, ""); cmp.Diff(ids, []string{"p1", "p2"}) != "" || details != 0 {
		t.Error(ids, details)
	}
	if _, details, next := projects(day+"&detailed=1&limit=1", "2.39"); details != 4 || next != "" {
		t.Error("before 2.40 there are no pages", details, next)
	}
	_, details, next := projects(day+"&detailed=1&limit=1", "2.40")
	if details != 2 || !strings.HasPrefix(next, url) || !strings.Contains(next, "marker=a") {
		t.Error(details, next)
	}
	if ids, _, next := projects(day+"&detailed=1&marker=c", "2.40"); ids != nil || next != "" {
		t.Error("after the last page comes an empty one", ids, next)
	}
}

func TestUsageRefusals(t *testing.T) {
	url, _ := serve(t)
	url += "/compute/v2.1/os-simple-tenant-usage"
	tests := []struct {
		name, path, token string
		want              int
	}{
		{"all is for administrators", day, "p1", http.StatusForbidden},
		{"another project's", "/p2" + day, "p1", http.StatusNotFound},
		{"no project", "/" + day, "admin", http.StatusNotFound},
		{"the end before the start", "/p1?start=2026-01-02T00:00:00&end=2026-01-01T00:00:00", "p1", http.StatusBadRequest},
		{"not a date", "/p1?start=yesterday", "p1", http.StatusBadRequest},
		{"nothing used", "/p1?start=2020-01-01&end=2020-01-02", "p1", http.StatusOK},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if status, body := get(t, url+tt.path, tt.token, ""); status != tt.want {
				t.Error(status, body)
			}
		})
	}
}

func TestGophercloudReadsUsage(t *testing.T) {
	url, _ := serve(t)
	client := &gophercloud.ServiceClient{
		ProviderClient: &gophercloud.ProviderClient{TokenID: "admin"}, Endpoint: url + "/compute/v2.1/", Type: "compute", Microversion: "2.40",
	}
	from, to := meteringtest.Noon.Add(-time.Hour), meteringtest.Noon.Add(12*time.Hour)
	pages, err := usage.AllTenants(client, usage.AllTenantsOpts{Detailed: true, Start: &from, End: &to, Limit: 1}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := usage.ExtractAllTenants(pages)
	if err != nil || len(all) != 3 || all[0].TenantID != "p1" || len(all[0].ServerUsages) != 2 {
		t.Error(all, err)
	}
}

func TestMeasures(t *testing.T) {
	url, s := serve(t)
	var samples []metering.Sample
	for i := range 4 {
		samples = append(samples, meteringtest.Reading("a", metering.Memory, i, float64(i*100)))
	}
	if err := s.Record(meteringtest.Operator(t.Context()), samples); err != nil {
		t.Fatal(err)
	}
	id := string(metering.IDOf(metering.Memory, "a", "p1"))
	policy := `{"name":"samples","back_window":0,"definition":[],"aggregation_methods":["count","max","mean","min","sum"]}`
	metric := `{"id":"` + id + `","name":"memory.usage","unit":"MB","resource_id":"a","created_by_project_id":"p1","created_by_user_id":"","creator":"p1","archive_policy":` + policy + `}`
	span := "?start=2026-01-01T12:00:00&stop=2026-01-01T13:00:00"
	tests := []struct {
		path, token, want string
		status            int
	}{
		{"/v1/metric", "p1", `[` + metric + `]`, 200},
		{"/v1/metric/" + id, "p1", metric, 200},
		{"/v1/resource/generic/a/metric/memory.usage", "p1", metric, 200},
		{"/v1/archive_policy", "p1", `[` + policy + `]`, 200},
		{"/v1/archive_policy/samples", "p1", policy, 200},
		{"/v1/archive_policy/low", "p1", `{"code":404,"title":"Not Found","description":"archive policy low does not exist; there is samples"}`, 404},
		{"/v1/metric", "p2", `[]`, 200},
		{"/v1/metric/" + id + "/measures" + span, "p1", `[["2026-01-01T12:00:00Z",300,150]]`, 200},
		{"/v1/metric/" + id + "/measures" + span + "&aggregation=max&granularity=120", "p1", `[["2026-01-01T12:00:00Z",120,100],["2026-01-01T12:02:00Z",120,300]]`, 200},
		{"/v1/resource/instance/a/metric/memory.usage/measures" + span + "&aggregation=count", "admin", `[["2026-01-01T12:00:00Z",300,4]]`, 200},
		{"/v1/resource/generic/a", "p1", `{"id":"a","original_resource_id":"a","type":"instance","project_id":"p1","user_id":null,"metrics":{"memory.usage":"` + id + `"}}`, 200},
		{"/v1/metric/" + id, "p2", `{"code":404,"title":"Not Found","description":"metric ` + id + ` does not exist"}`, 404},
		{"/v1/metric/" + id + "/measures?aggregation=guess", "p1", `{"code":400,"title":"Bad Request","description":"aggregation \"guess\" is not one of mean, min, max, sum, count"}`, 400},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			status, got := get(t, url+"/metering"+tt.path, tt.token, "")
			var want any
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" || status != tt.status {
				t.Error(status, diff)
			}
		})
	}
}
