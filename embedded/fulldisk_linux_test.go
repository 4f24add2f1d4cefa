package embedded_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/kit/machinetest"
)

// smallDisk mounts a disk of 2 MiB where a cloud in dir keeps sub.
func smallDisk(t *testing.T, dir, sub string) {
	t.Helper()
	path := filepath.Join(dir, sub)
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	machinetest.SmallDisk(t, path, 2)
}

func TestAFullDiskLeavesNothingOfAnImage(t *testing.T) {
	dir := t.TempDir()
	smallDisk(t, dir, "images")
	w := newWorldIn(t, dir)
	id := w.alice.newImage(t, "raw")
	before := w.holds(t)
	file := "/image/v2/images/" + id + "/file"
	for range 3 {
		w.alice.do("PUT", file, string(random(4<<20)), octets...).want(t, 413).refusal(t)
		w.alice.becomes(t, "/image/v2/images/"+id, "status", "queued")
		w.unchanged(t, before)
	}
	w.alice.do("PUT", file, string(random(1<<20)), octets...).want(t, 204)
	w.alice.becomes(t, "/image/v2/images/"+id, "status", "active")
}

func TestAFullDiskLeavesNothingOfAnObject(t *testing.T) {
	dir := t.TempDir()
	smallDisk(t, dir, "objects")
	w := newWorldIn(t, dir)
	base := "/object-store/v1/AUTH_{me}/c"
	w.alice.do("PUT", base, "").want(t, 201)
	w.alice.do("PUT", base+"/old", "as it was").want(t, 201)
	before := w.holds(t)
	for _, name := range []string{"/new", "/old"} {
		w.alice.do("PUT", base+name, string(random(4<<20))).want(t, 507).refusal(t)
		r, err := w.alice.send("PUT", base+name, struct{ *strings.Reader }{strings.NewReader(strings.Repeat("x", 4<<20))})
		if err != nil {
			t.Fatal(err)
		}
		r.want(t, 507).refusal(t)
		w.unchanged(t, before)
	}
	if got := w.alice.do("GET", base+"/old", ""); got.body != "as it was" {
		t.Errorf("the old object is %d bytes", len(got.body))
	}
	w.alice.do("PUT", base+"/new", string(random(1<<20))).want(t, 201)
}
