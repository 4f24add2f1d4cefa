package objectapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ncw/swift/v2"

	"github.com/nacre-cloud/nacre/kit/machinetest"
)

// given is an account that needs no login.
type given struct{ url, token string }

func (given) Request(context.Context, *swift.Connection) (*http.Request, error) { return nil, nil }
func (given) Response(context.Context, *http.Response) error                    { return nil }
func (g given) StorageUrl(bool) string                                          { return g.url }
func (g given) Token() string                                                   { return g.token }
func (given) CdnUrl() string                                                    { return "" }

func TestSwiftForGo(t *testing.T) {
	ctx := t.Context()
	c := &swift.Connection{Auth: given{serve(t), "member@" + project}}
	if err := c.Authenticate(ctx); err != nil {
		t.Fatal(err)
	}
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	must("create", c.ContainerCreate(ctx, "photos", swift.Headers{"X-Container-Meta-Color": "red"}))
	data := bytes.Repeat([]byte("nacre"), 100_000)
	_, err := c.ObjectPut(ctx, "photos", "2027/cat é?.jpg", bytes.NewReader(data), true, "", "", swift.Headers{"X-Object-Meta-Mood": "calm"})
	must("put", err)
	for i := range 5 {
		must("put", c.ObjectPutString(ctx, "photos", fmt.Sprint("2026/", i), "x", "text/plain"))
	}
	got, err := c.ObjectGetBytes(ctx, "photos", "2027/cat é?.jpg")
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("get: %d bytes, %v", len(got), err)
	}
	names, err := c.ObjectNamesAll(ctx, "photos", &swift.ObjectsOpts{Limit: 2})
	if err != nil || len(names) != 6 {
		t.Errorf("names = %v, %v", names, err)
	}
	folders, err := c.Objects(ctx, "photos", &swift.ObjectsOpts{Delimiter: '/'})
	if err != nil || len(folders) != 2 || !folders[0].PseudoDirectory {
		t.Errorf("folders = %+v, %v", folders, err)
	}
	info, h, err := c.Object(ctx, "photos", "2027/cat é?.jpg")
	if err != nil || info.Bytes != int64(len(data)) || info.ContentType != "image/jpeg" || h.ObjectMetadata()["mood"] != "calm" {
		t.Errorf("object = %+v, %v, %v", info, h, err)
	}
	must("move", c.ObjectMove(ctx, "photos", "2026/0", "photos", "moved"))
	must("delete", c.ObjectDelete(ctx, "photos", "moved"))
	if err = c.ObjectDelete(ctx, "photos", "moved"); !errors.Is(err, swift.ObjectNotFound) {
		t.Errorf("delete again: %v", err)
	}
	if err = c.ContainerDelete(ctx, "photos"); !errors.Is(err, swift.ContainerNotEmpty) {
		t.Errorf("delete with objects: %v", err)
	}
	names, err = c.ObjectNamesAll(ctx, "photos", nil)
	must("names", err)
	result, err := c.BulkDelete(ctx, "photos", names)
	if err != nil || result.NumberDeleted != int64(len(names)) {
		t.Errorf("bulk delete = %+v, %v", result, err)
	}
	must("delete container", c.ContainerDelete(ctx, "photos"))
	acc, _, err := c.Account(ctx)
	if err != nil || acc.Containers != 0 || acc.BytesUsed != 0 {
		t.Errorf("account = %+v, %v", acc, err)
	}
}

func TestSwiftCommand(t *testing.T) {
	tool := machinetest.Program(t, "swift", "python3-swiftclient")
	url, dir := serve(t), t.TempDir()
	run := func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), tool, append([]string{"--os-storage-url", url, "--os-auth-token", "member@" + project}, args...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("swift %s: %v: %s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	large := bytes.Repeat([]byte("0123456789"), 30_000)
	if err := os.WriteFile(filepath.Join(dir, "large"), large, 0o600); err != nil {
		t.Fatal(err)
	}
	run("post", "c", "-r", ".r:*", "-m", "color:red")
	run("upload", "c", "large", "--object-name", "dir/plain")
	run("upload", "c", "large", "--object-name", "dynamic", "-S", "100000")
	run("upload", "c", "large", "--object-name", "static", "-S", "100000", "--use-slo")
	for _, name := range []string{"dir/plain", "dynamic", "static"} {
		run("download", "c", name, "-o", "got")
		if got, err := os.ReadFile(filepath.Join(dir, "got")); err != nil || !bytes.Equal(got, large) {
			t.Errorf("%s = %d bytes, %v", name, len(got), err)
		}
	}
	lines := strings.Fields(run("list", "c"))
	if !slices.Equal(lines, []string{"dir/plain", "dynamic", "static"}) {
		t.Errorf("list = %v", lines)
	}
	if out := run("stat", "c"); !strings.Contains(out, "Meta Color: red") || !strings.Contains(out, "Read ACL: .r:*") {
		t.Errorf("stat = %s", out)
	}
	run("copy", "c", "static", "-d", "/c/joined")
	run("delete", "c", "static")
	run("delete", "--all")
	if out := run("list"); out != "" {
		t.Errorf("list after delete = %q", out)
	}
}
