package imagetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// A World is a service and what reaches its bytes.
type World struct {
	image.Service
	Content image.Content
}

// TestService checks an image.Service and its image.Content. newWorld returns an
// empty one that has been started.
func TestService(t *testing.T, newWorld func(*testing.T) World) {
	tests := []struct {
		name string
		run  func(*testing.T, World)
	}{
		{"an image is made, uploaded, read, changed and deleted", lifecycle},
		{"creating twice is creating once", createOnce},
		{"bad requests make nothing", badRequests},
		{"changes are merged", patches},
		{"bytes that are not what was said are refused", wrongBytes},
		{"a broken upload leaves a queued image", brokenUpload},
		{"an active image takes no bytes", uploadTwice},
		{"of uploads at once one wins", racingUploads},
		{"deleting ends an upload", deleteDuringUpload},
		{"parts of an image are read", readRanges},
		{"others see nothing", tenancy},
		{"readers may look and not touch", roles},
		{"visibility", visibility},
		{"members", members},
		{"a deactivated image is not read", deactivation},
		{"a protected image is not deleted", protection},
		{"pages", pages},
		{"filters", filters},
		{"quota", quotas},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, newWorld(t)) })
	}
}

func member(t *testing.T) context.Context {
	t.Helper()
	return identitytest.In(t, "p1", identity.RoleMember)
}

func other(t *testing.T) context.Context {
	t.Helper()
	return identitytest.In(t, "p2", identity.RoleMember)
}

func admin(t *testing.T) context.Context {
	t.Helper()
	return identitytest.In(t, "admin", identity.RoleAdmin)
}

// queued makes an image without bytes.
func (w World) queued(t *testing.T, s image.CreateSpec) image.Image {
	t.Helper()
	if s.DiskFormat == "" {
		s.DiskFormat, s.ContainerFormat = "raw", "bare"
	}
	i, err := w.CreateImage(member(t), s)
	must(t, err)
	if i.Status != image.Queued {
		t.Errorf("a new image is %s", i.Status)
	}
	return i
}

// active makes an image with bytes.
func (w World) active(t *testing.T, s image.CreateSpec, data string) image.Image {
	t.Helper()
	i, err := w.Content.Upload(member(t), w.queued(t, s).ID, strings.NewReader(data))
	must(t, err)
	return i
}

func (w World) content(t *testing.T, ctx context.Context, id image.ID, r image.Range) string {
	t.Helper()
	in, _, err := w.Content.Open(ctx, id, r)
	must(t, err)
	defer in.Close()
	data, err := io.ReadAll(in)
	must(t, err)
	return string(data)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func lifecycle(t *testing.T, w World) {
	i := w.queued(t, image.CreateSpec{Name: "data", Properties: map[string]string{"os": "linux"}, Tags: []string{"b", "a", "b"}, MinDiskGiB: 2})
	if i.Name != "data" || i.ProjectID != "p1" || i.Visibility != image.Shared || i.Properties["os"] != "linux" ||
		!slices.Equal(i.Tags, []string{"a", "b"}) || i.MinDiskGiB != 2 || i.CreatedAt.IsZero() {
		t.Errorf("%+v", i)
	}
	_, _, err := w.Content.Open(member(t), i.ID, image.Range{})
	is(t, "read a queued image", err, image.ErrNoBytes)
	up, err := w.Content.Upload(member(t), i.ID, strings.NewReader("image"))
	must(t, err)
	i, err = w.Image(member(t), i.ID)
	must(t, err)
	if up.ID != i.ID || i.Status != image.Active || i.SizeBytes != 5 || i.VirtualBytes != 5 || i.MD5 != "78805a221a988e79ef3f42d7c5bfd418" || len(i.SHA512) != 128 || i.Name != "data" {
		t.Errorf("%+v", i)
	}
	if got := w.content(t, member(t), i.ID, image.Range{}); got != "image" {
		t.Errorf("read %q", got)
	}
	must(t, w.DeleteImage(member(t), i.ID))
	_, err = w.Image(member(t), i.ID)
	is(t, "a deleted image", err, fault.NotFound)
	is(t, "delete again", w.DeleteImage(member(t), i.ID), fault.NotFound)
	_, _, err = w.Content.Open(member(t), i.ID, image.Range{})
	is(t, "read a deleted image", err, fault.NotFound)
}

func createOnce(t *testing.T, w World) {
	s := image.CreateSpec{ID: "0190aaaa-0000-7000-8000-000000000001", Name: "one"}
	a := w.queued(t, s)
	b, err := w.CreateImage(member(t), s)
	must(t, err)
	if a.ID != b.ID {
		t.Errorf("%+v", b)
	}
	_, err = w.CreateImage(other(t), s)
	is(t, "another project's id", err, fault.NotFound)
}

func badRequests(t *testing.T, w World) {
	long := strings.Repeat("x", 256)
	for name, s := range map[string]image.CreateSpec{
		"long name":        {Name: long},
		"not text":         {Name: "a\x00b"},
		"disk format":      {DiskFormat: "wrong"},
		"container format": {ContainerFormat: "wrong"},
		"visibility":       {Visibility: "wrong"},
		"negative disk":    {MinDiskGiB: -1},
		"negative memory":  {MinMemoryMiB: -1},
		"empty key":        {Properties: map[string]string{"": "v"}},
		"long value":       {Properties: map[string]string{"k": strings.Repeat("x", 70_000)}},
		"long tag":         {Tags: []string{long}},
		"unknown store":    {Store: "none"},
	} {
		_, err := w.CreateImage(member(t), s)
		is(t, name, err, fault.Invalid)
	}
	_, err := w.CreateImage(t.Context(), image.CreateSpec{})
	is(t, "nobody", err, fault.Unauthenticated)
	_, err = w.CreateImage(member(t), image.CreateSpec{ProjectID: "p2"})
	is(t, "for another project", err, fault.Forbidden)
	_, err = w.CreateImage(member(t), image.CreateSpec{Visibility: image.Public})
	is(t, "for everybody", err, fault.Forbidden)
	_, err = w.Content.Upload(member(t), "none", strings.NewReader("x"))
	is(t, "upload to nothing", err, fault.NotFound)
	all, err := w.Images(admin(t), image.Query{Visibility: image.AnyVisibility})
	must(t, err)
	if len(all.Items) != 0 {
		t.Errorf("bad requests made %d images", len(all.Items))
	}
	empty, err := w.CreateImage(member(t), image.CreateSpec{})
	must(t, err)
	_, err = w.Content.Upload(member(t), empty.ID, strings.NewReader("x"))
	is(t, "upload without a format", err, fault.Invalid)
}

func ptr[T any](v T) *T { return &v }

func patches(t *testing.T, w World) {
	i := w.queued(t, image.CreateSpec{Name: "old", Properties: map[string]string{"a": "1", "b": "2"}, Tags: []string{"x"}})
	i, err := w.UpdateImage(member(t), image.Patch{
		ID: i.ID, Name: ptr("new"), DiskFormat: ptr("qcow2"), Hidden: ptr(true),
		Properties: map[string]*string{"a": nil, "c": ptr("3")}, AddTags: []string{"y"},
	})
	must(t, err)
	again, err := w.Image(member(t), i.ID)
	must(t, err)
	for _, i := range []image.Image{i, again} {
		if i.Name != "new" || i.DiskFormat != "qcow2" || !i.Hidden || len(i.Properties) != 2 || i.Properties["b"] != "2" || i.Properties["c"] != "3" || !slices.Equal(i.Tags, []string{"x", "y"}) {
			t.Errorf("%+v", i)
		}
	}
	again, err = w.UpdateImage(member(t), image.Patch{ID: i.ID, RemoveTags: []string{"x"}, ContainerFormat: ptr("bare"), DiskFormat: ptr("raw")})
	must(t, err)
	if !slices.Equal(again.Tags, []string{"y"}) || again.Name != "new" {
		t.Errorf("%+v", again)
	}
	_, err = w.Content.Upload(member(t), i.ID, strings.NewReader("x"))
	must(t, err)
	_, err = w.UpdateImage(member(t), image.Patch{ID: i.ID, DiskFormat: ptr("qcow2")})
	is(t, "another format for an active image", err, fault.Forbidden)
	_, err = w.UpdateImage(member(t), image.Patch{ID: i.ID, Visibility: ptr(image.Public)})
	is(t, "publish", err, fault.Forbidden)
	_, err = w.UpdateImage(member(t), image.Patch{ID: i.ID, ProjectID: ptr("p2")})
	is(t, "give away", err, fault.Forbidden)
	given, err := w.UpdateImage(admin(t), image.Patch{ID: i.ID, ProjectID: ptr("p2")})
	must(t, err)
	if given.ProjectID != "p2" || given.Status != image.Active {
		t.Errorf("%+v", given)
	}
}

func pages(t *testing.T, w World) {
	for range 5 {
		w.queued(t, image.CreateSpec{Name: "paged"})
	}
	w.queued(t, image.CreateSpec{Name: "other"})
	for _, sort := range [][]page.Sort{nil, {{Key: "name"}}, {{Key: "size", Descending: true}, {Key: "id"}}} {
		q := image.Query{Names: []string{"paged"}, Query: page.Query{Limit: 2, Sort: sort}}
		seen := map[image.ID]bool{}
		for n := 0; ; n++ {
			p, err := w.Images(member(t), q)
			must(t, err)
			for _, i := range p.Items {
				seen[i.ID] = true
			}
			if q.Marker = p.Next; q.Marker == "" || n > 5 {
				break
			}
		}
		if len(seen) != 5 {
			t.Errorf("%d images over all pages, want 5", len(seen))
		}
	}
	_, err := w.Images(member(t), image.Query{Query: page.Query{Marker: "none"}})
	is(t, "unknown marker", err, fault.Invalid)
}

func filters(t *testing.T, w World) {
	a := w.active(t, image.CreateSpec{Name: "a", Tags: []string{"t1", `q"uote`}, Properties: map[string]string{"os": "linux", "arch": "x86_64"}, MinDiskGiB: 1}, "12345")
	b := w.active(t, image.CreateSpec{Name: "b", Tags: []string{"t1", "t2"}, Properties: map[string]string{"os": "linux"}, Protected: true}, "1234567890")
	c := w.queued(t, image.CreateSpec{Name: "c", DiskFormat: "qcow2", ContainerFormat: "ovf", Hidden: true})
	for name, tt := range map[string]struct {
		q    image.Query
		want string
	}{
		"nothing":          {image.Query{}, "ab"},
		"hidden":           {image.Query{Hidden: true}, "c"},
		"names":            {image.Query{Names: []string{"a", "z"}}, "a"},
		"ids":              {image.Query{IDs: []image.ID{b.ID, c.ID}}, "b"},
		"status":           {image.Query{Statuses: []image.Status{image.Queued}, Hidden: true}, "c"},
		"disk format":      {image.Query{DiskFormats: []string{"qcow2"}}, ""},
		"container format": {image.Query{ContainerFormats: []string{"bare", "ovf"}}, "ab"},
		"least size":       {image.Query{MinBytes: 6}, "b"},
		"most size":        {image.Query{MaxBytes: ptr(int64(5))}, "a"},
		"tag":              {image.Query{Tags: []string{"t1"}}, "ab"},
		"tags":             {image.Query{Tags: []string{"t1", "t2"}}, "b"},
		"part of a tag":    {image.Query{Tags: []string{"t"}}, ""},
		"quoted tag":       {image.Query{Tags: []string{`q"uote`}}, "a"},
		"property":         {image.Query{Properties: map[string]string{"os": "linux"}}, "ab"},
		"properties":       {image.Query{Properties: map[string]string{"os": "linux", "arch": "x86_64"}}, "a"},
		"part of a value":  {image.Query{Properties: map[string]string{"os": "lin"}}, ""},
		"protected":        {image.Query{Protected: ptr(true)}, "b"},
		"unprotected":      {image.Query{Protected: ptr(false)}, "a"},
		"minimum":          {image.Query{MinDiskGiB: ptr(1)}, "a"},
		"checksum":         {image.Query{MD5: a.MD5}, "a"},
		"owner":            {image.Query{ProjectID: "p1"}, "ab"},
		"visibility":       {image.Query{Visibility: image.Private}, ""},
		"since":            {image.Query{Created: image.Moment{Compare: "gte", Time: a.CreatedAt}}, "ab"},
		"later":            {image.Query{Created: image.Moment{Compare: "gt", Time: b.CreatedAt}}, ""},
		"changed before":   {image.Query{Updated: image.Moment{Compare: "lt", Time: a.CreatedAt}}, ""},
	} {
		tt.q.Sort = []page.Sort{{Key: "name"}}
		p, err := w.Images(member(t), tt.q)
		must(t, err)
		got := ""
		for _, i := range p.Items {
			got += i.Name
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
	_, err := w.Images(member(t), image.Query{Created: image.Moment{Compare: "near", Time: a.CreatedAt}})
	is(t, "unknown comparison", err, fault.Invalid)
}

func quotas(t *testing.T, w World) {
	_, err := w.SetQuota(admin(t), image.QuotaPatch{ProjectID: "p1", Limits: quota.Amount{image.ResourceImages: 2, image.ResourceSizeMiB: 2}})
	must(t, err)
	i := w.active(t, image.CreateSpec{}, strings.Repeat("x", 1<<20))
	large := w.queued(t, image.CreateSpec{})
	_, err = w.CreateImage(member(t), image.CreateSpec{})
	is(t, "too many images", err, fault.OverQuota)
	_, err = w.Content.Upload(member(t), large.ID, bytes.NewReader(make([]byte, 1<<20+1)))
	is(t, "too many bytes", err, fault.OverQuota)
	_, err = w.Content.Upload(member(t), large.ID, bytes.NewReader(make([]byte, 1<<20)))
	must(t, err)
	q, err := w.Quota(member(t), "p1")
	must(t, err)
	if q.Used[image.ResourceImages] != 2 || q.Used[image.ResourceSizeMiB] != 2 || q.Limits[image.ResourceSizeMiB] != 2 {
		t.Errorf("%+v", q)
	}
	must(t, w.DeleteImage(member(t), i.ID))
	flowtest.Eventually(t, "its room is free", func() bool {
		q, err := w.Quota(member(t), "p1")
		return err == nil && q.Used[image.ResourceImages] == 1
	})
	w.queued(t, image.CreateSpec{})
}
