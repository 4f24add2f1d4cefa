package computeapi_test

import (
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/network"
)

func TestSecurityGroupsOfServers(t *testing.T) {
	c := newCloud(t)
	id := c.boot("web")
	got := c.want(200, project, "2.1", "POST os-security-groups", `{"security_group":{"name":"ssh","description":"d"}}`)
	group, _ := dig(got.body, "security_group", "id").(string)
	got = c.want(200, project, "2.1", "POST os-security-group-rules",
		`{"security_group_rule":{"parent_group_id":"`+group+`","ip_protocol":"tcp","from_port":22,"to_port":"22","cidr":"192.0.2.7/24"}}`)
	if dig(got.body, "security_group_rule", "ip_range", "cidr") != "192.0.2.7/24" || dig(got.body, "security_group_rule", "to_port") != 22.0 {
		t.Error(got.text)
	}
	c.want(400, project, "2.1", "POST os-security-group-rules",
		`{"security_group_rule":{"parent_group_id":"`+group+`","ip_protocol":"tcp","from_port":23,"to_port":22}}`)
	ctx, unguarded := as(t.Context(), project), false
	for _, security := range []*bool{nil, &unguarded} {
		p, err := c.networks.CreatePort(ctx, network.PortSpec{NetworkID: network.ID(c.network), PortSecurity: security})
		must(t, err)
		c.want(200, project, "2.1", "POST servers/"+id+"/os-interface", `{"interfaceAttachment":{"port_id":"`+string(p.ID)+`"}}`)
		if security == nil { // one port has the group before the server gets it
			_, err = c.networks.UpdatePort(ctx, network.PortPatch{ID: p.ID, Groups: &[]network.SecurityGroupID{network.SecurityGroupID(group)}})
			must(t, err)
		}
	}
	c.want(202, project, "2.1", "POST servers/"+id+"/action", `{"removeSecurityGroup":{"name":"ssh"}}`)
	c.want(202, project, "2.1", "POST servers/"+id+"/action", `{"addSecurityGroup":{"name":"ssh"}}`)
	c.want(404, project, "2.1", "POST servers/"+id+"/action", `{"addSecurityGroup":{"name":"unknown"}}`)
	if names := c.groups("servers/" + id + "/os-security-groups"); !slices.Equal(names, []string{"default", "ssh"}) {
		t.Error(names)
	}
	shown := c.want(200, project, "2.1", "GET servers/"+id, "")
	if dig(shown.body, "server", "security_groups", 1, "name") != "ssh" {
		t.Error(shown.text)
	}
	c.want(400, project, "2.1", "DELETE os-security-groups/"+group, "")
	c.want(202, project, "2.1", "POST servers/"+id+"/action", `{"removeSecurityGroup":{"name":"ssh"}}`)
	c.want(404, project, "2.1", "POST servers/"+id+"/action", `{"removeSecurityGroup":{"name":"ssh"}}`)
	c.want(202, project, "2.1", "POST servers/"+id+"/action", `{"removeSecurityGroup":{"name":"default"}}`)
	if shown = c.want(200, project, "2.1", "GET servers/"+id, ""); dig(shown.body, "server", "security_groups") != nil {
		t.Error(shown.text)
	}
	c.want(202, project, "2.1", "DELETE os-security-groups/"+group, "")
	if names := c.groups("os-security-groups"); !slices.Equal(names, []string{"default"}) {
		t.Error(names)
	}
}

func (c *cloud) groups(path string) []string {
	c.t.Helper()
	var names []string
	for _, g := range c.want(200, project, "2.1", "GET "+path, "").body["security_groups"].([]any) {
		names = append(names, dig(g, "name").(string))
	}
	return names
}

func TestImagesAreProxied(t *testing.T) {
	c := newCloud(t)
	got := c.want(200, project, "2.1", "GET images/"+c.image, "")
	if dig(got.body, "image", "status") != "ACTIVE" || dig(got.body, "image", "OS-EXT-IMG-SIZE:size") != 4096.0 {
		t.Error(got.text)
	}
	c.want(200, "admin", "2.1", "POST images/"+c.image+"/metadata", `{"metadata":{"a":"1","b":"2"}}`)
	c.want(204, "admin", "2.1", "DELETE images/"+c.image+"/metadata/a", "")
	c.want(404, "admin", "2.1", "GET images/"+c.image+"/metadata/a", "")
	if got := c.want(200, project, "2.38", "GET images/"+c.image+"/metadata", ""); dig(got.body, "metadata", "b") != "2" {
		t.Error(got.text)
	}
	c.want(200, project, "2.1", "GET images/detail?name=image", "")
}

func TestWhatHappenedIsListed(t *testing.T) {
	c := newCloud(t)
	got := c.want(202, project, "2.1", "POST servers", `{"server":{"name":"web","flavorRef":"1","imageRef":"`+c.image+`"}}`)
	id, _ := dig(got.body, "server", "id").(string)
	request := got.header.Get("X-Compute-Request-Id")
	c.wait(id, "ACTIVE")
	got = c.want(200, project, "2.84", "GET servers/"+id+"/os-instance-actions/"+request, "")
	if dig(got.body, "instanceAction", "action") != "create" || dig(got.body, "instanceAction", "events", 0, "result") != "Success" {
		t.Error(got.text)
	}
	got = c.want(200, project, "2.50", "GET servers/"+id+"/os-instance-actions/"+request, "")
	if dig(got.body, "instanceAction", "events") != nil {
		t.Error("users see events too early: " + got.text)
	}
	c.want(404, project, "2.1", "GET servers/"+id+"/os-instance-actions/req-none", "")
	c.want(200, "admin", "2.1", "POST os-server-external-events", `{"events":[{"name":"network-changed","server_uuid":"`+id+`"}]}`)
	c.want(404, "admin", "2.1", "POST os-server-external-events", `{"events":[{"name":"network-changed","server_uuid":"none"}]}`)
	c.want(202, project, "2.1", "POST servers/"+id+"/action", `{"forceDelete":null}`)
	flowtest.Eventually(t, "the server is gone", func() bool { return c.do(project, "2.1", "GET servers/"+id, "").status == 404 })
	c.want(404, project, "2.20", "GET servers/"+id+"/os-instance-actions", "")
	got = c.want(200, project, "2.21", "GET servers/"+id+"/os-instance-actions", "")
	if dig(got.body, "instanceActions", 0, "action") != "delete" {
		t.Error(got.text)
	}
	c.want(200, project, "2.51", "GET servers/"+id+"/os-instance-actions/"+request, "")
}
