package networkapi_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/memory"
	"github.com/nacre-cloud/nacre/network/networkapi"
)

// tokens are "role@project".
func tokens(ctx context.Context, token string) (context.Context, error) {
	role, project, ok := strings.Cut(token, "@")
	if !ok {
		return nil, fault.Unauthenticated.Errorf("not a token")
	}
	return identity.With(ctx, identity.Caller{UserID: "user", ProjectID: project, Roles: identity.Expand(role)}), nil
}

// serve returns the address of a cloud that has only networks.
func serve(t testing.TB) string {
	t.Helper()
	d := dbtest.SQLite(t, bus.Migrations, quota.Migrations, network.Migrations)
	m, err := network.New(network.Params{DB: d, Hosts: []network.Host{{Name: "host1", Driver: memory.New()}}})
	if err != nil {
		t.Fatal(err)
	}
	runtest.Start(t, m)
	server, err := rest.New(rest.Params{Faces: []rest.Face{networkapi.New(m)}, Authenticator: rest.AuthenticatorFunc(tokens)})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(server.Handler())
	t.Cleanup(s.Close)
	return s.URL + "/network"
}

// A cloud is called by path, with a token of a member.
type cloud struct {
	t   *testing.T
	url string
}

func (c cloud) call(method, path, body string, header ...string) (int, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", "member@p1")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (c cloud) want(status int, part, request, body string, header ...string) string {
	c.t.Helper()
	method, path, _ := strings.Cut(request, " ")
	got, text := c.call(method, path, body, header...)
	if got != status || !strings.Contains(text, part) {
		c.t.Errorf("%s %s = %d %s\nwant %d and %s", request, body, got, text, status, part)
	}
	return text
}

// made creates something and returns its id.
func (c cloud) made(path, body string) string {
	c.t.Helper()
	_, rest, _ := strings.Cut(c.want(201, "", "POST "+path, body), `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func TestDocumentsNeedNoToken(t *testing.T) {
	c := cloud{t, serve(t)}
	for _, path := range []string{"/", ""} {
		c.want(200, `{"versions":[{"id":"v2.0"`, "GET "+path, "", "X-Auth-Token", "")
	}
	for _, path := range []string{"/v2.0", "/v2.0/"} {
		c.want(200, `"name":"subnet"`, "GET "+path, "", "X-Auth-Token", "")
	}
	c.want(401, "", "GET /v2.0/networks", "", "X-Auth-Token", "")
}

func TestExtensionsAreWhatTheListSays(t *testing.T) {
	c := cloud{t, serve(t)}
	all := c.want(200, `"alias":"router"`, "GET /v2.0/extensions", "")
	one := c.want(200, `{"extension":{"alias":"router"`, "GET /v2.0/extensions/router", "")
	if e := strings.TrimSuffix(strings.TrimPrefix(one, `{"extension":`), "}"); !strings.Contains(all, strings.TrimSpace(e)) {
		t.Errorf("%s is not in %s", e, all)
	}
	c.want(404, "", "GET /v2.0/extensions/qos", "")
	c.want(200, `{"agents":[]}`, "GET /v2.0/agents", "")
	c.want(200, `"name":"nova","resource":"router"`, "GET /v2.0/availability_zones", "")
}

// chosen is an id that no client may choose.
const chosen = "0190aaaa-0000-7000-8000-000000000001"

func TestFailuresHaveTheirTypes(t *testing.T) {
	c := cloud{t, serve(t)}
	n := c.made("/v2.0/networks", `{"network":{"name":"n"}}`)
	s := c.made("/v2.0/subnets", `{"subnet":{"network_id":"`+n+`","cidr":"10.0.0.0/29","ip_version":4,"enable_dhcp":false}}`)
	port := func(more string) string { return `{"port":{"network_id":"` + n + `"` + more + `}}` }
	p := c.made("/v2.0/ports", port(`,"mac_address":"fa:16:3e:00:00:01","fixed_ips":[{"ip_address":"10.0.0.2"}]`))
	g := c.made("/v2.0/security-groups", `{"security_group":{"name":"g"}}`)
	rule := func(more string) string {
		return `{"security_group_rule":{"security_group_id":"` + g + `","direction":"ingress"` + more + `}}`
	}
	c.made("/v2.0/security-group-rules", rule(`,"protocol":17,"remote_ip_prefix":"0.0.0.0/0","remote_group_id":null,"port_range_min":null`))
	c.want(201, `"remote_ip_prefix":"10.2.3.124/24"`, "POST /v2.0/security-group-rules", rule(`,"protocol":"tcp","remote_ip_prefix":"10.2.3.124/24"`))
	for _, f := range []struct {
		status             int
		kind, method, path string
		body               string
	}{
		{409, "SecurityGroupRuleExists", "POST", "/security-group-rules", rule(`,"protocol":"tcp","remote_ip_prefix":"10.2.3.0/24"`)},
		{404, "NetworkNotFound", "GET", "/networks/none", ""},
		{404, "SubnetNotFound", "GET", "/subnets/none", ""},
		{404, "PortNotFound", "DELETE", "/ports/none", ""},
		{404, "RouterNotFound", "GET", "/routers/none", ""},
		{404, "FloatingIPNotFound", "GET", "/floatingips/none", ""},
		{404, "SecurityGroupNotFound", "GET", "/security-groups/none", ""},
		{404, "SecurityGroupRuleNotFound", "GET", "/security-group-rules/none", ""},
		{409, "NetworkInUse", "DELETE", "/networks/" + n, ""},
		{409, "SubnetInUse", "DELETE", "/subnets/" + s, ""},
		{409, "IpAddressAlreadyAllocated", "POST", "/ports", port(`,"fixed_ips":[{"ip_address":"10.0.0.2"}]`)},
		{400, "InvalidIpForSubnet", "POST", "/ports", port(`,"fixed_ips":[{"subnet_id":"` + s + `","ip_address":"10.0.1.2"}]`)},
		{409, "MacAddressInUse", "POST", "/ports", port(`,"mac_address":"fa:16:3e:00:00:01"`)},
		{403, "PolicyNotAuthorized", "POST", "/networks", `{"network":{"router:external":true}}`},
		{403, "PolicyNotAuthorized", "POST", "/ports", port(`,"device_id":"r","device_owner":"network:router_interface"`)},
		{400, "HTTPBadRequest", "POST", "/networks", `{"network":{"colour":"red"}}`},
		{400, "HTTPBadRequest", "POST", "/networks", `{"network":{"name":7}}`},
		{400, "HTTPBadRequest", "POST", "/networks", `{"network":{"id":"` + chosen + `"}}`},
		{400, "HTTPBadRequest", "POST", "/ports", port(`,"id":"` + chosen + `"`)},
		{400, "HTTPBadRequest", "POST", "/security-group-rules", rule(`,"id":"` + chosen + `"`)},
		{400, "HTTPBadRequest", "PUT", "/ports/" + p, `{"port":{"id":"` + chosen + `"}}`},
		{400, "HTTPBadRequest", "POST", "/networks", `{"network":`},
		{400, "HTTPBadRequest", "POST", "/networks", `{}`},
		{400, "HTTPBadRequest", "GET", "/networks?colour=red", ""},
		{400, "HTTPBadRequest", "GET", "/networks?limit=-1", ""},
		{400, "HTTPBadRequest", "POST", "/subnets", `{"subnet":{"network_id":"` + n + `","cidr":"10.0.0.0/8","ip_version":6}}`},
		{400, "HTTPBadRequest", "POST", "/subnets", `{"subnet":{"network_id":"` + n + `","cidr":"10.0.0.0/33"}}`},
		{409, "GatewayConflictWithAllocationPools", "POST", "/subnets", `{"subnet":{"network_id":"` + n + `","cidr":"10.1.0.0/24","gateway_ip":"10.1.0.5","allocation_pools":[{"start":"10.1.0.2","end":"10.1.0.9"}]}}`},
		{409, "SecurityGroupRuleExists", "POST", "/security-group-rules", rule(`,"protocol":"udp"`)},
		{400, `ethertype`, "POST", "/security-group-rules", rule(`,"ethertype":"bad"`)},
		{400, `Invalid value for port -16`, "POST", "/security-group-rules", rule(`,"protocol":"tcp","port_range_min":-16,"port_range_max":80`)},
		{400, `ICMP type (port-range-min) is missing`, "POST", "/security-group-rules", rule(`,"protocol":"icmp","port_range_min":null,"port_range_max":6`)},
		{412, "RevisionNumberConstraintFailed", "PUT", "/ports/" + p, `{"port":{"name":"x"}}`},
		{404, "", "GET", "/nothing", ""},
	} {
		c.want(f.status, f.kind, f.method+" /v2.0"+f.path, f.body, "If-Match", "revision_number=99")
	}
	for range 4 {
		c.made("/v2.0/ports", port(""))
	}
	c.want(409, `"NeutronError":{"type":"IpAddressGenerationFailure","message":"No more`, "POST /v2.0/ports", port(""))
	c.want(200, `{"quota":{`, "PUT /v2.0/quotas/p1", `{"quota":{"network":1,"port":"0"}}`, "X-Auth-Token", "admin@a")
	c.want(409, `{"type":"OverQuota","message":"Quota exceeded for resources: ['network']`, "POST /v2.0/networks", `{"network":{}}`)
	c.want(200, `"network":{"limit":1,"used":1,"reserved":0}`, "GET /v2.0/quotas/p1/details.json", "")
	c.want(200, `"project_id":"p1"`, "GET /v2.0/quotas", "", "X-Auth-Token", "admin@a")
	c.want(403, "", "GET /v2.0/quotas", "")
	c.want(204, "", "DELETE /v2.0/quotas/p1", "", "X-Auth-Token", "admin@a")
	c.want(200, `"network":100`, "GET /v2.0/quotas/p1/default", "")
}

func TestFieldsPagesAndManyAtOnce(t *testing.T) {
	c := cloud{t, serve(t)}
	c.want(201, `{"networks":[{`, "POST /v2.0/networks", `{"networks":[{"name":"a","tags":["x"]},{"name":"b"},{"name":"c"}]}`)
	c.want(400, "", "POST /v2.0/networks", `{"networks":[{"name":"d"},{"mtu":1}]}`)
	if got := c.want(200, "", "GET /v2.0/networks?fields=name&sort_key=name&sort_dir=desc", ""); strings.TrimSpace(got) != `{"networks":[{"name":"c"},{"name":"b"},{"name":"a"}]}` {
		t.Error(got)
	}
	c.want(200, `"networks_links":[{"rel":"next"`, "GET /v2.0/networks?limit=2", "")
	c.want(200, `{"networks":[]}`, "GET /v2.0/networks?name=d", "")
	c.want(200, `"name":"a"`, "GET /v2.0/networks?tags=x&status=ACTIVE&router%3Aexternal=False&project_id=p1", "")
	c.want(200, `{"networks":[]}`, "GET /v2.0/networks?tags=y", "")
	id := c.made("/v2.0/networks", `{"network":{"name":"tagged"}}`)
	c.want(201, "", "PUT /v2.0/networks/"+id+"/tags/red", "")
	c.want(204, "", "GET /v2.0/networks/"+id+"/tags/red", "")
	c.want(200, `{"tags":["red"]}`, "GET /v2.0/networks/"+id+"/tags", "")
	c.want(200, `{"tags":["a","b"]}`, "PUT /v2.0/networks/"+id+"/tags", `{"tags":["b","a"]}`)
	c.want(204, "", "DELETE /v2.0/networks/"+id+"/tags/a", "")
	c.want(404, "", "GET /v2.0/networks/"+id+"/tags/a", "")
	c.want(204, "", "DELETE /v2.0/networks/"+id+"/tags", "")
}

func TestSubnetPools(t *testing.T) {
	c := cloud{t, serve(t)}
	c.want(200, `"alias":"subnet_allocation"`, "GET /v2.0/extensions", "")
	p := c.made("/v2.0/subnetpools", `{"subnetpool":{"name":"p","prefixes":["10.1.0.0/16","10.0.0.0/16"],"default_prefixlen":"24","shared":"false"}}`)
	c.want(200, `"prefixes":["10.0.0.0/15"],"min_prefixlen":8,"max_prefixlen":32,"default_prefixlen":24,"default_quota":null,"ip_version":4,"shared":false,"is_default":false,"address_scope_id":null`,
		"GET /v2.0/subnetpools/"+p, "")
	c.want(200, `"default_quota":512`, "PUT /v2.0/subnetpools/"+p, `{"subnetpool":{"default_quota":512}}`)
	c.want(200, `"default_quota":512`, "PUT /v2.0/subnetpools/"+p, `{"subnetpool":{"name":"q"}}`)
	c.want(200, `"id":"`+p, "GET /v2.0/subnetpools?name=q&ip_version=4&default_quota=512&is_default=false&sort_key=min_prefixlen", "")
	c.want(200, `{"subnetpools":[]}`, "GET /v2.0/subnetpools?ip_version=6", "")
	n := c.made("/v2.0/networks", `{"network":{}}`)
	subnet := func(more string) string { return `{"subnet":{"network_id":"` + n + `","ip_version":4` + more + `}}` }
	of := `,"subnetpool_id":"` + p + `"`
	s := c.made("/v2.0/subnets", subnet(of+`,"prefixlen":"25"`))
	c.want(200, `"subnetpool_id":"`+p+`"`, "GET /v2.0/subnets/"+s, "")
	for _, f := range []struct {
		status             int
		kind, method, path string
		body               string
	}{
		{404, "SubnetPoolNotFound", "GET", "/subnetpools/none", ""},
		{409, "SubnetPoolInUse", "DELETE", "/subnetpools/" + p, ""},
		{409, "SubnetAllocationError", "POST", "/subnets", subnet(of + `,"cidr":"172.16.0.0/24"`)},
		{409, "OverQuota", "POST", "/subnets", subnet(of + `,"prefixlen":16`)},
		{400, "HTTPBadRequest", "POST", "/subnets", subnet("")},
		{400, "HTTPBadRequest", "POST", "/subnets", subnet(of + `,"cidr":"10.0.9.0/24","prefixlen":24`)},
		{400, "HTTPBadRequest", "POST", "/subnetpools", `{"subnetpool":{"prefixes":[]}}`},
		{400, "HTTPBadRequest", "POST", "/subnetpools", `{"subnetpool":{"prefixes":["10.0.0.0/16"],"is_default":true}}`},
		{400, "HTTPBadRequest", "PUT", "/subnetpools/" + p, `{"subnetpool":{"shared":true}}`},
		{400, "HTTPBadRequest", "PUT", "/subnetpools/" + p, `{"subnetpool":{"prefixes":["10.0.0.0/16"]}}`},
		{403, "PolicyNotAuthorized", "POST", "/subnetpools", `{"subnetpool":{"prefixes":["10.0.0.0/16"],"shared":true}}`},
	} {
		c.want(f.status, f.kind, f.method+" /v2.0"+f.path, f.body)
	}
	c.want(200, `{"tags":["red"]}`, "PUT /v2.0/subnetpools/"+p+"/tags", `{"tags":["red"]}`)
	c.want(204, "", "DELETE /v2.0/subnets/"+s, "")
	c.want(204, "", "DELETE /v2.0/subnetpools/"+p, "")
}

func TestOnlyAdministratorsSeeBindings(t *testing.T) {
	c := cloud{t, serve(t)}
	n := c.made("/v2.0/networks", `{"network":{}}`)
	p := c.made("/v2.0/ports", `{"port":{"network_id":"`+n+`"}}`)
	if got := c.want(200, `"binding:vnic_type":"normal"`, "GET /v2.0/ports/"+p, ""); strings.Contains(got, "binding:host_id") {
		t.Error(got)
	}
	c.want(403, "", "PUT /v2.0/ports/"+p, `{"port":{"binding:host_id":"host1"}}`)
	c.want(200, `"binding:host_id":"host1","binding:vif_type":"bridge"`, "PUT /v2.0/ports/"+p, `{"port":{"binding:host_id":"host1"}}`, "X-Auth-Token", "admin@a")
	c.want(400, "", "PUT /v2.0/ports/"+p, `{"port":{"binding:host_id":"mars"}}`, "X-Auth-Token", "admin@a")
	c.want(200, `"status":"ACTIVE"`, "GET /v2.0/ports/"+p, "")
	c.want(200, `"provider:network_type":"local"`, "GET /v2.0/networks/"+n, "", "X-Auth-Token", "admin@a")
}
