package computeapi_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

func (c *cloud) names(token, version, query string) []string {
	c.t.Helper()
	got := c.want(http.StatusOK, token, version, "GET servers/detail?"+query, "")
	var names []string
	list, _ := got.body["servers"].([]any)
	for _, s := range list {
		name, _ := dig(s, "name").(string)
		names = append(names, name)
	}
	return names
}

func TestListsAreFiltered(t *testing.T) {
	c := newCloud(t)
	one, two := c.boot("one"), c.boot("two")
	c.want(202, project, "2.1", "POST servers/"+two+"/action", `{"os-stop":null}`)
	c.wait(two, "SHUTOFF")
	c.want(201, project, "2.26", "PUT servers/"+one+"/tags/red", "")
	got := c.want(200, project, "2.1", "PUT servers/"+one, `{"server":{"accessIPv4":"10.1.2.3","accessIPv6":"FE80:0:0::0001"}}`)
	if dig(got.body, "server", "accessIPv4") != "10.1.2.3" || dig(got.body, "server", "accessIPv6") != "fe80::1" {
		t.Error("addresses are not written as everybody does: " + got.text)
	}
	shown := c.want(200, project, "2.1", "GET servers/"+one+"/ips", "")
	ip, _ := dig(shown.body, "addresses", "net", 0, "addr").(string)
	tests := []struct {
		query string
		want  []string
	}{
		{"", []string{"two", "one"}},
		{"sort_key=display_name&sort_dir=asc", []string{"one", "two"}},
		{"limit=1", []string{"two"}},
		{"limit=0", nil},
		{"limit=1&marker=" + two, []string{"one"}},
		{"name=o", []string{"two", "one"}},
		{"name=^on", []string{"one"}},
		{"name=nothing", nil},
		{"status=active", []string{"one"}},
		{"status=SHUTOFF", []string{"two"}},
		{"status=RESIZE", nil},
		{"status=ACTIVE&status=SHUTOFF", []string{"two", "one"}},
		{"vm_state=stopped", []string{"two"}},
		{"ip=^" + strings.ReplaceAll(ip, ".", `\.`) + "$", []string{"one"}},
		{"ip=" + ip, []string{"one"}},
		{"ip=192.0.2.", nil},
		{"flavor=1", []string{"two", "one"}},
		{"flavor=2", nil},
		{"image=" + c.image, []string{"two", "one"}},
		{"image=none", nil},
		{"tags=red", []string{"one"}},
		{"not-tags=red", []string{"two"}},
		{"tags-any=red,blue", []string{"one"}},
		{"changes-since=2999-01-01T00:00:00Z", nil},
		{"changes-since=2001-01-01T00:00:00Z", []string{"two", "one"}},
		{"uuid=" + one, []string{"one"}},
		{"locked=true", nil},
		{"locked=false", []string{"two", "one"}},
	}
	for _, tt := range tests {
		query, err := url.ParseQuery(strings.ReplaceAll(tt.query, "+", "%2B"))
		must(t, err)
		if got := c.names(project, "2.73", query.Encode()); !slices.Equal(got, tt.want) {
			t.Errorf("?%s: %v, want %v", tt.query, got, tt.want)
		}
	}
	if got := c.names("admin", "2.73", "all_tenants=1&project_id="+project); len(got) != 2 {
		t.Errorf("an administrator sees %v", got)
	}
	if got := c.names("admin", "2.1", "all_tenants=1&deleted=true"); len(got) != 0 {
		t.Errorf("deleted are %v", got)
	}
}

func TestPagesAreLinked(t *testing.T) {
	c := newCloud(t)
	for _, name := range []string{"a", "b", "c"} {
		c.boot(name)
	}
	for _, filter := range []string{"", "&status=ACTIVE"} {
		var names []string
		for path := "servers?limit=2" + filter; path != ""; {
			got := c.want(200, project, "2.1", "GET "+path, "")
			for _, s := range got.body["servers"].([]any) {
				names = append(names, dig(s, "name").(string))
			}
			next, _ := dig(got.body, "servers_links", 0, "href").(string)
			path = strings.TrimPrefix(next, c.url)
		}
		if !slices.Equal(names, []string{"c", "b", "a"}) {
			t.Errorf("with %q: %v", filter, names)
		}
	}
}

func TestSeveralServersAtOnce(t *testing.T) {
	c := newCloud(t)
	got := c.want(202, project, "2.1", "POST servers",
		`{"server":{"name":"many","flavorRef":"1","imageRef":"`+c.image+`","min_count":"2","max_count":3,"return_reservation_id":"True"}}`)
	reservation, _ := got.body["reservation_id"].(string)
	if names := c.names(project, "2.1", "sort_key=display_name&sort_dir=asc&reservation_id="+reservation); !slices.Equal(names, []string{"many-1", "many-2", "many-3"}) {
		t.Error(got.text, names)
	}
	c.want(200, "admin", "2.1", "PUT os-quota-sets/"+project, `{"quota_set":{"instances":4}}`)
	c.want(403, project, "2.1", "POST servers", `{"server":{"name":"few","flavorRef":"1","imageRef":"`+c.image+`","min_count":2}}`)
	flowtest.Eventually(t, "nothing is half made", func() bool { return len(c.names(project, "2.1", "name=few")) == 0 })
	c.want(202, project, "2.1", "POST servers", `{"server":{"name":"few","flavorRef":"1","imageRef":"`+c.image+`","min_count":1,"max_count":5}}`)
	if names := c.names(project, "2.1", "name=few-1"); len(names) != 1 {
		t.Error(names)
	}
	c.want(400, "admin", "2.1", "PUT os-quota-sets/"+project, `{"quota_set":{"instances":1}}`)
	c.want(200, "admin", "2.1", "PUT os-quota-sets/"+project, `{"quota_set":{"instances":1,"force":true}}`)
}
