package imageapi_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/members"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/nacre-cloud/nacre/kit/machinetest"
)

func TestGophercloud(t *testing.T) {
	ctx, url := t.Context(), serve(t)
	connect := func(token string) *gophercloud.ServiceClient {
		return &gophercloud.ServiceClient{
			ProviderClient: &gophercloud.ProviderClient{TokenID: token}, Endpoint: url + "/", ResourceBase: url + "/v2/",
		}
	}
	c, other := connect("member.p"), connect("member.q")
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	visibility := images.ImageVisibilityShared
	i, err := images.Create(ctx, c, images.CreateOpts{
		Name: "disk", DiskFormat: "raw", ContainerFormat: "bare", Visibility: &visibility, MinDisk: 1, Tags: []string{"t"},
		Properties: map[string]string{"os_distro": "debian"},
	}).Extract()
	must("create", err)
	if i.Status != images.ImageStatusQueued || i.Properties["os_distro"] != "debian" || len(i.OpenStackImageStoreIDs) != 2 {
		t.Errorf("%+v", i)
	}
	data := bytes.Repeat([]byte("nacre"), 100_000)
	must("upload", imagedata.Upload(ctx, c, i.ID, bytes.NewReader(data)).ExtractErr())
	i, err = images.Get(ctx, c, i.ID).Extract()
	must("get", err)
	if i.Status != images.ImageStatusActive || i.SizeBytes != int64(len(data)) || i.VirtualSize != int64(len(data)) || i.Checksum == "" {
		t.Errorf("%+v", i)
	}
	body, err := imagedata.Download(ctx, c, i.ID).Extract()
	must("download", err)
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || !bytes.Equal(got, data) {
		t.Errorf("downloaded %d bytes, %v", len(got), err)
	}
	i, err = images.Update(ctx, c, i.ID, images.UpdateOpts{
		images.ReplaceImageName{NewName: "renamed"},
		images.ReplaceImageTags{NewTags: []string{"x", "y"}},
		images.ReplaceImageMinDisk{NewMinDisk: 2},
		images.UpdateImageProperty{Op: images.AddOp, Name: "hw_disk_bus", Value: "scsi"},
		images.UpdateImageProperty{Op: images.RemoveOp, Name: "os_distro"},
	}).Extract()
	must("update", err)
	if i.Name != "renamed" || len(i.Tags) != 2 || i.Properties["hw_disk_bus"] != "scsi" || i.Properties["os_distro"] != nil {
		t.Errorf("%+v", i)
	}
	_, err = members.Create(ctx, c, i.ID, "q").Extract()
	must("share", err)
	_, err = members.Update(ctx, other, i.ID, "q", members.UpdateOpts{Status: "accepted"}).Extract()
	must("accept", err)
	for range 4 {
		_, err = images.Create(ctx, other, images.CreateOpts{Name: "own"}).Extract()
		must("create", err)
	}
	seen := 0
	must("list", images.List(other, images.ListOpts{Limit: 2, Sort: "name:asc"}).EachPage(ctx, func(_ context.Context, p pagination.Page) (bool, error) {
		list, err := images.ExtractImages(p)
		seen += len(list)
		return true, err
	}))
	if seen != 5 {
		t.Errorf("%d images over all pages", seen)
	}
	must("delete", images.Delete(ctx, c, i.ID).ExtractErr())
	if _, err := images.Get(ctx, c, i.ID).Extract(); !gophercloud.ResponseCodeIs(err, 404) {
		t.Errorf("get again: %v", err)
	}
}

// command returns what runs a client's command as a member, in a directory with a
// file called data.
func command(t *testing.T, name, pack string, args ...string) func(args ...string) string {
	t.Helper()
	tool := machinetest.Program(t, name, pack)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "data"), bytes.Repeat([]byte("nacre"), 50_000), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(more ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), tool, append(args, more...)...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "HOME="+dir, "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v: %s", name, strings.Join(more, " "), err, out)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "got")); err == nil {
			if len(got) != 250_000 {
				t.Errorf("%s %s saved %d bytes", name, strings.Join(more, " "), len(got))
			}
			if err := os.Remove(filepath.Join(dir, "got")); err != nil {
				t.Error(err)
			}
		}
		return string(out)
	}
}

func has(t *testing.T, out string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
}

func TestOpenStackCommand(t *testing.T) {
	run := command(t, "openstack", "python3-openstackclient", "--os-auth-type", "admin_token", "--os-endpoint", serve(t)+"/v2", "--os-token", "member.p")
	has(t, run("image", "create", "disk", "--file", "data", "--disk-format", "raw", "--tag", "t", "--property", "os_distro=debian", "--min-disk", "1"), "debian")
	run("image", "set", "disk", "--name", "renamed", "--property", "hw_disk_bus=scsi", "--tag", "u", "--min-ram", "64")
	has(t, run("image", "show", "renamed", "-f", "json"), `"min_ram": 64`, "scsi", "250000", `"status": "active"`)
	run("image", "unset", "renamed", "--property", "os_distro", "--tag", "t")
	if out := run("image", "show", "renamed"); strings.Contains(out, "debian") {
		t.Error(out)
	}
	has(t, run("image", "list", "--long"), "renamed", "active", "shared")
	has(t, run("image", "list", "--name", "renamed", "-f", "value", "-c", "Name"), "renamed")
	run("image", "save", "renamed", "--file", "got")
	run("image", "set", "renamed", "--deactivate")
	run("image", "set", "renamed", "--activate")
	run("image", "delete", "renamed")
	if out := run("image", "list", "-f", "value"); strings.TrimSpace(out) != "" {
		t.Error(out)
	}
}

func TestOwnCommand(t *testing.T) {
	run := command(t, "glance", "python3-glanceclient", "--os-image-url", serve(t), "--os-auth-token", "member.p", "--os-image-api-version", "2")
	out := run("image-create", "--name", "disk", "--file", "data", "--disk-format", "raw", "--container-format", "bare", "--property", "os_distro=debian", "--tag", "t")
	has(t, out, "active", "debian")
	id := cell(out, "id")
	has(t, run("image-update", id, "--name", "renamed", "--property", "a=b", "--remove-property", "os_distro"), "renamed", "shared")
	has(t, run("image-list", "--limit", "1"), "renamed")
	has(t, run("image-list", "--sort", "name:asc"), id)
	run("image-download", id, "--file", "got")
	run("image-tag-update", id, "u")
	run("image-tag-delete", id, "u")
	has(t, run("member-create", id, "q"), "pending")
	has(t, run("member-list", "--image-id", id), "pending")
	run("member-delete", id, "q")
	run("image-deactivate", id)
	run("image-reactivate", id)
	has(t, run("import-info"), "import-methods")
	has(t, run("stores-info"), "spare")
	has(t, run("image-show", id), "250000")
	run("image-delete", id)
}

// cell returns the value beside a name in a table.
func cell(table, name string) string {
	for line := range strings.Lines(table) {
		if f := strings.Fields(line); len(f) > 3 && f[1] == name {
			return f[3]
		}
	}
	return ""
}
