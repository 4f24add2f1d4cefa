package embedded_test

import (
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

// things is one of everything that a project can have.
type things map[string]string

// things makes them.
func (u *user) things(t *testing.T) things {
	t.Helper()
	o := things{}
	o["network"] = u.make("/network/v2.0/networks", `{"network":{"name":"n"}}`, "network.id")
	o["subnet"] = u.make("/network/v2.0/subnets", o.fill(`{"subnet":{"network_id":"{network}","ip_version":4,"cidr":"10.7.0.0/24"}}`), "subnet.id")
	o["port"] = u.make("/network/v2.0/ports", o.fill(`{"port":{"network_id":"{network}"}}`), "port.id")
	o["router"] = u.make("/network/v2.0/routers", `{"router":{"external_gateway_info":{"network_id":"`+public+`"}}}`, "router.id")
	u.do("PUT", o.fill("/network/v2.0/routers/{router}/add_router_interface"), o.fill(`{"subnet_id":"{subnet}"}`)).want(t, 200)
	o["floatingip"] = u.make("/network/v2.0/floatingips", `{"floatingip":{"floating_network_id":"`+public+`"}}`, "floatingip.id")
	o["group"] = u.make("/network/v2.0/security-groups", `{"security_group":{"name":"g"}}`, "security_group.id")
	o["rule"] = u.make("/network/v2.0/security-group-rules", o.fill(`{"security_group_rule":{"security_group_id":"{group}","direction":"ingress"}}`), "security_group_rule.id")
	o["image"] = u.make("/image/v2/images", `{"name":"i","disk_format":"raw","container_format":"bare","visibility":"private"}`, "id")
	u.do("PUT", o.fill("/image/v2/images/{image}/file"), strings.Repeat("x", 4096), octets...).want(t, 204)
	o["volume"] = u.make("/volume/v3/{me}/volumes", `{"volume":{"size":1,"name":"v"}}`, "volume.id")
	u.becomes(t, "/volume/v3/{me}/volumes/"+o["volume"], "volume.status", "available")
	o["snapshot"] = u.make("/volume/v3/{me}/snapshots", o.fill(`{"snapshot":{"volume_id":"{volume}"}}`), "snapshot.id")
	u.becomes(t, "/volume/v3/{me}/snapshots/"+o["snapshot"], "snapshot.status", "available")
	o["keypair"] = "only-" + u.name
	u.do("POST", "/compute/v2.1/os-keypairs", o.fill(`{"keypair":{"name":"{keypair}"}}`)).want(t, 200)
	o["server"] = u.make("/compute/v2.1/servers", o.fill(`{"server":{"name":"s","flavorRef":"1","imageRef":"{image}","key_name":"{keypair}","networks":[{"uuid":"{network}"}]}}`), "server.id")
	u.becomes(t, "/compute/v2.1/servers/"+o["server"], "server.status", "ACTIVE")
	u.do("PUT", "/object-store/v1/AUTH_{me}/c", "").want(t, 201)
	u.do("PUT", "/object-store/v1/AUTH_{me}/c/o", "secret").want(t, 201)
	o["project"], o["user"] = u.project, u.id
	return o
}

func (o things) fill(s string) string {
	for name, id := range o {
		s = strings.ReplaceAll(s, "{"+name+"}", id)
	}
	return s
}

// becomes waits until a path of what is shown is what is wanted.
func (u *user) becomes(t *testing.T, path, at, want string) {
	t.Helper()
	flowtest.Eventually(t, path+" becomes "+want, func() bool { return text(u.do("GET", path, "").want(t, 200).at(at)) == want })
}

// gone waits until a thing is not there any more.
func (u *user) gone(t *testing.T, path string) {
	t.Helper()
	flowtest.Eventually(t, path+" is gone", func() bool { return u.do("GET", path, "").want(t, 200, 404).status == 404 })
}

// TestOthersThingsAreNotThere calls every call with the ids of another project. The
// answer is that for an id that nothing has.
func TestOthersThingsAreNotThere(t *testing.T) {
	w := newWorld(t)
	o, none := w.alice.things(t), things{}
	for what := range o {
		none[what] = nobody
	}
	before := w.holds(t)
	for _, tt := range othersThings {
		t.Run(tt.name, func(t *testing.T) {
			r := w.bob.do(tt.method, o.fill(tt.path), o.fill(tt.body), tt.headers...).want(t, tt.want)
			r.refusal(t)
			if got := w.bob.do(tt.method, none.fill(tt.path), none.fill(tt.body), tt.headers...); got.status != r.status {
				t.Errorf("%d shows that it is there: what is not there is %d %s", r.status, got.status, got.body)
			}
			for what, id := range o {
				if len(id) == 36 && strings.Contains(r.body, id) && !strings.Contains(tt.path+tt.body, "{"+what+"}") {
					t.Errorf("the refusal tells the %s: %s", what, r.body)
				}
			}
		})
	}
	w.unchanged(t, before)
}

const bobsServer = `"name":"x","flavorRef":"1"`

var attachments = []string{"OpenStack-API-Version", "volume 3.27"}

var othersThings = []attempt{
	{"project", "GET", "/identity/v3/projects/{project}", "", 404, nil},
	{"project to change", "PATCH", "/identity/v3/projects/{project}", `{"project":{"name":"mine"}}`, 403, nil},
	{"project to delete", "DELETE", "/identity/v3/projects/{project}", "", 403, nil},
	{"user", "GET", "/identity/v3/users/{user}", "", 404, nil},
	{"user to change", "PATCH", "/identity/v3/users/{user}", `{"user":{"password":"mine"}}`, 403, nil},
	{"user to delete", "DELETE", "/identity/v3/users/{user}", "", 403, nil},
	{"projects of a user", "GET", "/identity/v3/users/{user}/projects", "", 404, nil},
	{"credentials of a user", "GET", "/identity/v3/users/{user}/application_credentials", "", 404, nil},
	{"server", "GET", "/compute/v2.1/servers/{server}", "", 404, nil},
	{"server by another project's path", "GET", "/compute/v2.1/{project}/servers/{server}", "", 404, nil},
	{"server to change", "PUT", "/compute/v2.1/servers/{server}", `{"server":{"name":"mine"}}`, 404, nil},
	{"server to delete", "DELETE", "/compute/v2.1/servers/{server}", "", 404, nil},
	{"server to stop", "POST", "/compute/v2.1/servers/{server}/action", `{"os-stop":null}`, 404, nil},
	{"server to lock", "POST", "/compute/v2.1/servers/{server}/action", `{"lock":null}`, 404, nil},
	{"console of a server", "POST", "/compute/v2.1/servers/{server}/action", `{"os-getConsoleOutput":{}}`, 404, nil},
	{"metadata of a server", "GET", "/compute/v2.1/servers/{server}/metadata", "", 404, nil},
	{"metadata of a server to change", "POST", "/compute/v2.1/servers/{server}/metadata", `{"metadata":{"a":"b"}}`, 404, nil},
	{"ports of a server", "GET", "/compute/v2.1/servers/{server}/os-interface", "", 404, nil},
	{"server to plug", "POST", "/compute/v2.1/servers/{server}/os-interface", `{"interfaceAttachment":{"net_id":"` + public + `"}}`, 404, nil},
	{"volumes of a server", "GET", "/compute/v2.1/servers/{server}/os-volume_attachments", "", 404, nil},
	{"server to attach to", "POST", "/compute/v2.1/servers/{server}/os-volume_attachments", `{"volumeAttachment":{"volumeId":"{volume}"}}`, 404, nil},
	{"history of a server", "GET", "/compute/v2.1/servers/{server}/os-instance-actions", "", 404, nil},
	{"addresses of a server", "GET", "/compute/v2.1/servers/{server}/ips", "", 404, nil},
	{"groups of a server", "GET", "/compute/v2.1/servers/{server}/os-security-groups", "", 404, nil},
	{"keypair", "GET", "/compute/v2.1/os-keypairs/{keypair}", "", 404, nil},
	{"keypair to delete", "DELETE", "/compute/v2.1/os-keypairs/{keypair}", "", 404, nil},
	{"network to boot on", "POST", "/compute/v2.1/servers", `{"server":{` + bobsServer + `,"imageRef":"` + demo + `","networks":[{"uuid":"{network}"}]}}`, 400, nil},
	{"port to boot on", "POST", "/compute/v2.1/servers", `{"server":{` + bobsServer + `,"imageRef":"` + demo + `","networks":[{"port":"{port}"}]}}`, 400, nil},
	{"image to boot from", "POST", "/compute/v2.1/servers", `{"server":{` + bobsServer + `,"imageRef":"{image}","networks":[]}}`, 400, nil},
	{"volume to boot from", "POST", "/compute/v2.1/servers", `{"server":{` + bobsServer + `,"block_device_mapping_v2":[{"boot_index":0,"uuid":"{volume}","source_type":"volume","destination_type":"volume"}]}}`, 400, nil},
	{"keypair to boot with", "POST", "/compute/v2.1/servers", `{"server":{` + bobsServer + `,"imageRef":"` + demo + `","key_name":"{keypair}"}}`, 400, nil},
	{"quota of servers to change", "PUT", "/compute/v2.1/os-quota-sets/{project}", `{"quota_set":{"cores":1}}`, 404, nil},
	{"usage", "GET", "/compute/v2.1/os-simple-tenant-usage/{project}", "", 404, nil},
	{"network", "GET", "/network/v2.0/networks/{network}", "", 404, nil},
	{"network to change", "PUT", "/network/v2.0/networks/{network}", `{"network":{"name":"mine"}}`, 404, nil},
	{"network to delete", "DELETE", "/network/v2.0/networks/{network}", "", 404, nil},
	{"network to divide", "POST", "/network/v2.0/subnets", `{"subnet":{"network_id":"{network}","ip_version":4,"cidr":"10.8.0.0/24"}}`, 404, nil},
	{"network to plug into", "POST", "/network/v2.0/ports", `{"port":{"network_id":"{network}"}}`, 404, nil},
	{"subnet", "GET", "/network/v2.0/subnets/{subnet}", "", 404, nil},
	{"subnet to change", "PUT", "/network/v2.0/subnets/{subnet}", `{"subnet":{"name":"mine"}}`, 404, nil},
	{"subnet to delete", "DELETE", "/network/v2.0/subnets/{subnet}", "", 404, nil},
	{"port", "GET", "/network/v2.0/ports/{port}", "", 404, nil},
	{"port to change", "PUT", "/network/v2.0/ports/{port}", `{"port":{"name":"mine"}}`, 404, nil},
	{"port to delete", "DELETE", "/network/v2.0/ports/{port}", "", 404, nil},
	{"router", "GET", "/network/v2.0/routers/{router}", "", 404, nil},
	{"router to plug into", "PUT", "/network/v2.0/routers/{router}/add_router_interface", `{"subnet_id":"{subnet}"}`, 404, nil},
	{"router to unplug", "PUT", "/network/v2.0/routers/{router}/remove_router_interface", `{"subnet_id":"{subnet}"}`, 404, nil},
	{"router to delete", "DELETE", "/network/v2.0/routers/{router}", "", 404, nil},
	{"floating ip", "GET", "/network/v2.0/floatingips/{floatingip}", "", 404, nil},
	{"floating ip to take", "PUT", "/network/v2.0/floatingips/{floatingip}", `{"floatingip":{"port_id":null}}`, 404, nil},
	{"floating ip to delete", "DELETE", "/network/v2.0/floatingips/{floatingip}", "", 404, nil},
	{"port to be reached", "POST", "/network/v2.0/floatingips", `{"floatingip":{"floating_network_id":"` + public + `","port_id":"{port}"}}`, 404, nil},
	{"group", "GET", "/network/v2.0/security-groups/{group}", "", 404, nil},
	{"group to delete", "DELETE", "/network/v2.0/security-groups/{group}", "", 404, nil},
	{"group to open", "POST", "/network/v2.0/security-group-rules", `{"security_group_rule":{"security_group_id":"{group}","direction":"ingress"}}`, 404, nil},
	{"rule", "GET", "/network/v2.0/security-group-rules/{rule}", "", 404, nil},
	{"rule to delete", "DELETE", "/network/v2.0/security-group-rules/{rule}", "", 404, nil},
	{"tags of a network", "GET", "/network/v2.0/networks/{network}/tags", "", 404, nil},
	{"tag of a network", "PUT", "/network/v2.0/networks/{network}/tags/mine", "", 404, nil},
	{"quota of networks to change", "PUT", "/network/v2.0/quotas/{project}", `{"quota":{"network":1}}`, 403, nil},
	{"volume", "GET", "/volume/v3/{me}/volumes/{volume}", "", 404, nil},
	{"volume to change", "PUT", "/volume/v3/{me}/volumes/{volume}", `{"volume":{"name":"mine"}}`, 404, nil},
	{"volume to delete", "DELETE", "/volume/v3/{me}/volumes/{volume}", "", 404, nil},
	{"volume to grow", "POST", "/volume/v3/{me}/volumes/{volume}/action", `{"os-extend":{"new_size":2}}`, 404, nil},
	{"volume to copy", "POST", "/volume/v3/{me}/volumes", `{"volume":{"size":1,"source_volid":"{volume}"}}`, 404, nil},
	{"volume to keep", "POST", "/volume/v3/{me}/snapshots", `{"snapshot":{"volume_id":"{volume}"}}`, 404, nil},
	{"volume to attach", "POST", "/volume/v3/{me}/attachments", `{"attachment":{"volume_uuid":"{volume}","instance_uuid":"{server}"}}`, 404, attachments},
	{"snapshot", "GET", "/volume/v3/{me}/snapshots/{snapshot}", "", 404, nil},
	{"snapshot to delete", "DELETE", "/volume/v3/{me}/snapshots/{snapshot}", "", 404, nil},
	{"snapshot to copy", "POST", "/volume/v3/{me}/volumes", `{"volume":{"size":1,"snapshot_id":"{snapshot}"}}`, 404, nil},
	{"image to copy", "POST", "/volume/v3/{me}/volumes", `{"volume":{"size":1,"imageRef":"{image}"}}`, 404, nil},
	{"quota of volumes to change", "PUT", "/volume/v3/{me}/os-quota-sets/{project}", `{"quota_set":{"volumes":1}}`, 403, nil},
	{"image", "GET", "/image/v2/images/{image}", "", 404, nil},
	{"image to change", "PATCH", "/image/v2/images/{image}", `[{"op":"replace","path":"/name","value":"mine"}]`, 404, jsonPatch},
	{"image to delete", "DELETE", "/image/v2/images/{image}", "", 404, nil},
	{"image to download", "GET", "/image/v2/images/{image}/file", "", 404, nil},
	{"image to upload", "PUT", "/image/v2/images/{image}/file", "mine", 404, octets},
	{"image to share", "POST", "/image/v2/images/{image}/members", `{"member":"{me}"}`, 404, nil},
	{"image to lock", "POST", "/image/v2/images/{image}/actions/deactivate", "", 404, nil},
	{"image to tag", "PUT", "/image/v2/images/{image}/tags/mine", "", 404, nil},
	{"everybody's image to delete", "DELETE", "/image/v2/images/" + demo, "", 403, nil},
	{"everybody's image to change", "PATCH", "/image/v2/images/" + demo, `[{"op":"replace","path":"/name","value":"mine"}]`, 403, jsonPatch},
	{"account", "GET", "/object-store/v1/AUTH_{project}", "", 403, nil},
	{"account to change", "POST", "/object-store/v1/AUTH_{project}", "", 403, []string{"X-Account-Meta-A", "b"}},
	{"container", "GET", "/object-store/v1/AUTH_{project}/c", "", 403, nil},
	{"container to make", "PUT", "/object-store/v1/AUTH_{project}/mine", "", 403, nil},
	{"container to delete", "DELETE", "/object-store/v1/AUTH_{project}/c", "", 403, nil},
	{"object", "GET", "/object-store/v1/AUTH_{project}/c/o", "", 403, nil},
	{"object to replace", "PUT", "/object-store/v1/AUTH_{project}/c/o", "mine", 403, nil},
	{"object to delete", "DELETE", "/object-store/v1/AUTH_{project}/c/o", "", 403, nil},
	{"object that is not there", "GET", "/object-store/v1/AUTH_{project}/c/none", "", 403, nil},
	{"room of hosts", "GET", "/placement/resource_providers", "", 403, nil},
	{"room of a server", "GET", "/placement/allocations/{server}", "", 403, nil},
	{"meters of a server", "GET", "/metering/v1/resource/instance/{server}", "", 404, nil},
}

// TestOthersThingsAreInNoList whatever a project asks the lists for.
func TestOthersThingsAreInNoList(t *testing.T) {
	w := newWorld(t)
	o := w.alice.things(t)
	for _, path := range []string{
		"/identity/v3/auth/projects", "/identity/v3/projects", "/identity/v3/users", "/identity/v3/role_assignments",
		"/compute/v2.1/servers", "/compute/v2.1/servers/detail", "/compute/v2.1/servers/detail?all_tenants=1",
		"/compute/v2.1/servers/detail?project_id={project}", "/compute/v2.1/servers/detail?all_tenants=1&tenant_id={project}",
		"/compute/v2.1/servers?uuid={server}", "/compute/v2.1/{project}/servers",
		"/compute/v2.1/os-keypairs", "/compute/v2.1/os-keypairs?user_id={user}", "/compute/v2.1/os-simple-tenant-usage?detailed=1",
		"/network/v2.0/networks", "/network/v2.0/networks?project_id={project}", "/network/v2.0/networks?id={network}",
		"/network/v2.0/subnets", "/network/v2.0/subnets?network_id={network}", "/network/v2.0/ports",
		"/network/v2.0/ports?device_id={server}", "/network/v2.0/ports?tenant_id={project}", "/network/v2.0/routers",
		"/network/v2.0/floatingips", "/network/v2.0/security-groups", "/network/v2.0/security-groups?project_id={project}",
		"/network/v2.0/security-group-rules", "/network/v2.0/security-group-rules?security_group_id={group}",
		"/volume/v3/{me}/volumes", "/volume/v3/{me}/volumes/detail?all_tenants=1", "/volume/v3/{me}/volumes/detail?project_id={project}",
		"/volume/v3/{project}/volumes/detail", "/volume/v3/{project}/volumes/detail?all_tenants=1&project_id={project}",
		"/volume/v3/{me}/snapshots/detail", "/volume/v3/{me}/snapshots?all_tenants=1&volume_id={volume}", "/volume/v3/{me}/attachments",
		"/image/v2/images", "/image/v2/images?owner={project}", "/image/v2/images?visibility=all", "/image/v2/images?visibility=private",
		"/image/v2/images?member_status=all&visibility=shared", "/image/v2/images?id={image}", "/image/v2/images/{image}/members",
		"/object-store/v1/AUTH_{me}", "/object-store/v1/AUTH_{project}", "/metering/v1/metric", "/metering/v1/metric?project_id={project}",
		"/metering/v1/metric?resource_id={server}", "/compute/v2.1/os-quota-sets/{project}/detail", "/compute/v2.1/limits?tenant_id={project}",
		"/volume/v3/{me}/os-quota-sets/{project}?usage=true", "/network/v2.0/quotas/{project}/details.json", "/network/v2.0/quotas",
	} {
		t.Run(path, func(t *testing.T) {
			r := w.bob.do("GET", o.fill(path), "", attachments...)
			if r.status >= 400 {
				r.refusal(t)
				return
			}
			for what, id := range o {
				links := strings.Count(r.body, "="+id) // a link to the next page repeats what was asked for
				if strings.Count(r.body, id) > links {
					t.Errorf("%d tells the %s: %s", r.status, what, r.body)
				}
			}
			if strings.Contains(path, "quota") || strings.Contains(path, "limits") {
				t.Errorf("another project's limits: %s", r.body)
			}
		})
	}
}
