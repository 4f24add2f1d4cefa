package embedded_test

import (
	"io"
	"strings"
	"testing"
)

const nobody = "00000000-0000-7000-8000-0000000000ff" // an id that nothing has

// An attempt is a request that must fail, and leave nothing behind.
type attempt struct {
	name, method, path, body string
	want                     int
	headers                  []string
}

// creates are the calls of every service that take a JSON body, with one that is good.
var creates = []struct{ name, method, path, key, good string }{
	{"log in", "POST", "/identity/v3/auth/tokens", "auth", `{"identity":{"methods":[]}}`},
	{"project", "POST", "/identity/v3/projects", "project", `{"name":"x"}`},
	{"user", "POST", "/identity/v3/users", "user", `{"name":"x"}`},
	{"domain", "POST", "/identity/v3/domains", "domain", `{"name":"x"}`},
	{"group", "POST", "/identity/v3/groups", "group", `{"name":"x"}`},
	{"role", "POST", "/identity/v3/roles", "role", `{"name":"x"}`},
	{"server", "POST", "/compute/v2.1/servers", "server", `{"name":"x","flavorRef":"1"}`},
	{"flavor", "POST", "/compute/v2.1/flavors", "flavor", `{"name":"x","vcpus":1,"ram":1,"disk":1}`},
	{"keypair", "POST", "/compute/v2.1/os-keypairs", "keypair", `{"name":"x"}`},
	{"server quota", "PUT", "/compute/v2.1/os-quota-sets/{me}", "quota_set", `{"cores":1}`},
	{"network", "POST", "/network/v2.0/networks", "network", `{"name":"x"}`},
	{"subnet", "POST", "/network/v2.0/subnets", "subnet", `{"name":"x"}`},
	{"port", "POST", "/network/v2.0/ports", "port", `{"name":"x"}`},
	{"router", "POST", "/network/v2.0/routers", "router", `{"name":"x"}`},
	{"floating ip", "POST", "/network/v2.0/floatingips", "floatingip", `{}`},
	{"security group", "POST", "/network/v2.0/security-groups", "security_group", `{"name":"x"}`},
	{"security group rule", "POST", "/network/v2.0/security-group-rules", "security_group_rule", `{}`},
	{"network quota", "PUT", "/network/v2.0/quotas/{me}", "quota", `{"network":1}`},
	{"volume", "POST", "/volume/v3/{me}/volumes", "volume", `{"size":1}`},
	{"snapshot", "POST", "/volume/v3/{me}/snapshots", "snapshot", `{}`},
	{"volume type", "POST", "/volume/v3/{me}/types", "volume_type", `{"name":"x"}`},
	{"volume quota", "PUT", "/volume/v3/{me}/os-quota-sets/{me}", "quota_set", `{"volumes":1}`},
	{"image", "POST", "/image/v2/images", "", `{"name":"x"}`},
}

// TestBodiesThatAreNoJSONAreRefused sends every call what no client would.
func TestBodiesThatAreNoJSONAreRefused(t *testing.T) {
	w := newWorld(t)
	before := w.holds(t)
	for _, c := range creates {
		wrap := func(v string) string {
			if c.key == "" {
				return v
			}
			return `{"` + c.key + `":` + v + `}`
		}
		for name, tt := range map[string]struct {
			body string
			want int
		}{
			"cut in the middle":    {strings.TrimSuffix(wrap(c.good), "}"), 400},
			"not JSON":             {"name=x", 400},
			"a list":               {"[" + wrap(c.good) + "]", 400},
			"a number":             {"7", 400},
			"null":                 {"null", 400},
			"more after its end":   {wrap(c.good) + wrap(c.good), 400},
			"text for the thing":   {wrap(`"x"`), 400},
			"a list of the thing":  {wrap("[" + c.good + "]"), 400},
			"a name that is a map": {wrap(`{"name":{"x":"y"}}`), 400},
			"text that is not":     {wrap(`{"name":"` + "\xff\xfe" + `"}`), 400},
			"nested without end":   {wrap(`{"name":` + strings.Repeat("[", 100_000)), 400},
			"larger than anything": {wrap(`{"name":"` + strings.Repeat("x", 2<<20) + `"}`), 413},
		} {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				w.admin.do(c.method, c.path, tt.body).want(t, tt.want).refusal(t)
			})
		}
		t.Run(c.name+"/larger than anything in chunks", func(t *testing.T) {
			body := io.MultiReader(strings.NewReader(`{"`), strings.NewReader(strings.Repeat("x", 2<<20)))
			r, err := w.admin.send(c.method, c.path, body)
			if err != nil {
				t.Fatal(err)
			}
			r.want(t, 413).refusal(t)
		})
	}
	w.unchanged(t, before)
}

// TestValuesOfTheWrongTypeAreRefused and other values that cannot be.
func TestValuesOfTheWrongTypeAreRefused(t *testing.T) {
	w := newWorld(t)
	before := w.holds(t)
	for _, tt := range wrongTypes {
		t.Run(tt.name, func(t *testing.T) {
			w.admin.do(tt.method, tt.path, tt.body, tt.headers...).want(t, tt.want).refusal(t)
		})
	}
	w.unchanged(t, before)
}

var microversion = []string{"X-OpenStack-Nova-API-Version", "2.93"}

var wrongTypes = []attempt{
	{"identity: methods that are text", "POST", "/identity/v3/auth/tokens", `{"auth":{"identity":{"methods":"password"}}}`, 400, nil},
	{"identity: a password that is a number", "POST", "/identity/v3/auth/tokens", `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","domain":{"id":"default"},"password":7}}}}}`, 400, nil},
	{"identity: enabled is text", "POST", "/identity/v3/projects", `{"project":{"name":"x","enabled":"yes"}}`, 400, nil},
	{"identity: tags are text", "POST", "/identity/v3/projects", `{"project":{"name":"x","tags":"a"}}`, 400, nil},
	{"identity: no name", "POST", "/identity/v3/users", `{"user":{"password":"x"}}`, 400, nil},
	{"identity: an empty name", "POST", "/identity/v3/projects", `{"project":{"name":""}}`, 400, nil},
	{"identity: a zero byte", "POST", "/identity/v3/projects", `{"project":{"name":"a\u0000b"}}`, 400, nil},
	{"identity: a limit that is text", "GET", "/identity/v3/users?limit=x", "", 400, nil},
	{"compute: a name that is a number", "POST", "/compute/v2.1/servers", `{"server":{"name":7,"flavorRef":"1","imageRef":"` + demo + `"}}`, 400, nil},
	{"compute: no flavor", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","imageRef":"` + demo + `"}}`, 400, nil},
	{"compute: nothing to boot from", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1"}}`, 400, nil},
	{"compute: networks that are a map", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + demo + `","networks":{"uuid":"` + nobody + `"}}}`, 400, nil},
	{"compute: metadata that is a list", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + demo + `","metadata":[]}}`, 400, nil},
	{"compute: user data that is not base64", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + demo + `","networks":"none","user_data":"%%%"}}`, 400, microversion},
	{"compute: a count that is text", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + demo + `","networks":"none","min_count":"many"}}`, 400, microversion},
	{"compute: a negative count", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + demo + `","networks":"none","min_count":-1}}`, 400, microversion},
	{"compute: a field that is not there", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + demo + `","networks":"none","colour":"red"}}`, 400, microversion},
	{"compute: a field of a later version", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + demo + `","description":"x"}}`, 400, nil},
	{"compute: a zero byte", "POST", "/compute/v2.1/servers", `{"server":{"name":"a\u0000b","flavorRef":"1","imageRef":"` + demo + `","networks":"none"}}`, 400, microversion},
	{"compute: a version that is none", "GET", "/compute/v2.1/servers", "", 400, []string{"X-OpenStack-Nova-API-Version", "two"}},
	{"compute: a version to come", "GET", "/compute/v2.1/servers", "", 406, []string{"X-OpenStack-Nova-API-Version", "2.999"}},
	{"compute: a negative limit", "GET", "/compute/v2.1/servers?limit=-1", "", 400, nil},
	{"compute: an unknown action", "POST", "/compute/v2.1/servers/" + nobody + "/action", `{"dance":null}`, 400, nil},
	{"compute: two actions", "POST", "/compute/v2.1/servers/" + nobody + "/action", `{"os-stop":null,"os-start":null}`, 400, nil},
	{"compute: a flavor without memory", "POST", "/compute/v2.1/flavors", `{"flavor":{"name":"x","vcpus":1,"ram":0,"disk":1}}`, 400, nil},
	{"compute: a flavor of half a processor", "POST", "/compute/v2.1/flavors", `{"flavor":{"name":"x","vcpus":0.5,"ram":1,"disk":1}}`, 400, nil},
	{"compute: a key that is none", "POST", "/compute/v2.1/os-keypairs", `{"keypair":{"name":"x","public_key":"ssh-rsa nonsense"}}`, 400, nil},
	{"compute: a quota that is text", "PUT", "/compute/v2.1/os-quota-sets/{me}", `{"quota_set":{"cores":"many"}}`, 400, nil},
	{"compute: a quota below -1", "PUT", "/compute/v2.1/os-quota-sets/{me}", `{"quota_set":{"cores":-2}}`, 400, nil},
	{"network: shared is text", "POST", "/network/v2.0/networks", `{"network":{"name":"x","shared":"perhaps"}}`, 400, nil},
	{"network: a zero byte", "POST", "/network/v2.0/networks", `{"network":{"name":"a\u0000b"}}`, 400, nil},
	{"network: a field that is not there", "POST", "/network/v2.0/networks", `{"network":{"name":"x","colour":"red"}}`, 400, nil},
	{"network: a subnet without a range", "POST", "/network/v2.0/subnets", `{"subnet":{"network_id":"` + public + `","ip_version":4}}`, 400, nil},
	{"network: a range that is none", "POST", "/network/v2.0/subnets", `{"subnet":{"network_id":"` + public + `","ip_version":4,"cidr":"10.0.0.0/99"}}`, 400, nil},
	{"network: a range of the other version", "POST", "/network/v2.0/subnets", `{"subnet":{"network_id":"` + public + `","ip_version":6,"cidr":"10.0.0.0/24"}}`, 400, nil},
	{"network: a pool outside of the range", "POST", "/network/v2.0/subnets", `{"subnet":{"network_id":"` + public + `","ip_version":4,"cidr":"10.0.0.0/24","allocation_pools":[{"start":"10.9.0.1","end":"10.9.0.2"}]}}`, 400, nil},
	{"network: a range that is taken", "POST", "/network/v2.0/subnets", `{"subnet":{"network_id":"` + public + `","ip_version":4,"cidr":"203.0.113.0/24"}}`, 400, nil},
	{"network: a hardware address that is none", "POST", "/network/v2.0/ports", `{"port":{"network_id":"` + public + `","mac_address":"x"}}`, 400, nil},
	{"network: an address outside of the subnet", "POST", "/network/v2.0/ports", `{"port":{"network_id":"` + public + `","fixed_ips":[{"ip_address":"10.1.2.3"}]}}`, 400, nil},
	{"network: a quota that is text", "PUT", "/network/v2.0/quotas/{me}", `{"quota":{"network":"many"}}`, 400, nil},
	{"volume: a size that is text", "POST", "/volume/v3/{me}/volumes", `{"volume":{"size":"large"}}`, 400, nil},
	{"volume: a size below one", "POST", "/volume/v3/{me}/volumes", `{"volume":{"size":0}}`, 400, nil},
	{"volume: a size of a half", "POST", "/volume/v3/{me}/volumes", `{"volume":{"size":1.5}}`, 400, nil},
	{"volume: no size", "POST", "/volume/v3/{me}/volumes", `{"volume":{"name":"x"}}`, 400, nil},
	{"volume: a zero byte", "POST", "/volume/v3/{me}/volumes", `{"volume":{"size":1,"name":"a\u0000b"}}`, 400, nil},
	{"volume: a zone there is not", "POST", "/volume/v3/{me}/volumes", `{"volume":{"size":1,"availability_zone":"moon"}}`, 400, nil},
	{"volume: metadata that is a list", "POST", "/volume/v3/{me}/volumes", `{"volume":{"size":1,"metadata":[]}}`, 400, nil},
	{"volume: an unknown action", "POST", "/volume/v3/{me}/volumes/" + nobody + "/action", `{"dance":null}`, 400, nil},
	{"volume: a version that is none", "GET", "/volume/v3/{me}/volumes", "", 400, []string{"OpenStack-API-Version", "volume three"}},
	{"volume: a version to come", "GET", "/volume/v3/{me}/volumes", "", 406, []string{"OpenStack-API-Version", "volume 3.999"}},
	{"volume: a negative limit", "GET", "/volume/v3/{me}/volumes?limit=-1", "", 400, nil},
	{"image: a name that is a number", "POST", "/image/v2/images", `{"name":7}`, 400, nil},
	{"image: a format there is not", "POST", "/image/v2/images", `{"disk_format":"floppy","container_format":"bare"}`, 400, nil},
	{"image: a status of one's own", "POST", "/image/v2/images", `{"name":"x","status":"active"}`, 403, nil},
	{"image: an id that is none", "POST", "/image/v2/images", `{"id":"../../etc/passwd"}`, 400, nil},
	{"image: a property that is a map", "POST", "/image/v2/images", `{"name":"x","os":{"a":"b"}}`, 400, nil},
	{"image: a change that is a map", "PATCH", "/image/v2/images/" + demo, `{"op":"replace","path":"/name","value":"x"}`, 400, jsonPatch},
	{"image: a change of what is not", "PATCH", "/image/v2/images/" + demo, `[{"op":"dance","path":"/name","value":"x"}]`, 400, jsonPatch},
	{"image: a body of another type", "PATCH", "/image/v2/images/" + demo, `[]`, 415, nil},
	{"image: a negative limit", "GET", "/image/v2/images?limit=-1", "", 400, nil},
	{"object: a container's name that is too long", "PUT", "/object-store/v1/AUTH_{me}/" + strings.Repeat("c", 257), "", 400, nil},
	{"object: text that is none", "PUT", "/object-store/v1/AUTH_{me}/%ff%fe", "", 400, nil},
	{"object: a zero byte", "PUT", "/object-store/v1/AUTH_{me}/a%00b", "", 400, nil},
	{"object: an account that is none", "GET", "/object-store/v1/{me}", "", 404, nil},
	{"object: a format there is not", "PUT", "/object-store/v1/AUTH_{me}?extract-archive=rar", "x", 400, nil},
	{"placement: a version that is none", "GET", "/placement/resource_providers", "", 400, []string{"OpenStack-API-Version", "placement one"}},
	{"placement: a version to come", "GET", "/placement/resource_providers", "", 406, []string{"OpenStack-API-Version", "placement 1.999"}},
	{"placement: an id that is none", "GET", "/placement/resource_providers/x", "", 404, nil},
	{"placement: nothing is written here", "POST", "/placement/resource_providers", `{"name":"x"}`, 405, nil},
	{"metering: a limit that is text", "GET", "/metering/v1/metric?limit=x", "", 400, nil},
	{"metering: usage of a day that is none", "GET", "/compute/v2.1/os-simple-tenant-usage?start=yesterday", "", 400, nil},
	{"metering: nothing is written here", "POST", "/metering/v1/metric", `{"name":"x"}`, 405, nil},
}
