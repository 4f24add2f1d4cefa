package embedded_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lists are everything that can be made, by where an administrator sees all of it.
var lists = map[string]string{
	"projects":             "/identity/v3/projects",
	"users":                "/identity/v3/users",
	"domains":              "/identity/v3/domains",
	"groups":               "/identity/v3/groups",
	"roles":                "/identity/v3/roles",
	"role_assignments":     "/identity/v3/role_assignments",
	"servers":              "/compute/v2.1/servers?all_tenants=1",
	"flavors":              "/compute/v2.1/flavors?is_public=None",
	"images":               "/image/v2/images",
	"networks":             "/network/v2.0/networks",
	"subnets":              "/network/v2.0/subnets",
	"ports":                "/network/v2.0/ports",
	"routers":              "/network/v2.0/routers",
	"floatingips":          "/network/v2.0/floatingips",
	"security_groups":      "/network/v2.0/security-groups",
	"security_group_rules": "/network/v2.0/security-group-rules",
	"volumes":              "/volume/v3/{me}/volumes?all_tenants=1",
	"snapshots":            "/volume/v3/{me}/snapshots?all_tenants=1",
	"attachments":          "/volume/v3/{me}/attachments?all_tenants=1",
	"volume_types":         "/volume/v3/{me}/types?is_public=None",
}

// uses are what is counted of a project.
var uses = []string{
	"/compute/v2.1/os-quota-sets/{me}/detail",
	"/compute/v2.1/os-keypairs",
	"/volume/v3/{me}/os-quota-sets/{me}?usage=true",
	"/network/v2.0/quotas/{me}/details.json",
	"/image/v2/info/usage",
	"/image/v2/images",
	"/object-store/v1/AUTH_{me}?format=json",
}

var moment = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+Z?`)

// holds returns everything a cloud has, of every service, and its files.
func (w *world) holds(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for key, path := range lists {
		r := w.admin.do("GET", path, "", "OpenStack-API-Version", "volume 3.27").want(t, 200)
		items, ok := r.at(key).([]any)
		if !ok {
			t.Fatalf("%s: no list of %s: %s", r.call, key, r.body)
		}
		all[key] = fmt.Sprint(len(items))
	}
	for _, u := range []*user{w.alice, w.bob} {
		for _, path := range uses {
			// When something changed last is nothing that is held.
			all[u.name+" "+path] = moment.ReplaceAllString(u.do("GET", path, "").want(t, 200, 204).body, "")
		}
	}
	providers := w.admin.do("GET", "/placement/resource_providers", "").want(t, 200)
	for _, p := range providers.at("resource_providers").([]any) {
		id := text(p.(map[string]any)["uuid"])
		usages := w.admin.do("GET", "/placement/resource_providers/"+id+"/usages", "").want(t, 200)
		out, err := json.Marshal(usages.at("usages"))
		if err != nil {
			t.Fatal(err)
		}
		all["room taken of "+id] = string(out)
	}
	all["files"] = w.files(t)
	return all
}

// files lists what the stores of images and objects keep on disk.
func (w *world) files(t *testing.T) string {
	t.Helper()
	var out strings.Builder
	for _, dir := range []string{"images", "objects"} {
		err := fs.WalkDir(os.DirFS(filepath.Join(w.Dir, dir)), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			info, err := d.Info()
			if err == nil {
				fmt.Fprintf(&out, "%s/%s %d\n", dir, path, info.Size())
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}

// unchanged fails the test unless the cloud soon has what it had before.
func (w *world) unchanged(t *testing.T, before map[string]string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(10 * time.Second); ; <-tick.C {
		diff := cmp.Diff(before, w.holds(t))
		if diff == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("something is left or lost:\n%s", diff)
		}
	}
}
