package embedded_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"net/http"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

// newImage makes an image that waits for its bytes.
func (u *user) newImage(t *testing.T, format string) string {
	t.Helper()
	return u.make("/image/v2/images", `{"name":"i","disk_format":"`+format+`","container_format":"bare"}`, "id")
}

func random(size int) []byte {
	p := make([]byte, size)
	_, _ = rand.Read(p)
	return p
}

// qcow2 is the head of a disk image of 1 GiB, with more said about it at some offsets.
func qcow2(more map[int]uint64) []byte {
	p := make([]byte, 64<<10)
	copy(p, "QFI\xfb")
	binary.BigEndian.PutUint32(p[4:], 3)      // version
	binary.BigEndian.PutUint32(p[20:], 16)    // bits of a cluster
	binary.BigEndian.PutUint64(p[24:], 1<<30) // size
	binary.BigEndian.PutUint32(p[96:], 4)     // bits of a reference count, as a power
	binary.BigEndian.PutUint32(p[100:], 104)  // length of the header
	for at, v := range more {
		binary.BigEndian.PutUint64(p[at:], v)
	}
	copy(p[512:], "/etc/passwd")
	return p
}

// TestImagesThatWouldReadOtherFilesAreRefused before anything opens them.
func TestImagesThatWouldReadOtherFilesAreRefused(t *testing.T) {
	w := newWorld(t)
	for name, tt := range map[string]struct {
		format string
		bytes  []byte
	}{
		"a qcow2 with a backing file":               {"qcow2", qcow2(map[int]uint64{8: 512, 16: 11<<32 | 16})},
		"a qcow2 with a data file":                  {"qcow2", qcow2(map[int]uint64{72: 1 << 2})},
		"a qcow2 with a feature to come":            {"qcow2", qcow2(map[int]uint64{72: 1 << 40})},
		"a qcow2 said to be raw":                    {"raw", qcow2(nil)},
		"a qcow2 with a backing file, said raw":     {"raw", qcow2(map[int]uint64{8: 512, 16: 11<<32 | 16})},
		"bytes said to be qcow2":                    {"qcow2", random(64 << 10)},
		"half a header":                             {"qcow2", qcow2(nil)[:20]},
		"a vmdk that names a file, said to be vmdk": {"vmdk", []byte("# Disk DescriptorFile\nversion=1\ncreateType=\"monolithicFlat\"\nRW 63 FLAT \"/etc/passwd\" 0\n")},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.holds(t)
			id := w.alice.newImage(t, tt.format)
			w.alice.do("PUT", "/image/v2/images/"+id+"/file", string(tt.bytes), octets...).want(t, 400, 415).refusal(t)
			w.alice.becomes(t, "/image/v2/images/"+id, "status", "queued")
			w.alice.do("POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"`+id+`"}}`).want(t, 400).refusal(t)
			w.alice.do("DELETE", "/image/v2/images/"+id, "").want(t, 204)
			w.unchanged(t, before)
		})
	}
}

// TestAnUploadCutInTheMiddleLeavesNothing of an image or an object.
func TestAnUploadCutInTheMiddleLeavesNothing(t *testing.T) {
	w := newWorld(t)
	w.alice.do("PUT", "/object-store/v1/AUTH_{me}/c", "").want(t, 201)
	w.alice.do("PUT", "/object-store/v1/AUTH_{me}/c/old", "as it was").want(t, 201)
	image := w.alice.newImage(t, "raw")
	before := w.holds(t)
	half := random(512 << 10)
	chunk := append([]byte("80000\r\n"), half...) // 512 KiB, in hexadecimal
	for _, tt := range []struct {
		name, path string
		size       int
		sent       []byte
	}{
		{"image", "/image/v2/images/" + image + "/file", 1 << 20, half},
		{"image of unknown size", "/image/v2/images/" + image + "/file", -1, chunk},
		{"image between chunks", "/image/v2/images/" + image + "/file", -1, append(bytes.Clone(chunk), "\r\n"...)},
		{"object", "/object-store/v1/AUTH_{me}/c/new", 1 << 20, half},
		{"object of unknown size", "/object-store/v1/AUTH_{me}/c/new", -1, chunk},
		{"object between chunks", "/object-store/v1/AUTH_{me}/c/new", -1, append(bytes.Clone(chunk), "\r\n"...)},
		{"object that was there", "/object-store/v1/AUTH_{me}/c/old", 1 << 20, half},
		{"object without a byte", "/object-store/v1/AUTH_{me}/c/new", 1 << 20, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			up := w.alice.begin(t, "PUT", tt.path, tt.size)
			up.write(t, tt.sent)
			if strings.HasPrefix(tt.name, "image") {
				w.alice.becomes(t, "/image/v2/images/"+image, "status", "saving")
			}
			if err := up.Close(); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(tt.name, "image") {
				w.alice.becomes(t, "/image/v2/images/"+image, "status", "queued")
			}
			w.unchanged(t, before)
			w.alice.do("GET", "/object-store/v1/AUTH_{me}/c/new", "").want(t, 404)
			if got := w.alice.do("GET", "/object-store/v1/AUTH_{me}/c/old", ""); got.body != "as it was" {
				t.Errorf("the old object is %d bytes", len(got.body))
			}
		})
	}
	w.alice.do("PUT", "/image/v2/images/"+image+"/file", string(half), octets...).want(t, 204)
	w.alice.becomes(t, "/image/v2/images/"+image, "status", "active")
}

// TestTwoUploadsOfOneImageDoNotMix: the first has the image to itself.
func TestTwoUploadsOfOneImageDoNotMix(t *testing.T) {
	w := newWorld(t)
	id := w.alice.newImage(t, "raw")
	path := "/image/v2/images/" + id + "/file"
	slow := w.alice.begin(t, "PUT", path, 1<<20)
	slow.write(t, random(512<<10))
	w.alice.becomes(t, "/image/v2/images/"+id, "status", "saving")
	w.alice.do("PUT", path, "second", octets...).want(t, 409).refusal(t)
	slow.write(t, random(512<<10))
	if got := slow.answer(t); got != http.StatusNoContent {
		t.Errorf("the first upload is %d", got)
	}
	if size := w.alice.do("GET", "/image/v2/images/"+id, "").at("size"); size != float64(1<<20) {
		t.Errorf("size %v", size)
	}
	w.alice.do("PUT", path, "third", octets...).want(t, 409).refusal(t)
}

// TestAnImageDeletedDuringItsUploadIsGone with what was sent.
func TestAnImageDeletedDuringItsUploadIsGone(t *testing.T) {
	w := newWorld(t)
	before := w.holds(t)
	id := w.alice.newImage(t, "raw")
	up := w.alice.begin(t, "PUT", "/image/v2/images/"+id+"/file", 1<<20)
	up.write(t, random(512<<10))
	w.alice.becomes(t, "/image/v2/images/"+id, "status", "saving")
	w.alice.do("DELETE", "/image/v2/images/"+id, "").want(t, 204)
	w.alice.do("GET", "/image/v2/images/"+id, "").want(t, 404)
	up.write(t, random(512<<10))
	if got := up.answer(t); got < 400 || got >= 500 {
		t.Errorf("the upload of a deleted image is %d", got)
	}
	w.unchanged(t, before)
}

// TestAServerOnAFullSubnetFailsCleanly, and so does a port.
func TestAServerOnAFullSubnetFailsCleanly(t *testing.T) {
	w := newWorld(t)
	network := w.alice.make("/network/v2.0/networks", `{"network":{"name":"small"}}`, "network.id")
	w.alice.make("/network/v2.0/subnets", `{"subnet":{"network_id":"`+network+`","ip_version":4,"cidr":"10.9.0.0/29","enable_dhcp":false,
		"allocation_pools":[{"start":"10.9.0.4","end":"10.9.0.4"}]}}`, "subnet.id")
	port := `{"port":{"network_id":"` + network + `"}}`
	first := w.alice.make("/network/v2.0/ports", port, "port.id")
	before := w.holds(t)

	r := w.alice.do("POST", "/network/v2.0/ports", port).want(t, 409)
	r.refusal(t)
	if kind := r.at("NeutronError.type"); kind != "IpAddressGenerationFailure" {
		t.Errorf("a port on it is %v", kind)
	}
	server := "/compute/v2.1/servers/" + w.alice.make("/compute/v2.1/servers", `{"server":{`+onlyBoot+`,"networks":[{"uuid":"`+network+`"}]}}`, "server.id")
	w.alice.becomes(t, server, "server.status", "ERROR")
	r = w.alice.do("GET", server, "").want(t, 200)
	if why := text(r.at("server.fault.message")); !strings.Contains(why, "address") {
		t.Errorf("the server's fault is %q", why)
	}
	if r.at("server.OS-EXT-STS:task_state") != nil || r.at("server.fault.code") == nil {
		t.Errorf("a failed server is %s", r.body)
	}
	ports := w.alice.do("GET", "/network/v2.0/ports?network_id="+network, "").at("ports").([]any)
	if len(ports) != 1 {
		t.Errorf("%d ports are left", len(ports))
	}
	w.alice.do("DELETE", server, "").want(t, 204)
	w.alice.gone(t, server)
	w.unchanged(t, before)

	w.alice.do("DELETE", "/network/v2.0/ports/"+first, "").want(t, 204)
	server = "/compute/v2.1/servers/" + w.alice.make("/compute/v2.1/servers", `{"server":{`+onlyBoot+`,"networks":[{"uuid":"`+network+`"}]}}`, "server.id")
	flowtest.Eventually(t, "a server gets the address that is free again", func() bool {
		return w.alice.do("GET", server, "").at("server.status") == "ACTIVE"
	})
}
