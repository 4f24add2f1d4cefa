package computeapi_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// A gate is a member of an answer and the versions that have it.
type gate struct{ member, since, until string }

// gated checks the members of the object under keys of an answer at every version
// where one of them comes or goes.
func (c *cloud) gated(token, request string, gates []gate, keys ...any) {
	c.t.Helper()
	versions := map[string]bool{"2.1": true, "2.93": true}
	for _, g := range gates {
		for _, v := range []string{g.since, g.until} {
			if v != "" {
				n := microversion.MustParse(v).Minor
				for _, near := range []int{n - 1, n, n + 1} {
					versions[fmt.Sprintf("2.%d", min(max(near, 1), 93))] = true
				}
			}
		}
	}
	for v := range versions {
		got := c.want(http.StatusOK, token, v, request, "")
		object, _ := dig(got.body, keys...).(map[string]any)
		for _, g := range gates {
			span, err := microversion.ParseRange(g.since, g.until)
			must(c.t, err)
			if _, has := object[g.member]; has != span.Contains(microversion.MustParse(v)) {
				c.t.Errorf("%s at %s: %s is there: %v\n%s", request, v, g.member, has, got.text)
			}
		}
	}
}

func TestMembersComeAndGoWithVersions(t *testing.T) {
	c := newCloud(t)
	id := c.boot("web")
	server := []gate{
		{"locked", "2.9", ""},
		{"description", "2.19", ""},
		{"tags", "2.26", ""},
		{"trusted_image_certificates", "2.63", ""},
		{"locked_reason", "2.73", ""},
		{"OS-EXT-STS:vm_state", "", ""},
		{"security_groups", "", ""},
		{"progress", "", ""},
	}
	user := append(server[:len(server):len(server)], gate{"OS-EXT-SRV-ATTR:hostname", "2.90", ""})
	operator := append(server[:len(server):len(server)],
		gate{"OS-EXT-SRV-ATTR:hostname", "2.3", ""}, gate{"OS-EXT-SRV-ATTR:host", "", ""}, gate{"OS-EXT-SRV-ATTR:user_data", "2.3", ""}, gate{"host_status", "2.16", ""})
	c.gated(project, "GET servers/"+id, append(user, gate{"server_groups", "2.71", ""}), "server")
	c.gated("admin", "GET servers/"+id, append(operator, gate{"server_groups", "2.71", ""}), "server")
	c.gated(project, "GET servers/detail", user, "servers", 0)
	c.gated("admin", "GET servers/detail?all_tenants=1", operator, "servers", 0)
	c.gated(project, "GET servers/"+id, []gate{
		{"id", "", "2.46"}, {"links", "", "2.46"}, {"original_name", "2.47", ""}, {"ram", "2.47", ""}, {"extra_specs", "2.47", ""},
	}, "server", "flavor")
	c.gated(project, "GET flavors/1", []gate{{"description", "2.55", ""}, {"extra_specs", "2.61", ""}, {"swap", "", ""}}, "flavor")
	c.gated(project, "GET os-quota-sets/"+project, []gate{
		{"cores", "", ""}, {"injected_files", "", "2.56"}, {"floating_ips", "", "2.35"}, {"id", "", ""},
	}, "quota_set")
	c.gated(project, "GET limits", []gate{
		{"maxTotalCores", "", ""}, {"maxPersonality", "", "2.56"}, {"maxImageMeta", "", "2.38"}, {"maxSecurityGroups", "", "2.35"},
	}, "limits", "absolute")
	c.gated("admin", "GET os-services", []gate{{"forced_down", "2.11", ""}}, "services", 0)
	c.gated("admin", "GET os-hypervisors/detail", []gate{
		{"cpu_info", "", "2.87"}, {"vcpus", "", "2.87"}, {"uptime", "2.88", ""}, {"state", "", ""},
	}, "hypervisors", 0)
}

func TestFlavorWithoutSwap(t *testing.T) {
	c := newCloud(t)
	for version, want := range map[string]any{"2.74": "", "2.75": 0.0} {
		if got := dig(c.want(200, project, version, "GET flavors/1", "").body, "flavor", "swap"); got != want {
			t.Errorf("at %s: %v", version, got)
		}
	}
}

func TestCallsComeAndGoWithVersions(t *testing.T) {
	c := newCloud(t)
	id := c.boot("web")
	tests := []struct {
		request, body string
		version       string
		status        int
	}{
		{"GET images", "", "2.35", 200},
		{"GET images", "", "2.36", 404},
		{"GET os-security-groups", "", "2.35", 200},
		{"GET os-security-groups", "", "2.36", 404},
		{"GET servers/" + id + "/tags", "", "2.25", 404},
		{"GET servers/" + id + "/tags", "", "2.26", 200},
		{"PUT flavors/1", `{"flavor":{"description":"d"}}`, "2.54", 404},
		{"POST os-keypairs", `{"keypair":{"name":"a"}}`, "2.1", 200},
		{"POST os-keypairs", `{"keypair":{"name":"b"}}`, "2.2", 201},
		{"POST os-keypairs", `{"keypair":{"name":"c"}}`, "2.92", 400},
		{"POST os-keypairs", `{"keypair":{"name":"c","type":"ssh"}}`, "2.1", 400},
		{"POST os-keypairs", `{"keypair":{"name":"w","type":"x509"}}`, "2.2", 201},
		{"POST os-keypairs", `{"keypair":{"name":"w2","type":"x509","public_key":"nonsense"}}`, "2.2", 400},
		{"DELETE os-keypairs/a", "", "2.1", 202},
		{"DELETE os-keypairs/b", "", "2.2", 204},
		{"POST servers/" + id + "/action", `{"addFixedIp":{"networkId":"` + c.network + `"}}`, "2.44", 404},
		{"POST servers/" + id + "/action", `{"lock":{"locked_reason":"x"}}`, "2.72", 400},
		{"POST servers/" + id + "/action", `{"lock":{"locked_reason":"x"}}`, "2.73", 202},
		{"POST servers/" + id + "/action", `{"unlock":null}`, "2.73", 202},
		{"POST servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + c.image + `"}}`, "2.37", 400},
		{"POST servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + c.image + `","networks":"none"}}`, "2.36", 400},
		{"POST servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + c.image + `","networks":"none"}}`, "2.37", 202},
		{"POST servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + c.image + `","tags":["a"]}}`, "2.36", 400},
		{"GET servers?unknown=1", "", "2.74", 200},
		{"GET servers?unknown=1", "", "2.75", 400},
		{"GET servers?status=nonsense", "", "2.37", 200},
		{"GET servers?status=nonsense", "", "2.38", 400},
	}
	for _, tt := range tests {
		c.want(tt.status, project, tt.version, tt.request, tt.body)
	}
}

func TestBadRequestsAreRefused(t *testing.T) {
	c := newCloud(t)
	id := c.boot("web")
	const nobody = "01980000-0000-7000-8000-000000000000"
	server := func(more string) string {
		return `{"server":{"name":"x","flavorRef":"1","imageRef":"` + c.image + `"` + more + `}}`
	}
	tests := []struct {
		status        int
		request, body string
		says          string
	}{
		{400, "POST servers", `{"server":{"name":"","flavorRef":"1"}}`, "server.name"},
		{400, "POST servers", `{"server":{"name":12345,"flavorRef":"1"}}`, "server.name"},
		{400, "POST servers", `{"server":{"name":"` + strings.Repeat("a", 256) + `","flavorRef":"1"}}`, "server.name"},
		{400, "POST servers", `{"server":{"name":"x"}}`, "flavorRef"},
		{400, "POST servers", `{"server":{"name":"x","flavorRef":-1,"imageRef":"` + c.image + `"}}`, "flavor -1"},
		{400, "POST servers", `{"server":{"name":"x","flavorRef":"1","imageRef":-1}}`, "imageRef"},
		{400, "POST servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + nobody + `"}}`, nobody},
		{400, "POST servers", server(`,"colour":"red"`), "server.colour"},
		{400, "POST servers", server(`,"accessIPv4":"1.1.1.1.1.1"`), "accessIPv4"},
		{400, "POST servers", server(`,"accessIPv6":"notvalid"`), "accessIPv6"},
		{400, "POST servers", server(`,"key_name":"unknown"`), "unknown"},
		{400, "POST servers", server(`,"security_groups":[{"name":"unknown"}]`), "unknown"},
		{400, "POST servers", server(`,"networks":[{"fixed_ip":"10.0.1.1","uuid":"a-b-c"}]`), "a-b-c"},
		{400, "POST servers", server(`,"networks":[{"uuid":"` + nobody + `"}]`), nobody},
		{400, "POST servers", server(`,"metadata":{"a":"` + strings.Repeat("b", 260) + `"}`), "metadata"},
		{400, "POST servers", server(`,"min_count":2,"max_count":1`), "min_count"},
		{400, "POST servers", server(`,"min_count":0`), "min_count"},
		{400, "POST servers", server(`,"availability_zone":"moon"`), "moon"},
		{400, "POST servers", server(`,"user_data":"not base64!"`), "base64"},
		{400, "POST servers", server(`,"personality":[{"path":"/a","contents":"not base64!"}]`), "base64"},
		{403, "POST servers", server(`,"personality":[` + strings.Repeat(`{"path":"/a","contents":"YQ=="},`, 5) + `{"path":"/a","contents":"YQ=="}]`), "limit exceeded"},
		{400, "POST servers", server(`,"block_device_mapping_v2":[{"source_type":"volume","uuid":"` + nobody + `","destination_type":"invalid"}]`), "invalid"},
		{403, "POST servers", server(`,"availability_zone":"nova:host1"`), ""},
		{400, "POST servers", `{"server":`, ""},
		{404, "GET servers/" + nobody, "", "itemNotFound"},
		{404, "DELETE servers/-1", "", "itemNotFound"},
		{404, "PUT servers/" + nobody, `{"server":{"name":"x"}}`, "itemNotFound"},
		{400, "PUT servers/" + id, `{"server":{"name":""}}`, "server.name"},
		{400, "POST servers/" + id + "/action", `{"reboot":{}}`, "type"},
		{400, "POST servers/" + id + "/action", `{"fly":null}`, "fly"},
		{409, "POST servers/" + id + "/action", `{"unpause":null}`, "conflictingRequest"},
		{404, "POST servers/" + nobody + "/action", `{"rebuild":{"imageRef":"x"}}`, "itemNotFound"},
		{501, "POST servers/" + id + "/action", `{"rebuild":{"imageRef":"x"}}`, "does not offer"},
		{400, "POST servers/" + id + "/action", `{"resize":{"flavorRef":""}}`, "flavorRef"},
		{400, "POST servers/" + id + "/action", `{"resize":{"flavorRef":"` + nobody + `"}}`, nobody},
		{404, "POST servers/" + nobody + "/action", `{"os-stop":null}`, "itemNotFound"},
		{400, "GET servers?limit=-1", "", "limit"},
		{400, "GET servers?limit=many", "", "limit"},
		{400, "GET servers?marker=" + nobody, "", "marker"},
		{400, "GET servers?changes-since=yesterday", "", "changes-since"},
		{400, "GET servers?name=(", "", "pattern"},
		{403, "GET servers?all_tenants=1", "", "forbidden"},
		{404, "GET servers/" + id + "/metadata/none", "", "itemNotFound"},
		{400, "PUT servers/" + id + "/metadata/a", `{"meta":{"b":"c"}}`, "URL"},
		{400, "POST servers/" + id + "/metadata", `{"metadata":{"":"c"}}`, "key"},
		{400, "POST servers/" + id + "/os-volume_attachments", `{"volumeAttachment":{"volumeId":"nonsense"}}`, "UUID"},
		{404, "POST servers/" + id + "/os-volume_attachments", `{"volumeAttachment":{"volumeId":"` + nobody + `"}}`, "itemNotFound"},
		{404, "DELETE servers/" + id + "/os-interface/" + nobody, "", "itemNotFound"},
		{404, "GET flavors/none", "", "itemNotFound"},
		{403, "POST flavors", `{"flavor":{"name":"f","ram":1,"vcpus":1,"disk":1}}`, "forbidden"},
		{400, "POST os-keypairs", `{"keypair":{"name":"key/"}}`, "key/"},
		{400, "POST os-keypairs", `{"keypair":{"name":"k","public_key":"nonsense"}}`, "public key"},
		{404, "GET os-keypairs/none", "", "itemNotFound"},
		{403, "GET os-hypervisors", "", "forbidden"},
		{501, "POST os-server-groups", `{"server_group":{"name":"g"}}`, "notImplemented"},
	}
	for _, tt := range tests {
		if got := c.want(tt.status, project, "2.1", tt.request, tt.body); !strings.Contains(got.text, tt.says) {
			t.Errorf("%s %s: %s does not say %q", tt.request, tt.body, got.text, tt.says)
		}
	}
	if got := c.want(200, project, "2.1", "GET servers", ""); len(got.body["servers"].([]any)) != 1 {
		t.Errorf("something was half made: %s", got.text)
	}
}

func TestOthersSeeNothing(t *testing.T) {
	c := newCloud(t)
	id := c.boot("web")
	for _, request := range []string{
		"GET servers/" + id, "DELETE servers/" + id, "GET servers/" + id + "/metadata", "GET servers/" + id + "/os-interface",
		"GET servers/" + id + "/os-volume_attachments", "GET servers/" + id + "/os-instance-actions", "GET servers/" + id + "/ips",
		"GET servers/" + id + "/os-security-groups",
	} {
		c.want(404, "p2", "2.1", request, "")
	}
	if got := c.want(200, "p2", "2.1", "GET servers", ""); len(got.body["servers"].([]any)) != 0 {
		t.Error(got.text)
	}
}
