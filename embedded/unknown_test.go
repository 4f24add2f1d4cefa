package embedded_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// TestUnknownReferencesAreRefused asks for, and refers to, what is not there.
func TestUnknownReferencesAreRefused(t *testing.T) {
	w := newWorld(t)
	w.alice.do("PUT", "/object-store/v1/AUTH_{me}/c", "").want(t, 201)
	before := w.holds(t)
	for _, tt := range unknown {
		t.Run(tt.name, func(t *testing.T) {
			u := w.alice
			if strings.HasPrefix(tt.name, "identity") || strings.HasPrefix(tt.name, "placement") {
				u = w.admin
			}
			u.do(tt.method, tt.path, tt.body, tt.headers...).want(t, tt.want).refusal(t)
		})
	}
	w.unchanged(t, before)
}

const onlyBoot = `"name":"x","flavorRef":"1","imageRef":"` + demo + `"`

var unknown = []attempt{
	{"identity: domain of a project", "POST", "/identity/v3/projects", `{"project":{"name":"x","domain_id":"` + nobody + `"}}`, 404, nil},
	{"identity: parent of a project", "POST", "/identity/v3/projects", `{"project":{"name":"x","parent_id":"` + nobody + `"}}`, 404, nil},
	{"identity: domain of a user", "POST", "/identity/v3/users", `{"user":{"name":"x","domain_id":"` + nobody + `"}}`, 404, nil},
	{"identity: project", "GET", "/identity/v3/projects/" + nobody, "", 404, nil},
	{"identity: project to change", "PATCH", "/identity/v3/projects/" + nobody, `{"project":{"name":"x"}}`, 404, nil},
	{"identity: project to delete", "DELETE", "/identity/v3/projects/" + nobody, "", 404, nil},
	{"identity: user", "GET", "/identity/v3/users/" + nobody, "", 404, nil},
	{"identity: role", "GET", "/identity/v3/roles/" + nobody, "", 404, nil},
	{"identity: domain", "GET", "/identity/v3/domains/" + nobody, "", 404, nil},
	{"identity: group", "GET", "/identity/v3/groups/" + nobody, "", 404, nil},
	{"identity: role to grant", "PUT", "/identity/v3/projects/{me}/users/" + nobody + "/roles/" + nobody, "", 404, nil},
	{"identity: scope to log in to", "POST", "/identity/v3/auth/tokens", `{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"alice","domain":{"id":"default"},"password":"correct horse battery staple"}}},"scope":{"project":{"id":"` + nobody + `"}}}}`, 401, nil},
	{"identity: user to log in", "POST", "/identity/v3/auth/tokens", `{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"` + nobody + `","password":"x"}}}}}`, 401, nil},
	{"identity: call", "GET", "/identity/v3/dance", "", 404, nil},
	{"compute: flavor", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"999","imageRef":"` + demo + `"}}`, 400, nil},
	{"compute: image", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"` + nobody + `"}}`, 400, nil},
	{"compute: network", "POST", "/compute/v2.1/servers", `{"server":{` + onlyBoot + `,"networks":[{"uuid":"` + nobody + `"}]}}`, 400, nil},
	{"compute: port", "POST", "/compute/v2.1/servers", `{"server":{` + onlyBoot + `,"networks":[{"port":"` + nobody + `"}]}}`, 400, nil},
	{"compute: keypair", "POST", "/compute/v2.1/servers", `{"server":{` + onlyBoot + `,"key_name":"` + nobody + `"}}`, 400, nil},
	{"compute: volume", "POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","block_device_mapping_v2":[{"boot_index":0,"uuid":"` + nobody + `","source_type":"volume","destination_type":"volume"}]}}`, 400, nil},
	{"compute: zone", "POST", "/compute/v2.1/servers", `{"server":{` + onlyBoot + `,"availability_zone":"moon"}}`, 400, nil},
	{"compute: server", "GET", "/compute/v2.1/servers/" + nobody, "", 404, nil},
	{"compute: server by nonsense", "GET", "/compute/v2.1/servers/nonsense", "", 404, nil},
	{"compute: server to delete", "DELETE", "/compute/v2.1/servers/" + nobody, "", 404, nil},
	{"compute: server to stop", "POST", "/compute/v2.1/servers/" + nobody + "/action", `{"os-stop":null}`, 404, nil},
	{"compute: server to attach to", "POST", "/compute/v2.1/servers/" + nobody + "/os-volume_attachments", `{"volumeAttachment":{"volumeId":"` + nobody + `"}}`, 404, nil},
	{"compute: flavor alone", "GET", "/compute/v2.1/flavors/999", "", 404, nil},
	{"compute: keypair alone", "DELETE", "/compute/v2.1/os-keypairs/x", "", 404, nil},
	{"compute: call", "GET", "/compute/v2.1/dance", "", 404, nil},
	{"network: network", "GET", "/network/v2.0/networks/" + nobody, "", 404, nil},
	{"network: network of a subnet", "POST", "/network/v2.0/subnets", `{"subnet":{"network_id":"` + nobody + `","ip_version":4,"cidr":"10.0.0.0/24"}}`, 404, nil},
	{"network: network of a port", "POST", "/network/v2.0/ports", `{"port":{"network_id":"` + nobody + `"}}`, 404, nil},
	{"network: network to be reached from", "POST", "/network/v2.0/floatingips", `{"floatingip":{"floating_network_id":"` + nobody + `"}}`, 404, nil},
	{"network: port of a floating ip", "POST", "/network/v2.0/floatingips", `{"floatingip":{"floating_network_id":"` + public + `","port_id":"` + nobody + `"}}`, 404, nil},
	{"network: gateway of a router", "POST", "/network/v2.0/routers", `{"router":{"external_gateway_info":{"network_id":"` + nobody + `"}}}`, 404, nil},
	{"network: group of a rule", "POST", "/network/v2.0/security-group-rules", `{"security_group_rule":{"security_group_id":"` + nobody + `","direction":"ingress"}}`, 404, nil},
	{"network: router to plug into", "PUT", "/network/v2.0/routers/" + nobody + "/add_router_interface", `{"subnet_id":"` + nobody + `"}`, 404, nil},
	{"network: port to change", "PUT", "/network/v2.0/ports/" + nobody, `{"port":{"name":"x"}}`, 404, nil},
	{"network: port to delete", "DELETE", "/network/v2.0/ports/" + nobody, "", 404, nil},
	{"network: call", "GET", "/network/v2.0/dance", "", 404, nil},
	{"volume: volume", "GET", "/volume/v3/{me}/volumes/" + nobody, "", 404, nil},
	{"volume: volume to delete", "DELETE", "/volume/v3/{me}/volumes/" + nobody, "", 404, nil},
	{"volume: volume to copy", "POST", "/volume/v3/{me}/volumes", `{"volume":{"source_volid":"` + nobody + `"}}`, 404, nil},
	{"volume: snapshot to copy", "POST", "/volume/v3/{me}/volumes", `{"volume":{"snapshot_id":"` + nobody + `"}}`, 404, nil},
	{"volume: image to copy", "POST", "/volume/v3/{me}/volumes", `{"volume":{"size":1,"imageRef":"` + nobody + `"}}`, 404, nil},
	{"volume: type", "POST", "/volume/v3/{me}/volumes", `{"volume":{"size":1,"volume_type":"moon"}}`, 404, nil},
	{"volume: volume of a snapshot", "POST", "/volume/v3/{me}/snapshots", `{"snapshot":{"volume_id":"` + nobody + `"}}`, 404, nil},
	{"volume: volume of an attachment", "POST", "/volume/v3/{me}/attachments", `{"attachment":{"volume_uuid":"` + nobody + `"}}`, 404, []string{"OpenStack-API-Version", "volume 3.27"}},
	{"volume: call", "GET", "/volume/v3/{me}/dance", "", 404, nil},
	{"image: image", "GET", "/image/v2/images/" + nobody, "", 404, nil},
	{"image: image to change", "PATCH", "/image/v2/images/" + nobody, `[{"op":"replace","path":"/name","value":"x"}]`, 404, jsonPatch},
	{"image: image to delete", "DELETE", "/image/v2/images/" + nobody, "", 404, nil},
	{"image: image to upload", "PUT", "/image/v2/images/" + nobody + "/file", "x", 404, octets},
	{"image: image to download", "GET", "/image/v2/images/" + nobody + "/file", "", 404, nil},
	{"image: image to share", "POST", "/image/v2/images/" + nobody + "/members", `{"member":"x"}`, 404, nil},
	{"image: call", "GET", "/image/v2/dance", "", 404, nil},
	{"object: container", "GET", "/object-store/v1/AUTH_{me}/none", "", 404, nil},
	{"object: object", "GET", "/object-store/v1/AUTH_{me}/c/none", "", 404, nil},
	{"object: container of an upload", "PUT", "/object-store/v1/AUTH_{me}/none/o", "x", 404, nil},
	{"object: object to delete", "DELETE", "/object-store/v1/AUTH_{me}/c/none", "", 404, nil},
	{"object: object to copy", "PUT", "/object-store/v1/AUTH_{me}/c/o", "", 404, []string{"X-Copy-From", "/c/none"}},
	{"object: segment of a large object", "PUT", "/object-store/v1/AUTH_{me}/c/o?multipart-manifest=put", `[{"path":"/c/none"}]`, 400, nil},
	{"object: a manifest that is none", "PUT", "/object-store/v1/AUTH_{me}/c/o?multipart-manifest=put", `{"path":`, 400, nil},
	{"object: bytes that are others", "PUT", "/object-store/v1/AUTH_{me}/c/o", "x", 422, []string{"Etag", "d41d8cd98f00b204e9800998ecf8427e"}},
	{"object: a name that is too long", "PUT", "/object-store/v1/AUTH_{me}/c/" + strings.Repeat("o", 1025), "x", 400, nil},
	{"object: metadata that is too long", "PUT", "/object-store/v1/AUTH_{me}/c/o", "x", 400, []string{"X-Object-Meta-X", strings.Repeat("x", 257)}},
	{"placement: provider", "GET", "/placement/resource_providers/" + nobody, "", 404, nil},
	{"placement: call", "GET", "/placement/dance", "", 404, nil},
	{"metering: metric", "GET", "/metering/v1/metric/" + nobody, "", 404, nil},
	{"metering: resource", "GET", "/metering/v1/resource/instance/" + nobody, "", 404, nil},
	{"metering: call", "GET", "/metering/v1/dance", "", 404, nil},
}

var octets = []string{"Content-Type", "application/octet-stream"}

// TestPathsLeadNowhereElse tries to leave a thing's place by its name.
func TestPathsLeadNowhereElse(t *testing.T) {
	w := newWorld(t)
	w.alice.do("PUT", "/object-store/v1/AUTH_{me}/c", "").want(t, 201)
	before := w.holds(t)
	for _, base := range []string{
		"/identity/v3/projects/", "/compute/v2.1/servers/", "/compute/v2.1/flavors/", "/compute/v2.1/os-keypairs/",
		"/image/v2/images/", "/network/v2.0/networks/", "/network/v2.0/ports/", "/volume/v3/{me}/volumes/",
		"/volume/v3/{me}/types/", "/placement/resource_providers/", "/metering/v1/metric/", "/object-store/v1/AUTH_{me}/",
	} {
		for _, end := range []string{
			"..", ".", "%2e%2e", "../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fcloud.db",
			"../keys/0", "..%5c..%5ccloud.db", "..%00", "../../v3/projects",
		} {
			for _, u := range []*user{w.admin, w.alice} {
				r := u.do("GET", base+end, "")
				if r.want(t, 400, 403, 404, 405); r.status != 405 {
					r.refusal(t)
				}
			}
			w.alice.do("DELETE", base+end, "").want(t, 400, 403, 404, 405)
		}
	}
	for _, path := range []string{"/..", "/../identity/v3/users", "//etc/passwd", "/identity/../../etc/passwd", "/image/v2/images/x/../../../../cloud.db"} {
		w.admin.do("GET", path, "").want(t, 400, 404)
	}
	w.unchanged(t, before)
}

// TestNamesWithDotsAreOnlyNames: a path in an object's name is a name.
func TestNamesWithDotsAreOnlyNames(t *testing.T) {
	w := newWorld(t)
	base := "/object-store/v1/AUTH_{me}/c"
	w.alice.do("PUT", base, "").want(t, 201)
	before := w.holds(t)
	for _, name := range []string{"/a/../../../../../../tmp/x", "/..%2f..%2fcloud.db", "/..", "/.", "/a//b", "/%2e%2e/%2e%2e/x"} {
		r := w.alice.do("PUT", base+name, "mine").want(t, 201, 400, 404)
		if r.status != 201 {
			r.refusal(t)
			continue
		}
		if got := w.alice.do("GET", base+name, "").want(t, 200); got.body != "mine" {
			t.Errorf("%s is %q", name, got.body)
		}
		w.alice.do("DELETE", base+name, "").want(t, 204)
	}
	w.alice.do("PUT", base+"/o", "mine").want(t, 201)
	for _, from := range []string{"/c/../../AUTH_{bob}/c/o", "/../AUTH_{bob}/c/o", "../../cloud.db"} {
		from = strings.ReplaceAll(from, "{bob}", w.bob.project)
		w.alice.do("PUT", base+"/copy", "", "X-Copy-From", from).want(t, 400, 404, 412).refusal(t)
	}
	w.alice.do("DELETE", base+"/o", "").want(t, 204)
	w.unchanged(t, before)
}

// TestOversizeUploadsAreRefusedUnread: the answer comes before the bytes.
func TestOversizeUploadsAreRefusedUnread(t *testing.T) {
	w := newWorld(t)
	w.alice.do("PUT", "/object-store/v1/AUTH_{me}/c", "").want(t, 201)
	before := w.holds(t)
	status := w.alice.begin(t, "PUT", "/object-store/v1/AUTH_{me}/c/o", 5<<30+1).answer(t)
	if status != http.StatusRequestEntityTooLarge {
		t.Errorf("an object above the limit is %d", status)
	}
	w.unchanged(t, before)
}

// An upload is a request whose body the test sends as it likes.
type upload struct{ net.Conn }

// begin sends the header of an upload of size bytes.
func (u *user) begin(t *testing.T, method, path string, size int) upload {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(u.w.URL(), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	up := upload{conn}
	length := "Transfer-Encoding: chunked"
	if size >= 0 {
		length = "Content-Length: " + strconv.Itoa(size)
	}
	up.write(t, []byte(method+" "+u.fill(path)+" HTTP/1.1\r\nHost: cloud\r\nX-Auth-Token: "+u.token+
		"\r\nContent-Type: application/octet-stream\r\n"+length+"\r\n\r\n"))
	return up
}

func (u upload) write(t *testing.T, p []byte) {
	t.Helper()
	if _, err := u.Write(p); err != nil {
		t.Fatal(err)
	}
}

// answer reads the status of the reply.
func (u upload) answer(t *testing.T) int {
	t.Helper()
	var line [12]byte
	if _, err := io.ReadFull(u, line[:]); err != nil {
		t.Fatal(err)
	}
	var status int
	if _, err := fmt.Sscanf(string(line[:]), "HTTP/1.1 %d", &status); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return status
}
