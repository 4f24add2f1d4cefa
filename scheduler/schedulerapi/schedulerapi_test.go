package schedulerapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/placement/v1/resourceproviders"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/scheduler/schedulerapi"
	"github.com/nacre-cloud/nacre/scheduler/schedulertest"
)

// serve returns the address of a face over a scheduler with one host and one
// placement. The token "admin" is an administrator's, any other a member's.
func serve(t *testing.T) (url string, p scheduler.Placement) {
	t.Helper()
	m, err := scheduler.New(scheduler.Params{
		DB: dbtest.SQLite(t, bus.Migrations, scheduler.Migrations),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := schedulertest.Operator(t.Context())
	report := schedulertest.Report("h1", 4, 4096, 40)
	report.Traits = []string{"CUSTOM_A", "HW_B"}
	report.Inventories[0].Ratio = 16
	report.Inventories[1].Reserved = 512
	if err := m.ReportHost(ctx, report); err != nil {
		t.Fatal(err)
	}
	if p, err = m.Place(ctx, schedulertest.Spec(2, 1024, 10)); err != nil {
		t.Fatal(err)
	}
	server, err := rest.New(rest.Params{Faces: []rest.Face{schedulerapi.New(m)}, Authenticator: rest.AuthenticatorFunc(
		func(ctx context.Context, token string) (context.Context, error) {
			if token == "admin" {
				return schedulertest.Operator(ctx), nil
			}
			return identity.With(ctx, identity.Caller{UserID: "u", ProjectID: "p1", Roles: identity.Expand(identity.RoleMember)}), nil
		})})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(server.Handler())
	t.Cleanup(s.Close)
	return s.URL + "/placement", p
}

type answer struct {
	status int
	header http.Header
	body   map[string]any
}

func get(t *testing.T, url, version, token string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if version != "" {
		req.Header.Set("OpenStack-API-Version", "placement "+version)
	}
	if token != "" {
		req.Header.Set("X-Auth-Token", token)
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
	a := answer{status: res.StatusCode, header: res.Header}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &a.body); err != nil {
			t.Fatalf("%s: %s", err, text)
		}
	}
	return a
}

func TestRootNeedsNoToken(t *testing.T) {
	url, _ := serve(t)
	for _, slash := range []string{"", "/"} {
		a := get(t, url+slash, "", "")
		if a.status != http.StatusOK || a.header.Get("OpenStack-API-Version") != "placement 1.0" || a.header.Get("Vary") == "" {
			t.Error(a)
		}
	}
}

func TestShapes(t *testing.T) {
	url, p := serve(t)
	host := string(p.HostID)
	tests := []struct {
		path, version string
		want          string
	}{
		{"/resource_providers/" + host + "/inventories", "1.0", `{"inventories":{
			"VCPU":{"total":4,"reserved":0,"min_unit":1,"max_unit":64,"step_size":1,"allocation_ratio":16},
			"MEMORY_MB":{"total":4096,"reserved":512,"min_unit":1,"max_unit":3584,"step_size":1,"allocation_ratio":1},
			"DISK_GB":{"total":40,"reserved":0,"min_unit":1,"max_unit":40,"step_size":1,"allocation_ratio":1}},
			"resource_provider_generation":1}`},
		{"/resource_providers/" + host + "/inventories/DISK_GB", "1.0", `{"total":40,"reserved":0,"min_unit":1,"max_unit":40,"step_size":1,"allocation_ratio":1,"resource_provider_generation":1}`},
		{"/resource_providers/" + host + "/usages", "1.0", `{"usages":{"VCPU":2,"MEMORY_MB":1024,"DISK_GB":10},"resource_provider_generation":1}`},
		{"/resource_providers/" + host + "/aggregates", "1.1", `{"aggregates":[]}`},
		{"/resource_providers/" + host + "/aggregates", "1.19", `{"aggregates":[],"resource_provider_generation":1}`},
		{"/resource_providers/" + host + "/traits", "1.6", `{"traits":["CUSTOM_A","HW_B"],"resource_provider_generation":1}`},
		{"/allocations/" + string(p.ConsumerID), "1.0", `{"allocations":{"` + host + `":{"generation":1,"resources":{"VCPU":2,"MEMORY_MB":1024,"DISK_GB":10}}}}`},
		{"/allocations/" + string(p.ConsumerID), "1.38", `{"allocations":{"` + host + `":{"generation":1,"resources":{"VCPU":2,"MEMORY_MB":1024,"DISK_GB":10}}},
			"project_id":"p1","user_id":"system:schedulertest","consumer_generation":1,"consumer_type":"INSTANCE"}`},
		{"/allocations/none", "1.38", `{"allocations":{}}`},
		{"/traits?name=startswith:CUSTOM", "1.6", `{"traits":["CUSTOM_A"]}`},
		{"/usages?project_id=p1", "1.9", `{"usages":{"VCPU":2,"MEMORY_MB":1024,"DISK_GB":10}}`},
		{"/usages?project_id=p1", "1.38", `{"usages":{"INSTANCE":{"consumer_count":1,"VCPU":2,"MEMORY_MB":1024,"DISK_GB":10}}}`},
	}
	for _, tt := range tests {
		t.Run(tt.path+" "+tt.version, func(t *testing.T) {
			a := get(t, url+tt.path, tt.version, "admin")
			var want map[string]any
			if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, a.body); diff != "" || a.status != http.StatusOK {
				t.Error(a.status, diff)
			}
			if got := a.header.Get("OpenStack-API-Version"); got != "placement "+tt.version {
				t.Error(got)
			}
		})
	}
}

func TestProvidersGrowWithTheVersion(t *testing.T) {
	url, _ := serve(t)
	links := map[string]int{"1.0": 3, "1.1": 4, "1.6": 5, "1.11": 6, "1.39": 6}
	for version, n := range links {
		a := get(t, url+"/resource_providers?name=h1", version, "admin")
		p := a.body["resource_providers"].([]any)[0].(map[string]any)
		if _, has := p["root_provider_uuid"]; len(p["links"].([]any)) != n || has != (version == "1.39") {
			t.Error(version, p)
		}
	}
}

func TestRefusals(t *testing.T) {
	url, _ := serve(t)
	tests := []struct {
		name, path, version, token string
		want                       int
	}{
		{"members may not look", "/resource_providers", "1.0", "member", http.StatusForbidden},
		{"no token", "/resource_providers", "1.0", "", http.StatusUnauthorized},
		{"no such provider", "/resource_providers/none", "1.23", "admin", http.StatusNotFound},
		{"no such class", "/resource_classes/CUSTOM_NONE", "1.2", "admin", http.StatusNotFound},
		{"before its time", "/traits", "1.5", "admin", http.StatusNotFound},
		{"unknown parameter", "/resource_providers?color=red", "1.0", "admin", http.StatusBadRequest},
		{"unknown version", "/resource_providers", "1.99", "admin", http.StatusNotAcceptable},
		{"no project", "/usages", "1.9", "admin", http.StatusBadRequest},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if a := get(t, url+tt.path, tt.version, tt.token); a.status != tt.want {
				t.Error(a.status, a.body)
			}
		})
	}
}

func TestGophercloudReadsIt(t *testing.T) {
	url, p := serve(t)
	client := &gophercloud.ServiceClient{
		ProviderClient: &gophercloud.ProviderClient{TokenID: "admin"}, Endpoint: url + "/", Type: "placement", Microversion: "1.38",
	}
	pages, err := resourceproviders.List(client, resourceproviders.ListOpts{}).AllPages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all, err := resourceproviders.ExtractResourceProviders(pages)
	if err != nil || len(all) != 1 || all[0].Name != "h1" || all[0].RootProviderUUID != string(p.HostID) {
		t.Fatal(all, err)
	}
	stock, err := resourceproviders.GetInventories(t.Context(), client, all[0].UUID).Extract()
	if err != nil || stock.Inventories["VCPU"].Total != 4 {
		t.Error(stock, err)
	}
	used, err := resourceproviders.GetUsages(t.Context(), client, all[0].UUID).Extract()
	if err != nil || used.Usages["VCPU"] != 2 {
		t.Error(used, err)
	}
	held, err := resourceproviders.GetAllocations(t.Context(), client, all[0].UUID).Extract()
	if err != nil || held.Allocations[string(p.ConsumerID)].Resources["MEMORY_MB"] != 1024 {
		t.Error(held, err)
	}
}
