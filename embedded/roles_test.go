package embedded_test

import (
	"slices"
	"strings"
	"testing"
)

// TestARoleMayDoThisMuch in the project where a user has it. Each call names the
// least role that may make it; those above it may too.
func TestARoleMayDoThisMuch(t *testing.T) {
	w := newWorld(t)
	ranks := []string{"reader", "member", "manager", "admin"}
	team := w.admin.make("/identity/v3/projects", `{"project":{"name":"team"}}`, "project.id")
	users := map[string]*user{"": w.alice.with("")}
	for _, role := range append(ranks, "service") {
		users[role] = w.newUserIn(team, "the "+role, w.role(role))
	}
	old := users["member"].make("/image/v2/images", `{"name":"old","disk_format":"raw","container_format":"bare"}`, "id")
	for _, tt := range []struct{ least, call, body string }{
		{"reader", "GET /compute/v2.1/servers/detail", ""},
		{"reader", "GET /compute/v2.1/os-quota-sets/{me}", ""},
		{"reader", "GET /compute/v2.1/os-simple-tenant-usage/{me}", ""},
		{"reader", "GET /image/v2/images/" + old, ""},
		{"reader", "GET /network/v2.0/ports", ""},
		{"reader", "GET /volume/v3/{me}/volumes/detail", ""},
		{"reader", "GET /object-store/v1/AUTH_{me}", ""},
		{"reader", "GET /metering/v1/metric", ""},
		{"member", "POST /compute/v2.1/servers", `{"server":{"name":"s","flavorRef":"1","imageRef":"` + demo + `","networks":"none"}}`},
		{"member", "POST /image/v2/images", `{"name":"i"}`},
		{"member", "PUT /image/v2/images/" + old + "/tags/t", ""},
		{"member", "POST /network/v2.0/networks", `{"network":{"name":"n"}}`},
		{"member", "POST /volume/v3/{me}/volumes", `{"volume":{"size":1}}`},
		{"member", "PUT /object-store/v1/AUTH_{me}/c", ""},
		{"admin", "POST /compute/v2.1/flavors", `{"flavor":{"name":"{role}","vcpus":1,"ram":1,"disk":1}}`},
		{"admin", "GET /compute/v2.1/servers/detail?all_tenants=1", ""},
		{"admin", "PUT /compute/v2.1/os-quota-sets/{me}", `{"quota_set":{"cores":9}}`},
		{"admin", "POST /image/v2/images", `{"name":"i","visibility":"public"}`},
		{"admin", "POST /network/v2.0/networks", `{"network":{"name":"n","shared":true}}`},
		{"admin", "POST /network/v2.0/networks", `{"network":{"name":"n","router:external":true}}`},
		{"admin", "POST /volume/v3/{me}/types", `{"volume_type":{"name":"{role}"}}`},
		{"admin", "POST /object-store/v1/AUTH_{me}", ""},
		{"admin", "GET /identity/v3/users", ""},
		{"admin", "GET /identity/v3/role_assignments", ""},
		{"admin", "POST /identity/v3/projects", `{"project":{"name":"of {role}"}}`},
		{"admin", "POST /identity/v3/users", `{"user":{"name":"of {role}"}}`},
		{"admin", "PUT /identity/v3/projects/{me}/users/" + w.alice.id + "/roles/" + w.member, ""},
		{"service", "GET /placement/resource_providers", ""},
		{"service", "GET /identity/v3/auth/tokens", ""},
	} {
		method, path, _ := strings.Cut(tt.call, " ")
		headers := []string{"X-OpenStack-Nova-API-Version", "2.37"}
		switch {
		case strings.HasSuffix(path, "/auth/tokens"):
			headers = append(headers, "X-Subject-Token", w.alice.token)
		case method == "POST" && strings.HasPrefix(path, "/object-store"):
			headers = append(headers, "X-Account-Meta-Quota-Bytes", "1000")
		}
		for role, u := range users {
			t.Run(tt.call+" "+tt.body+"/"+role, func(t *testing.T) {
				may := role == tt.least || role == "admin" || slices.Index(ranks, role) > slices.Index(ranks, tt.least) && tt.least != "service"
				r := u.do(method, path, strings.ReplaceAll(tt.body, "{role}", role), headers...)
				switch {
				case role == "":
					r.want(t, 401)
				case may:
					r.want(t, 200, 201, 202, 204)
				default:
					r.want(t, 403, 404)
				}
			})
		}
	}
}
