package volumeapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"

	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

// object returns the object below keys in a body.
func object(a answer, keys ...string) map[string]any {
	o := a.body
	for _, k := range keys {
		o, _ = o[k].(map[string]any)
	}
	return o
}

func TestFieldsAppearWithTheirVersion(t *testing.T) {
	cloud := newCloud(t)
	c, boss := cloud.as("ada", ""), cloud.as("admin", "")
	v := newVolume(t, c, volumes.CreateOpts{})
	since := map[string]string{
		"group_id": "3.13", "provider_id": "3.21", "service_uuid": "3.48", "shared_targets": "3.48",
		"cluster_name": "3.61", "volume_type_id": "3.63", "consumes_quota": "3.65",
	}
	at := func(c *gophercloud.ServiceClient, version string) map[string]any {
		c.Microversion = version
		a := call(t, c, "GET", "/volumes/"+v.ID, "")
		if a.header.Get("OpenStack-API-Version") != "volume "+version || a.header.Get("Vary") != "OpenStack-API-Version" {
			t.Errorf("%s: %v", version, a.header)
		}
		return object(a, "volume")
	}
	var minor int
	for field, first := range since {
		if _, err := fmt.Sscanf(first, "3.%d", &minor); err != nil {
			t.Fatal(err)
		}
		if _, early := at(c, fmt.Sprintf("3.%d", minor-1))[field]; early {
			t.Errorf("%s is there before %s", field, first)
		}
		if _, there := at(c, first)[field]; !there {
			t.Errorf("%s is not there at %s", field, first)
		}
	}
	for _, field := range []string{"os-vol-host-attr:host", "os-vol-mig-status-attr:migstat", "os-vol-mig-status-attr:name_id"} {
		if _, told := at(c, "3.70")[field]; told {
			t.Errorf("a user sees %s", field)
		}
		if _, told := at(boss, "3.70")[field]; !told {
			t.Errorf("an administrator does not see %s", field)
		}
	}
	c.Microversion = "3.0"
	made := object(call(t, c, "POST", "/volumes", `{"volume": {"size": "1"}}`), "volume")
	for field := range made {
		if strings.HasPrefix(field, "os-vol") || field == "volume_image_metadata" {
			t.Errorf("a new volume tells %s", field)
		}
	}
	for _, version := range []string{"3.71", "2.0"} {
		c.Microversion = version
		if a := call(t, c, "GET", "/volumes", ""); a.status != http.StatusNotAcceptable {
			t.Errorf("version %s: %d", version, a.status)
		}
	}
}

func TestCallsAppearWithTheirVersion(t *testing.T) {
	c := newCloud(t).as("ada", "")
	for _, tt := range []struct{ path, before, since string }{
		{"/volumes/summary", "3.11", "3.12"}, {"/attachments", "3.26", "3.27"}, {"/messages", "3.2", "3.3"},
	} {
		for version, want := range map[string]int{tt.before: http.StatusNotFound, tt.since: http.StatusOK} {
			c.Microversion = version
			if a := call(t, c, "GET", tt.path, ""); a.status != want {
				t.Errorf("%s at %s: %d %s", tt.path, version, a.status, a.text)
			}
		}
	}
}

func TestDocumentsNeedNoToken(t *testing.T) {
	cloud := newCloud(t)
	for path, want := range map[string]int{"/volume": 300, "/volume/": 300, "/volume/v3": 200, "/volume/v3/": 200} {
		res, err := http.Get(cloud.url + path)
		ok(t, err)
		var body struct {
			Versions []struct {
				ID, Version string
				MinVersion  string `json:"min_version"`
				Links       []struct{ Href string }
			}
		}
		err = json.NewDecoder(res.Body).Decode(&body)
		res.Body.Close()
		ok(t, err)
		if v := body.Versions; res.StatusCode != want || len(v) != 1 || v[0].ID != "v3.0" || v[0].Version != "3.70" ||
			v[0].MinVersion != "3.0" || v[0].Links[0].Href != cloud.url+"/volume/v3/" {
			t.Errorf("%s: %d %+v", path, res.StatusCode, v)
		}
	}
	res, err := http.Get(cloud.url + "/volume/v3/blue/volumes")
	ok(t, err)
	res.Body.Close()
	if res.StatusCode != http.StatusUnauthorized || res.Header.Get("WWW-Authenticate") == "" {
		t.Errorf("without a token: %d %v", res.StatusCode, res.Header)
	}
}

func TestBadRequests(t *testing.T) {
	cloud := newCloud(t)
	c := cloud.as("ada", "3.54")
	v := newVolume(t, c, volumes.CreateOpts{Size: 2, Metadata: map[string]string{"a": "b"}})
	busy := newVolume(t, c, volumes.CreateOpts{})
	ok(t, volumes.Reserve(t.Context(), c, busy.ID).ExtractErr())
	const nobody = "0190aaaa-0000-7000-8000-000000000001"
	action := "/volumes/" + v.ID + "/action"
	tests := map[string]struct {
		method, path, body string
		want               int
	}{
		"no JSON":               {"POST", "/volumes", `{`, 400},
		"no object":             {"POST", "/volumes", `[]`, 400},
		"another object":        {"POST", "/volumes", `{"disk": {"size": 1}}`, 400},
		"no body":               {"POST", "/volumes", ``, 400},
		"no size":               {"POST", "/volumes", `{"volume": {}}`, 400},
		"size 0":                {"POST", "/volumes", `{"volume": {"size": 0}}`, 400},
		"a size below 0":        {"POST", "/volumes", `{"volume": {"size": "-1"}}`, 400},
		"a size that is text":   {"POST", "/volumes", `{"volume": {"size": "#$%"}}`, 400},
		"a size that breaks":    {"POST", "/volumes", `{"volume": {"size": 1.5}}`, 400},
		"a huge size":           {"POST", "/volumes", `{"volume": {"size": 99999999}}`, 400},
		"metadata of numbers":   {"POST", "/volumes", `{"volume": {"size": 1, "metadata": {"a": 1}}}`, 400},
		"a long name":           {"POST", "/volumes", `{"volume": {"size": 1, "name": "` + strings.Repeat("x", 256) + `"}}`, 400},
		"for several servers":   {"POST", "/volumes", `{"volume": {"size": 1, "multiattach": true}}`, 400},
		"from a backup":         {"POST", "/volumes", `{"volume": {"size": 1, "backup_id": "x"}}`, 400},
		"in another zone":       {"POST", "/volumes", `{"volume": {"size": 1, "availability_zone": "x"}}`, 400},
		"of an unknown type":    {"POST", "/volumes", `{"volume": {"size": 1, "volume_type": "x"}}`, 404},
		"of an unknown image":   {"POST", "/volumes", `{"volume": {"size": 1, "imageRef": "x"}}`, 404},
		"of an unknown volume":  {"POST", "/volumes", `{"volume": {"size": 1, "source_volid": "` + nobody + `"}}`, 404},
		"unknown snapshot":      {"POST", "/volumes", `{"volume": {"size": 1, "snapshot_id": "` + nobody + `"}}`, 404},
		"a clone too small":     {"POST", "/volumes", `{"volume": {"size": 1, "source_volid": "` + v.ID + `"}}`, 400},
		"an image too large":    {"POST", "/volumes", `{"volume": {"size": 1, "imageRef": "image"}}`, 400},
		"a clone of what's on":  {"POST", "/volumes", `{"volume": {"source_volid": "` + busy.ID + `"}}`, 400},
		"unknown volume":        {"GET", "/volumes/" + nobody, ``, 404},
		"no id":                 {"GET", "/volumes/", ``, 404},
		"no id to change":       {"PUT", "/volumes/", `{"volume": {}}`, 404},
		"no id to delete":       {"DELETE", "/volumes/", ``, 404},
		"unknown path":          {"GET", "/groups/detail", ``, 404},
		"wrong method":          {"PATCH", "/volumes", ``, 405},
		"a limit that is text":  {"GET", "/volumes?limit=x", ``, 400},
		"a limit below 0":       {"GET", "/volumes?limit=-1", ``, 400},
		"unknown marker":        {"GET", "/volumes?marker=" + nobody, ``, 404},
		"unknown sort key":      {"GET", "/volumes?sort=color", ``, 400},
		"metadata unreadable":   {"GET", "/volumes?metadata={'a':", ``, 400},
		"unknown action":        {"POST", action, `{"os-dance": {}}`, 400},
		"two actions":           {"POST", action, `{"os-extend": {"new_size": 3}, "os-reserve": {}}`, 400},
		"extend by nothing":     {"POST", action, `{"os-extend": {"new_size": 2}}`, 400},
		"extend to null":        {"POST", action, `{"os-extend": {"new_size": null}}`, 400},
		"extend what is on":     {"POST", "/volumes/" + busy.ID + "/action", `{"os-extend": {"new_size": 2}}`, 400},
		"reserve twice":         {"POST", "/volumes/" + busy.ID + "/action", `{"os-reserve": null}`, 400},
		"delete what is on":     {"DELETE", "/volumes/" + busy.ID, ``, 400},
		"reset by a user":       {"POST", action, `{"os-reset_status": {"status": "error"}}`, 403},
		"force detach by them":  {"POST", action, `{"os-force_detach": {}}`, 403},
		"retype to nothing":     {"POST", action, `{"os-retype": {"new_type": "x"}}`, 404},
		"upload without name":   {"POST", action, `{"os-volume_upload_image": {"disk_format": "raw"}}`, 400},
		"upload as vhd":         {"POST", action, `{"os-volume_upload_image": {"image_name": "x", "disk_format": "vhd"}}`, 400},
		"two items":             {"PUT", "/volumes/" + v.ID + "/metadata/a", `{"meta": {"a": "1", "b": "2"}}`, 400},
		"unknown item":          {"GET", "/volumes/" + v.ID + "/metadata/z", ``, 404},
		"delete unknown item":   {"DELETE", "/volumes/" + v.ID + "/metadata/z", ``, 404},
		"null for metadata":     {"POST", "/volumes/" + v.ID + "/metadata", `{"metadata": null}`, 400},
		"snapshot of nothing":   {"POST", "/snapshots", `{"snapshot": {}}`, 400},
		"snapshot of unknown":   {"POST", "/snapshots", `{"snapshot": {"volume_id": "` + nobody + `"}}`, 404},
		"snapshot of what's on": {"POST", "/snapshots", `{"snapshot": {"volume_id": "` + busy.ID + `"}}`, 400},
		"a type by a user":      {"POST", "/types", `{"volume_type": {"name": "x"}}`, 403},
		"quota by a user":       {"PUT", "/os-quota-sets/blue", `{"quota_set": {"volumes": 1}}`, 403},
		"hosts to a user":       {"GET", "/os-hosts", ``, 403},
		"abilities to a user":   {"GET", "/capabilities/nacre@memory", ``, 403},
		"attach nothing":        {"POST", "/attachments", `{"attachment": {"instance_uuid": "x"}}`, 400},
		"attach read-only":      {"POST", "/attachments", `{"attachment": {"volume_uuid": "` + v.ID + `", "mode": "ro"}}`, 400},
		"detach unknown":        {"DELETE", "/attachments/" + nobody, ``, 404},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			a := call(t, c, tt.method, tt.path, tt.body)
			if a.status != tt.want {
				t.Fatalf("%d, want %d: %s", a.status, tt.want, a.text)
			}
			keys := slices.Collect(maps.Keys(a.body))
			if len(keys) != 1 || object(a, keys[0])["code"] != float64(tt.want) || object(a, keys[0])["message"] == "" {
				t.Errorf("error body %s", a.text)
			}
		})
	}
	q, err := cloud.volumes.Quota(identitytest.Admin(t.Context()), "blue")
	if err != nil || q.Used["volumes"] != 2 || q.Used["snapshots"] != 0 {
		t.Errorf("bad requests left something: %+v %v", q.Used, err)
	}
}

func TestAboveTheQuota(t *testing.T) {
	cloud := newCloud(t)
	c := cloud.as("ada", "")
	limit := func(set string) {
		t.Helper()
		if a := call(t, cloud.as("admin", ""), "PUT", "/os-quota-sets/blue", `{"quota_set": `+set+`}`); a.status != 200 {
			t.Fatal(a.text)
		}
	}
	limit(`{"volumes": 1, "gigabytes": 2, "snapshots": 0}`)
	v := newVolume(t, c, volumes.CreateOpts{})
	for name, tt := range map[string]struct{ path, body string }{
		"volumes":   {"/volumes", `{"volume": {"size": 1}}`},
		"gigabytes": {"/volumes/" + v.ID + "/action", `{"os-extend": {"new_size": 3}}`},
		"snapshots": {"/snapshots", `{"snapshot": {"volume_id": "` + v.ID + `"}}`},
	} {
		a := call(t, c, "POST", tt.path, tt.body)
		if a.status != http.StatusRequestEntityTooLarge || a.header.Get("Retry-After") != "0" || object(a, "overLimit")["retryAfter"] != "0" ||
			!strings.Contains(a.text, name) {
			t.Errorf("%s: %d %v %s", name, a.status, a.header, a.text)
		}
	}
	limit(`{"volumes": -1, "gigabytes": -1, "per_volume_gigabytes": 5}`)
	if a := call(t, c, "POST", "/volumes", `{"volume": {"size": 6}}`); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("a volume too large: %d %s", a.status, a.text)
	}
}

func TestOthersSeeNothing(t *testing.T) {
	cloud := newCloud(t)
	c, other, reader := cloud.as("ada", "3.54"), cloud.as("eve", "3.54"), cloud.as("rex", "3.54")
	v := newVolume(t, c, volumes.CreateOpts{Metadata: map[string]string{"a": "b"}})
	s, _ := object(call(t, c, "POST", "/snapshots", `{"snapshot": {"volume_id": "`+v.ID+`"}}`), "snapshot")["id"].(string)
	flowtest.Eventually(t, "the snapshot is available", func() bool {
		return object(call(t, c, "GET", "/snapshots/"+s, ""), "snapshot")["status"] == "available"
	})
	at, _ := object(call(t, c, "POST", "/attachments", `{"attachment": {"volume_uuid": "`+v.ID+`", "instance_uuid": "x"}}`), "attachment")["id"].(string)
	tests := []struct {
		method, path, body string
		reader             int // what who may only read is answered
	}{
		{"GET", "/volumes/" + v.ID, ``, 200},
		{"PUT", "/volumes/" + v.ID, `{"volume": {"name": "mine"}}`, 403},
		{"DELETE", "/volumes/" + v.ID, ``, 403},
		{"DELETE", "/volumes/" + v.ID + "?cascade=true", ``, 403},
		{"GET", "/volumes/" + v.ID + "/metadata", ``, 200},
		{"POST", "/volumes/" + v.ID + "/metadata", `{"metadata": {"x": "y"}}`, 403},
		{"DELETE", "/volumes/" + v.ID + "/metadata/a", ``, 403},
		{"POST", "/volumes/" + v.ID + "/action", `{"os-extend": {"new_size": 9}}`, 403},
		{"POST", "/volumes/" + v.ID + "/action", `{"os-attach": {"instance_uuid": "x", "mountpoint": "/dev/vdb"}}`, 403},
		{"POST", "/volumes/" + v.ID + "/action", `{"os-detach": {}}`, 403},
		{"POST", "/volumes/" + v.ID + "/action", `{"os-volume_upload_image": {"image_name": "x"}}`, 403},
		{"POST", "/volumes/" + v.ID + "/action", `{"os-set_image_metadata": {"metadata": {"x": "y"}}}`, 403},
		{"POST", "/volumes/" + v.ID + "/action", `{"os-reset_status": {"status": "error"}}`, 403},
		{"GET", "/snapshots/" + s, ``, 200},
		{"PUT", "/snapshots/" + s, `{"snapshot": {"name": "mine"}}`, 403},
		{"DELETE", "/snapshots/" + s, ``, 403},
		{"GET", "/attachments/" + at, ``, 200},
		{"PUT", "/attachments/" + at, `{"attachment": {"connector": {"host": "h"}}}`, 403},
		{"DELETE", "/attachments/" + at, ``, 403},
		{"POST", "/snapshots", `{"snapshot": {"volume_id": "` + v.ID + `"}}`, 403},
		{"POST", "/attachments", `{"attachment": {"volume_uuid": "` + v.ID + `"}}`, 403},
		{"POST", "/volumes", `{"volume": {"size": 1, "source_volid": "` + v.ID + `"}}`, 403},
		{"POST", "/volumes", `{"volume": {"size": 1, "snapshot_id": "` + s + `"}}`, 403},
		{"GET", "/os-quota-sets/blue", ``, 200},
	}
	for _, tt := range tests {
		a := call(t, other, tt.method, tt.path, tt.body)
		if a.status != http.StatusNotFound {
			t.Errorf("another project: %s %s: %d %s", tt.method, tt.path, a.status, a.text)
		}
		a = call(t, reader, tt.method, tt.path, tt.body)
		if a.status != tt.reader {
			t.Errorf("a reader: %s %s: %d, want %d: %s", tt.method, tt.path, a.status, tt.reader, a.text)
		}
	}
	for _, list := range []string{"volumes", "volumes/detail", "snapshots", "snapshots/detail", "attachments", "attachments/detail"} {
		for _, query := range []string{"", "?all_tenants=1", "?all_tenants=1&project_id=blue"} {
			a := call(t, other, "GET", "/"+list+query, "")
			if items, _ := a.body[strings.TrimSuffix(list, "/detail")].([]any); a.status != 200 || len(items) != 0 {
				t.Errorf("%s%s of another project: %d %s", list, query, a.status, a.text)
			}
		}
	}
}

// TestThePathIsNotTheScope asks with a good token below another project's path.
func TestThePathIsNotTheScope(t *testing.T) {
	cloud := newCloud(t)
	c, other := cloud.as("ada", ""), cloud.as("eve", "")
	v := newVolume(t, c, volumes.CreateOpts{})
	other.Endpoint = c.Endpoint
	for _, path := range []string{"/volumes/" + v.ID, "/volumes", "/limits"} {
		if a := call(t, other, "GET", path, ""); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
}

func TestAFullPageLinksOn(t *testing.T) {
	c := newCloud(t).as("ada", "")
	for range 2 {
		newVolume(t, c, volumes.CreateOpts{})
	}
	for path, want := range map[string]bool{
		"/volumes?limit=1": true, "/volumes/detail?limit=2": true, "/volumes?limit=3": false, "/volumes": false, "/volumes?limit=0": false,
	} {
		if _, linked := call(t, c, "GET", path, "").body["volumes_links"]; linked != want {
			t.Errorf("%s links on: %v", path, linked)
		}
	}
}
