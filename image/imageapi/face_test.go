package imageapi_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/image/imageapi"
	"github.com/nacre-cloud/nacre/image/memory"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/runtest"
)

// tokens are who may call in these tests: "role.project".
var tokens = rest.AuthenticatorFunc(func(ctx context.Context, token string) (context.Context, error) {
	role, of, ok := strings.Cut(token, ".")
	if !ok {
		return nil, fault.Unauthenticated.Errorf("no such token")
	}
	return identity.With(ctx, identity.Caller{UserID: "user-" + of, ProjectID: of, Roles: identity.Expand(role)}), nil
})

// serve starts an empty image service and returns the address of its face.
func serve(t *testing.T) string {
	t.Helper()
	d := dbtest.SQLite(t, bus.Migrations, flow.Migrations, quota.Migrations, image.Migrations)
	e := flow.NewEngine(d, nil, flow.Config{})
	m, err := image.New(image.Params{DB: d, Flows: e, Stores: []image.Store{
		{Name: "ram", Driver: memory.New(memory.Config{Capacity: 8 << 20})}, {Name: "spare", Driver: memory.New(memory.Config{})},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := rest.New(rest.Params{Faces: []rest.Face{imageapi.New(m, m)}, Authenticator: tokens})
	if err != nil {
		t.Fatal(err)
	}
	runtest.Start(t, e)
	runtest.Start(t, s)
	return s.URL() + "/image"
}

type client struct {
	t          *testing.T
	url, token string
}

// do sends a request with headers given in pairs, and returns the answer with
// its body read.
func (c client) do(method, path, body string, headers ...string) (*http.Response, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("X-Auth-Token", c.token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return res, string(text)
}

// want sends a request whose answer must have a status, and returns its JSON.
func (c client) want(status int, method, path, body string, headers ...string) map[string]any {
	c.t.Helper()
	res, text := c.do(method, path, body, headers...)
	if res.StatusCode != status {
		c.t.Errorf("%s %s %.200s: %d, want %d: %s", method, path, body, res.StatusCode, status, text)
	}
	if status >= 400 {
		if kind := res.Header.Get("Content-Type"); !strings.HasPrefix(kind, "text/html") || !strings.Contains(text, "<title>") {
			c.t.Errorf("%s %s: error of type %s: %s", method, path, kind, text)
		}
		return nil
	}
	if status == http.StatusNoContent && text != "" {
		c.t.Errorf("%s %s: %d with a body", method, path, status)
	}
	var v map[string]any
	if text != "" && json.Unmarshal([]byte(text), &v) != nil {
		return map[string]any{"text": text}
	}
	return v
}

// make makes an image and returns its id.
func (c client) make(body string) string {
	c.t.Helper()
	id, _ := c.want(http.StatusCreated, "POST", "/v2/images", body)["id"].(string)
	return id
}

// active makes an image with bytes and returns its path.
func (c client) active(body, data string) string {
	c.t.Helper()
	path := "/v2/images/" + c.make(body)
	c.want(204, "PUT", path+"/file", data, "Content-Type", "application/octet-stream")
	return path
}

const bare = `{"name":"i","disk_format":"raw","container_format":"bare"}`

const patchType = "application/openstack-images-v2.1-json-patch"

func TestVersions(t *testing.T) {
	c := client{t: t, url: serve(t)}
	for path, status := range map[string]int{"": 300, "/": 300, "/versions": 200, "/versions/": 200} {
		list, _ := c.want(status, "GET", path, "")["versions"].([]any)
		first, _ := list[0].(map[string]any)
		if len(list) != 16 || first["id"] != "v2.15" || first["status"] != "CURRENT" {
			t.Errorf("%q: %v", path, list)
		}
	}
	c.want(401, "GET", "/v2/images", "")
}

func TestImage(t *testing.T) {
	c := client{t, serve(t), "member.p"}
	res, text := c.do("POST", "/v2/images", `{"name":"i","disk_format":"raw","container_format":"bare","tags":["b","a"],
		"min_disk":1,"os_distro":"debian","a:b/c~d":"x","id":"5F3F2A0E-0000-4000-8000-00000000000A"}`, "Content-Type", "application/json")
	id := "5f3f2a0e-0000-4000-8000-00000000000a"
	path := "/v2/images/" + id
	if res.StatusCode != 201 || res.Header.Get("Location") != c.url+path || res.Header.Get("OpenStack-image-store-ids") != "ram,spare" {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, text)
	}
	var made map[string]any
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"id": id, "name": "i", "status": "queued", "visibility": "shared", "owner": "p", "protected": false, "os_hidden": false,
		"disk_format": "raw", "container_format": "bare", "min_disk": 1.0, "min_ram": 0.0, "size": nil, "virtual_size": nil,
		"checksum": nil, "os_hash_algo": nil, "os_hash_value": nil, "self": path, "file": path + "/file", "schema": "/v2/schemas/image",
		"os_distro": "debian", "a:b/c~d": "x",
	} {
		if got, there := made[name]; !there || got != want {
			t.Errorf("%s = %v, want %v", name, got, want)
		}
	}
	c.want(409, "POST", "/v2/images", `{"id":"`+id+`"}`)
	client{t, c.url, "member.q"}.want(409, "POST", "/v2/images", `{"id":"`+id+`"}`)
	c.want(204, "GET", path+"/file", "")
	c.want(415, "PUT", path+"/file", "bytes", "Content-Type", "text/plain")
	c.want(204, "PUT", path+"/file", "0123456789", "Content-Type", "application/octet-stream")
	c.want(409, "PUT", path+"/file", "again", "Content-Type", "application/octet-stream")
	i := c.want(200, "GET", path, "")
	if i["status"] != "active" || i["size"] != 10.0 || i["virtual_size"] != 10.0 || i["checksum"] != "781e5e245d69b566979b86e28d23f2c7" || i["os_hash_algo"] != "sha512" || i["stores"] != "ram" {
		t.Errorf("%v", i)
	}
	res, text = c.do("GET", path+"/file", "")
	if text != "0123456789" || res.Header.Get("Content-MD5") != i["checksum"] || res.Header.Get("Content-Length") != "10" || res.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("%v %s", res.Header, text)
	}
	for _, tt := range []struct {
		asked, text, told string
		status            int
	}{
		{"bytes=2-4", "234", "bytes 2-4/10", 206},
		{"bytes=7-", "789", "bytes 7-9/10", 206},
		{"bytes=-2", "89", "bytes 8-9/10", 206},
		{"bytes=5-99", "56789", "bytes 5-9/10", 206},
		{"bytes=1-2,4-5", "0123456789", "", 200},
		{"bytes=x", "0123456789", "", 200},
	} {
		res, text := c.do("GET", path+"/file", "", "Range", tt.asked)
		if res.StatusCode != tt.status || text != tt.text || res.Header.Get("Content-Range") != tt.told {
			t.Errorf("%s: %d %v %s", tt.asked, res.StatusCode, res.Header, text)
		}
	}
	c.want(416, "GET", path+"/file", "", "Range", "bytes=10-")
	c.want(204, "POST", path+"/actions/deactivate", "")
	c.want(403, "GET", path+"/file", "")
	c.want(204, "POST", path+"/actions/reactivate", "")
	c.want(200, "GET", path+"/tasks", "")
	c.want(204, "DELETE", path, "")
	c.want(404, "GET", path, "")
	c.want(404, "DELETE", path, "")
}

func TestBadRequests(t *testing.T) {
	c := client{t, serve(t), "member.p"}
	for body, status := range map[string]int{
		`{`: 400, `[]`: 400, `{"name":1}`: 400, `{"disk_format":"wrong"}`: 400, `{"container_format":"wrong"}`: 400,
		`{"visibility":"wrong"}`: 400, `{"min_disk":"1"}`: 400, `{"min_ram":1.5}`: 400, `{"min_disk":-1}`: 400,
		`{"tags":"a"}`: 400, `{"tags":[1]}`: 400, `{"protected":"yes"}`: 400, `{"extra":1}`: 400, `{"id":"x"}`: 400, `{"id":7}`: 400,
		`{"status":"active"}`: 403, `{"size":1}`: 403, `{"locations":[]}`: 403, `{"deleted":true}`: 403, `{"os_glance_x":"y"}`: 403,
		`{"owner":"q"}`: 403, `{"visibility":"public"}`: 403, `{"name":null,"kernel_id":null}`: 201,
	} {
		c.want(status, "POST", "/v2/images", body)
	}
	many, _ := json.Marshal(map[string]any{"tags": strings.Split(strings.Repeat("t ", 3), " ")})
	c.want(400, "POST", "/v2/images", string(many)) // one of them is empty
	id := c.make(`{}`)
	c.want(400, "PUT", "/v2/images/"+id+"/file", "x", "Content-Type", "application/octet-stream") // no format
	for _, path := range []string{"/v2/images/", "/v2/images/none", "/v2/none", "/v2/images/none/file"} {
		c.want(404, "GET", path, "")
	}
	c.want(404, "DELETE", "/v2/images/", "")
	c.want(404, "PUT", "/v2/images/none/tags/t", "")
	c.want(404, "DELETE", "/v2/images/"+id+"/tags/t", "")
	c.want(403, "POST", "/v2/images/"+id+"/actions/deactivate", "")
	full := c.make(bare)
	c.want(413, "PUT", "/v2/images/"+full+"/file", strings.Repeat("x", 9<<20), "Content-Type", "application/octet-stream")
	lie := c.make(`{"disk_format":"qcow2","container_format":"bare"}`)
	c.want(400, "PUT", "/v2/images/"+lie+"/file", strings.Repeat("x", 9<<20), "Content-Type", "application/octet-stream")
	c.want(400, "PUT", "/v2/images/"+full+"/file", "x", "Content-Type", "application/octet-stream", "X-Image-Meta-Store", "none")
	c.want(204, "PUT", "/v2/images/"+full+"/file", "x", "Content-Type", "application/octet-stream", "X-Image-Meta-Store", "spare")
}

func TestPatch(t *testing.T) {
	c := client{t, serve(t), "member.p"}
	path := "/v2/images/" + c.make(`{"name":"i","a":"1","b/c":"2","d~e":"3"}`)
	patch := func(status int, body string) map[string]any {
		t.Helper()
		return c.want(status, "PATCH", path, body, "Content-Type", patchType)
	}
	i := patch(200, `[{"op":"replace","path":"/name","value":"n"},{"op":"remove","path":"/b~1c"},{"op":"replace","path":"/d~0e","value":"4"},
		{"op":"add","path":"/new","value":"5"},{"op":"replace","path":"/new","value":"6"},{"op":"add","path":"/a","value":"7"},
		{"op":"replace","path":"/tags","value":["x"]},{"op":"add","path":"/min_ram","value":64}]`)
	_, there := i["b/c"]
	if i["name"] != "n" || there || i["d~e"] != "4" || i["new"] != "6" || i["a"] != "7" || i["min_ram"] != 64.0 {
		t.Errorf("%v", i)
	}
	if again := c.want(200, "GET", path, ""); again["new"] != "6" || again["name"] != "n" {
		t.Errorf("%v", again)
	}
	patch(200, `[]`)
	for body, status := range map[string]int{
		`{}`: 400, `[1]`: 400, `[{}]`: 400, `[{"op":"test","path":"/name","value":"x"}]`: 400, `[{"op":"add","path":"/x"}]`: 400,
		`[{"op":"add","path":"name","value":"x"}]`: 400, `[{"op":"add","path":"/","value":"x"}]`: 400, `[{"op":"add","path":"/x/y","value":"x"}]`: 400,
		`[{"op":"add","path":"/x~2","value":"x"}]`: 400, `[{"op":"replace","path":"/name","value":3}]`: 400, `[{"op":"add","path":"/x","value":3}]`: 400,
		`[{"op":"replace","path":"/none","value":"x"}]`: 409, `[{"op":"remove","path":"/none"}]`: 409, `[{"op":"remove","path":"/name"}]`: 403,
		`[{"op":"replace","path":"/id","value":"x"}]`: 403, `[{"op":"replace","path":"/status","value":"active"}]`: 403,
		`[{"op":"add","path":"/os_glance_x","value":"x"}]`: 403, `[{"op":"add","path":"/locations/-","value":{}}]`: 403,
		`[{"op":"replace","path":"/visibility","value":"public"}]`: 403, `[{"op":"replace","path":"/owner","value":"q"}]`: 403,
		`[{"op":"add","path":"/ok","value":"x"},{"op":"replace","path":"/id","value":"x"}]`: 403,
	} {
		patch(status, body)
	}
	if _, there := c.want(200, "GET", path, "")["ok"]; there {
		t.Error("half of a bad patch was applied")
	}
	const older = "application/openstack-images-v2.0-json-patch"
	c.want(200, "PATCH", path, `[{"replace":"/name","value":"o"},{"add":"/p","value":"1"},{"remove":"/a"}]`, "Content-Type", older)
	c.want(409, "PATCH", path, `[{"add":"/p","value":"2"}]`, "Content-Type", older)
	c.want(415, "PATCH", path, `[]`, "Content-Type", "text/plain")
	client{t, c.url, "member.q"}.want(404, "PATCH", path, `[]`, "Content-Type", patchType)
}

func TestList(t *testing.T) {
	c := client{t, serve(t), "member.p"}
	c.active(`{"name":"a","disk_format":"raw","container_format":"bare","tags":["t"],"os_distro":"debian"}`, "12345")
	c.active(`{"name":"b,c","disk_format":"raw","container_format":"bare","protected":true}`, "1234567890")
	c.make(`{"name":"d","disk_format":"qcow2","container_format":"bare","os_hidden":true}`)
	for query, want := range map[string]string{
		"sort=name:asc": "a b,c", "sort=name": "b,c a", "sort_key=size&sort_dir=desc": "b,c a", "sort_key=name&sort_dir=asc&sort_key=id": "a b,c",
		"name=a": "a", "name=in:a,%22b,c%22&sort=name:asc": "a b,c", "name=none": "", "os_hidden=true": "d", "tag=t": "a", "tag=x": "",
		"size_min=6": "b,c", "size_max=6": "a", "size=5": "a", "status=active&protected=true": "b,c", "visibility=shared&limit=1&sort=name:asc": "a",
		"visibility=private": "", "owner=p&protected=false": "a", "owner=q": "", "os_distro=debian": "a", "created_at=gte:2020-01-01T00:00:00Z&sort=name:asc": "a b,c",
		"created_at=lt:2020-01-01T00:00:00Z": "", "updated_at=gt:2020-01-01T00:00:00%2B01:00&name=a": "a", "limit=0": "", "member_status=all&sort=name:asc": "a b,c",
	} {
		list, _ := c.want(200, "GET", "/v2/images?"+query, "")["images"].([]any)
		names := make([]string, len(list))
		for i := range list {
			names[i], _ = list[i].(map[string]any)["name"].(string)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for _, query := range []string{
		"limit=-1", "limit=x", "sort=none", "sort_dir=up", "marker=none", "visibility=none", "member_status=none", "size_min=x", "size_max=-1",
		"created_at=yesterday", "name=in:%22", "protected=maybe",
	} {
		c.want(400, "GET", "/v2/images?"+query, "")
	}
	page := c.want(200, "GET", "/v2/images?limit=1&sort=name:asc", "")
	next, _ := page["next"].(string)
	if page["first"] != "/v2/images?limit=1&sort=name%3Aasc" || !strings.HasPrefix(next, "/v2/images?") || page["schema"] != "/v2/schemas/images" {
		t.Errorf("%v", page)
	}
	page = c.want(200, "GET", next, "")
	if list, _ := page["images"].([]any); len(list) != 1 || page["next"] != nil {
		t.Errorf("%v", page)
	}
}

func TestMembers(t *testing.T) {
	c, other := client{t, serve(t), "member.p"}, client{t: t, token: "member.q"}
	other.url = c.url
	path := "/v2/images/" + c.make(bare)
	other.want(404, "GET", path, "")
	m := c.want(200, "POST", path+"/members", `{"member":"q"}`)
	if m["member_id"] != "q" || path != "/v2/images/"+m["image_id"].(string) || m["status"] != "pending" || m["schema"] != "/v2/schemas/member" {
		t.Errorf("%v", m)
	}
	c.want(409, "POST", path+"/members", `{"member":"q"}`)
	c.want(400, "POST", path+"/members", `{}`)
	c.want(403, "PUT", path+"/members/q", `{"status":"accepted"}`)
	other.want(400, "PUT", path+"/members/q", `{"status":"perhaps"}`)
	other.want(200, "PUT", path+"/members/q", `{"status":"accepted"}`)
	if list, _ := other.want(200, "GET", "/v2/images", "")["images"].([]any); len(list) != 1 {
		t.Errorf("%v", list)
	}
	c.want(200, "GET", path+"/members/q", "")
	if list, _ := c.want(200, "GET", path+"/members", "")["members"].([]any); len(list) != 1 {
		t.Errorf("%v", list)
	}
	other.want(403, "DELETE", path, "")
	c.want(204, "DELETE", path+"/members/q", "")
	c.want(404, "DELETE", path+"/members/q", "")
}

func TestDocuments(t *testing.T) {
	c := client{t, serve(t), "member.p"}
	for _, name := range []string{"image", "images", "member", "members"} {
		if s := c.want(200, "GET", "/v2/schemas/"+name, ""); s["name"] != name {
			t.Errorf("%v", s)
		}
	}
	methods, _ := c.want(200, "GET", "/v2/info/import", "")["import-methods"].(map[string]any)
	if list, ok := methods["value"].([]any); !ok || len(list) != 0 {
		t.Errorf("%v", methods)
	}
	if list, _ := c.want(200, "GET", "/v2/info/stores", "")["stores"].([]any); len(list) != 2 || list[0].(map[string]any)["default"] != "true" {
		t.Errorf("%v", list)
	}
	if usage, _ := c.want(200, "GET", "/v2/info/usage", "")["usage"].(map[string]any); usage["image_count_total"] == nil {
		t.Errorf("%v", usage)
	}
	c.want(200, "GET", "/v2/tasks", "")
	path := "/v2/images/" + c.make(`{"protected":true}`)
	c.want(403, "DELETE", path, "")
	c.want(200, "PATCH", path, `[{"op":"replace","path":"/protected","value":false}]`, "Content-Type", patchType)
	c.want(204, "PUT", path+"/tags/a%20b", "")
	c.want(204, "DELETE", path+"/tags/a%20b", "")
}
