package volumetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/volume"
)

// TestService checks a volume.Service, whose backends must have every optional
// power. newService returns an empty one that has been started.
func TestService(t *testing.T, newService func(*testing.T) volume.Service) {
	tests := []struct {
		name string
		run  func(*testing.T, world)
	}{
		{"a volume is made, shown, changed and deleted", lifecycle},
		{"creating twice is creating once", createOnce},
		{"bad requests make nothing", badRequests},
		{"others see nothing", tenancy},
		{"readers may look and not touch", roles},
		{"pages", pages},
		{"attachments", attachments},
		{"snapshots", serviceSnapshots},
		{"copies", copies},
		{"extending", extending},
		{"types", types},
		{"quota", quotas},
		{"deleting during creation", deleteEarly},
		{"an administrator repairs by hand", repairs},
		{"what backends keep", backends},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, world{newService(t)}) })
	}
}

type world struct{ volume.Service }

func member(t *testing.T) context.Context {
	t.Helper()
	return identitytest.In(t, "p1", identity.RoleMember)
}

func admin(t *testing.T) context.Context {
	t.Helper()
	return identitytest.In(t, "admin", identity.RoleAdmin)
}

func service(t *testing.T) context.Context {
	t.Helper()
	return identity.AsService(member(t), "compute")
}

func (w world) make(t *testing.T, s volume.CreateSpec) volume.Volume {
	t.Helper()
	if s.SizeGiB == 0 && s.SnapshotID == "" && s.SourceID == "" {
		s.SizeGiB = 1
	}
	v, err := w.CreateVolume(member(t), s)
	must(t, err)
	if v.Status != volume.Creating {
		t.Errorf("a new volume is %s", v.Status)
	}
	return w.wait(t, v.ID, "available")
}

func (w world) wait(t *testing.T, id volume.ID, state string) (v volume.Volume) {
	t.Helper()
	flowtest.Eventually(t, fmt.Sprintf("volume %s %s", id, state), func() bool {
		var err error
		v, err = w.Volume(member(t), id)
		if state == "gone" {
			return errors.Is(err, fault.NotFound)
		}
		must(t, err)
		return v.State() == state
	})
	return v
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func lifecycle(t *testing.T, w world) {
	v := w.make(t, volume.CreateSpec{Name: "data", Description: "d", Metadata: map[string]string{"k": "v"}, SizeGiB: 2})
	if v.Name != "data" || v.SizeGiB != 2 || v.ProjectID != "p1" || v.Metadata["k"] != "v" || v.TypeID == "" || v.CreatedAt.IsZero() {
		t.Errorf("%+v", v)
	}
	name, bootable := "renamed", true
	changed, err := w.UpdateVolume(member(t), volume.Patch{ID: v.ID, Name: &name, Bootable: &bootable, Metadata: map[string]string{}})
	must(t, err)
	again, err := w.Volume(member(t), v.ID)
	must(t, err)
	if changed.Name != name || again.Name != name || !again.Bootable || again.Description != "d" || len(again.Metadata) != 0 {
		t.Errorf("%+v", again)
	}
	for _, items := range []map[string]*string{{"x": new("1"), "y": new("2")}, {"x": nil}} {
		again, err = w.UpdateVolume(member(t), volume.Patch{ID: v.ID, MetadataItems: items, ImageMetadata: items})
		must(t, err)
	}
	if len(again.Metadata) != 1 || again.Metadata["y"] != "2" || len(again.ImageMetadata) != 1 || again.ImageMetadata["y"] != "2" {
		t.Errorf("%+v", again)
	}
	must(t, w.DeleteVolume(member(t), v.ID))
	w.wait(t, v.ID, "gone")
	is(t, "delete again", w.DeleteVolume(member(t), v.ID), fault.NotFound)
}

func createOnce(t *testing.T, w world) {
	s := volume.CreateSpec{ID: "0190aaaa-0000-7000-8000-000000000001", SizeGiB: 1}
	a := w.make(t, s)
	b, err := w.CreateVolume(member(t), s)
	must(t, err)
	if a.ID != b.ID || b.Status != volume.Available {
		t.Errorf("%+v", b)
	}
	_, err = w.CreateVolume(identitytest.In(t, "p2", identity.RoleMember), s)
	is(t, "another project's id", err, fault.NotFound)
}

func badRequests(t *testing.T, w world) {
	long := make([]byte, 256)
	for name, s := range map[string]volume.CreateSpec{
		"no size":       {},
		"negative":      {SizeGiB: -1},
		"far too large": {SizeGiB: 1 << 30},
		"long name":     {SizeGiB: 1, Name: string(long)},
		"empty key":     {SizeGiB: 1, Metadata: map[string]string{"": "v"}},
		"unknown zone":  {SizeGiB: 1, AvailabilityZone: "mars"},
	} {
		_, err := w.CreateVolume(member(t), s)
		is(t, name, err, fault.Invalid)
	}
	for name, s := range map[string]volume.CreateSpec{
		"unknown type":     {SizeGiB: 1, Type: "none"},
		"unknown snapshot": {SizeGiB: 1, SnapshotID: "none"},
		"unknown source":   {SizeGiB: 1, SourceID: "none"},
	} {
		_, err := w.CreateVolume(member(t), s)
		is(t, name, err, volume.ErrReference)
	}
	_, err := w.CreateVolume(t.Context(), volume.CreateSpec{SizeGiB: 1})
	is(t, "nobody", err, fault.Unauthenticated)
	all, err := w.Volumes(admin(t), volume.Query{AllProjects: true})
	must(t, err)
	if len(all.Items) != 0 {
		t.Errorf("bad requests made %d volumes", len(all.Items))
	}
}

func tenancy(t *testing.T, w world) {
	v := w.make(t, volume.CreateSpec{})
	other := identitytest.In(t, "p2", identity.RoleManager)
	name := "mine now"
	_, err := w.Volume(other, v.ID)
	is(t, "show", err, fault.NotFound)
	_, err = w.UpdateVolume(other, volume.Patch{ID: v.ID, Name: &name})
	is(t, "update", err, fault.NotFound)
	_, err = w.Attach(other, volume.AttachSpec{VolumeID: v.ID, ServerID: "s"})
	is(t, "attach", err, fault.NotFound)
	_, err = w.CreateSnapshot(other, volume.SnapshotSpec{VolumeID: v.ID})
	is(t, "snapshot", err, fault.NotFound)
	_, err = w.CreateVolume(other, volume.CreateSpec{SourceID: v.ID})
	is(t, "copy", err, fault.NotFound)
	is(t, "delete", w.DeleteVolume(other, v.ID), fault.NotFound)
	_, err = w.Volumes(other, volume.Query{AllProjects: true})
	is(t, "list all", err, fault.Forbidden)
	list, err := w.Volumes(other, volume.Query{})
	must(t, err)
	if len(list.Items) != 0 {
		t.Errorf("another project lists %d volumes", len(list.Items))
	}
	_, never := w.Volume(other, "never")
	_, hidden := w.Volume(other, v.ID)
	if got, want := hidden.Error(), "volume "+string(v.ID)+" could not be found"; got != want || never.Error() != "volume never could not be found" {
		t.Errorf("%q tells more than %q", hidden, never)
	}
	_, err = w.Volume(admin(t), v.ID)
	must(t, err)
}

func roles(t *testing.T, w world) {
	v := w.make(t, volume.CreateSpec{})
	reader := identitytest.In(t, "p1", identity.RoleReader)
	_, err := w.Volume(reader, v.ID)
	must(t, err)
	_, err = w.CreateVolume(reader, volume.CreateSpec{SizeGiB: 1})
	is(t, "create", err, fault.Forbidden)
	is(t, "delete", w.DeleteVolume(reader, v.ID), fault.Forbidden)
	_, err = w.CreateType(member(t), volume.Type{Name: "mine"})
	is(t, "create a type", err, fault.Forbidden)
}

func pages(t *testing.T, w world) {
	for range 5 {
		w.make(t, volume.CreateSpec{Name: "paged"})
	}
	w.make(t, volume.CreateSpec{Name: "other"})
	q := volume.Query{Name: "paged", Query: page.Query{Limit: 2}}
	seen := map[volume.ID]bool{}
	for n := 0; ; n++ {
		p, err := w.Volumes(member(t), q)
		must(t, err)
		for _, v := range p.Items {
			seen[v.ID] = true
		}
		if q.Marker = p.Next; q.Marker == "" || n > 5 {
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d volumes over all pages, want 5", len(seen))
	}
}

func attachments(t *testing.T, w world) {
	v := w.make(t, volume.CreateSpec{})
	s := volume.AttachSpec{ID: "0190aaaa-0000-7000-8000-00000000000a", VolumeID: v.ID, ServerID: "server"}
	a, err := w.Attach(member(t), s)
	must(t, err)
	_, err = w.Attach(member(t), s)
	must(t, err)
	_, err = w.Attach(member(t), volume.AttachSpec{VolumeID: v.ID, ServerID: "another"})
	is(t, "a second server", err, volume.ErrState)
	_, err = w.Connect(member(t), volume.ConnectSpec{ID: a.ID, Host: "h"})
	is(t, "users do not connect", err, fault.Forbidden)
	w.wait(t, v.ID, "reserved")
	a, err = w.Connect(service(t), volume.ConnectSpec{ID: a.ID, Host: "h"})
	must(t, err)
	if a.Connection.Kind == "" || a.Host != "h" {
		t.Errorf("%+v", a)
	}
	w.wait(t, v.ID, "attaching")
	_, err = w.Confirm(service(t), volume.ConfirmSpec{ID: a.ID, Device: "/dev/vdb"})
	must(t, err)
	if v := w.wait(t, v.ID, "in-use"); v.Attachments[0].Device != "/dev/vdb" || v.Attachments[0].ServerID != "server" {
		t.Errorf("%+v", v.Attachments)
	}
	is(t, "deleting a volume in use", w.DeleteVolume(member(t), v.ID), volume.ErrState)
	mine, err := w.Attachments(member(t), volume.AttachmentQuery{ServerID: "server"})
	must(t, err)
	if len(mine.Items) != 1 {
		t.Errorf("%d attachments", len(mine.Items))
	}
	is(t, "taking a volume from under its server", w.Detach(member(t), a.ID), fault.Conflict)
	for range 2 {
		must(t, w.Detach(service(t), a.ID))
	}
	w.wait(t, v.ID, "available")
	must(t, w.DeleteVolume(member(t), v.ID))
	w.wait(t, v.ID, "gone")
}

func (w world) snapshot(t *testing.T, v volume.ID) volume.Snapshot {
	t.Helper()
	s, err := w.CreateSnapshot(member(t), volume.SnapshotSpec{VolumeID: v, Name: "snap"})
	must(t, err)
	flowtest.Eventually(t, "snapshot available", func() bool {
		s, err = w.Snapshot(member(t), s.ID)
		must(t, err)
		return s.Status == volume.Available
	})
	return s
}

func serviceSnapshots(t *testing.T, w world) {
	v := w.make(t, volume.CreateSpec{SizeGiB: 2})
	s := w.snapshot(t, v.ID)
	if s.SizeGiB != 2 || s.VolumeID != v.ID {
		t.Errorf("%+v", s)
	}
	is(t, "deleting a volume with snapshots", w.DeleteVolume(member(t), v.ID), volume.ErrState)
	copied := w.make(t, volume.CreateSpec{SnapshotID: s.ID})
	if copied.SizeGiB != 2 || copied.SnapshotID != s.ID {
		t.Errorf("%+v", copied)
	}
	_, err := w.CreateVolume(member(t), volume.CreateSpec{SnapshotID: s.ID, SizeGiB: 1})
	is(t, "smaller than its snapshot", err, fault.Invalid)
	list, err := w.Snapshots(member(t), volume.SnapshotQuery{VolumeID: v.ID})
	must(t, err)
	if len(list.Items) != 1 {
		t.Errorf("%d snapshots", len(list.Items))
	}
	must(t, w.DeleteSnapshot(member(t), s.ID))
	flowtest.Eventually(t, "snapshot gone", func() bool {
		_, err := w.Snapshot(member(t), s.ID)
		return errors.Is(err, fault.NotFound)
	})
	must(t, w.DeleteVolume(member(t), v.ID))
	w.wait(t, v.ID, "gone")
	s = w.snapshot(t, copied.ID)
	must(t, w.PurgeVolume(member(t), copied.ID))
	w.wait(t, copied.ID, "gone")
	_, err = w.Snapshot(member(t), s.ID)
	is(t, "a purged snapshot", err, fault.NotFound)
}

func copies(t *testing.T, w world) {
	v := w.make(t, volume.CreateSpec{SizeGiB: 2})
	c := w.make(t, volume.CreateSpec{SourceID: v.ID})
	if c.SizeGiB != 2 || c.SourceID != v.ID {
		t.Errorf("%+v", c)
	}
}

func extending(t *testing.T, w world) {
	v := w.make(t, volume.CreateSpec{SizeGiB: 2})
	_, err := w.ExtendVolume(member(t), volume.ExtendSpec{ID: v.ID, SizeGiB: 2})
	is(t, "not larger", err, fault.Invalid)
	_, err = w.ExtendVolume(member(t), volume.ExtendSpec{ID: v.ID, SizeGiB: 5})
	must(t, err)
	if v := w.wait(t, v.ID, "available"); v.SizeGiB != 5 {
		t.Errorf("%d GiB", v.SizeGiB)
	}
}
