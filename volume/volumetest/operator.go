package volumetest

import (
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/volume"
)

// What operators do: types, quotas and repairs.

func types(t *testing.T, w world) {
	fast, err := w.CreateType(admin(t), volume.Type{Name: "fast", Public: true, Specs: map[string]string{"tier": "1"}})
	must(t, err)
	_, err = w.CreateType(admin(t), volume.Type{Name: "fast"})
	is(t, "a name twice", err, fault.Conflict)
	_, err = w.CreateType(admin(t), volume.Type{Name: "lost", Backend: "none"})
	is(t, "unknown backend", err, fault.Invalid)
	hidden, err := w.CreateType(admin(t), volume.Type{Name: "hidden"})
	must(t, err)
	_, err = w.Type(member(t), string(hidden.ID))
	is(t, "hidden type", err, fault.NotFound)
	hidden.Projects = []string{"p1"}
	_, err = w.UpdateType(admin(t), hidden)
	must(t, err)
	_, err = w.Type(member(t), string(hidden.ID))
	must(t, err)
	_, err = w.Type(identitytest.In(t, "p", identity.RoleMember), string(hidden.ID))
	is(t, "a type for a project whose name goes on", err, fault.NotFound)
	if list, err := w.Types(member(t), volume.TypeQuery{}); err != nil || len(list.Items) != 3 {
		t.Errorf("%d types, %v", len(list.Items), err)
	}
	v := w.make(t, volume.CreateSpec{Type: "fast"})
	if v.TypeID != fast.ID {
		t.Errorf("type %s", v.TypeID)
	}
	other := "hidden"
	v, err = w.UpdateVolume(member(t), volume.Patch{ID: v.ID, Type: &other})
	must(t, err)
	if v.TypeID != hidden.ID {
		t.Errorf("type %s", v.TypeID)
	}
	other = "fast"
	_, err = w.UpdateVolume(member(t), volume.Patch{ID: v.ID, Type: &other})
	must(t, err)
	is(t, "delete a used type", w.DeleteType(admin(t), fast.ID), fault.Conflict)
	must(t, w.DeleteType(admin(t), hidden.ID))
	list, err := w.Types(member(t), volume.TypeQuery{})
	must(t, err)
	if len(list.Items) != 2 { // with the default
		t.Errorf("%d types", len(list.Items))
	}
}

func quotas(t *testing.T, w world) {
	_, err := w.SetQuota(member(t), volume.QuotaPatch{ProjectID: "p1", Limits: quota.Amount{volume.ResourceVolumes: 1000}})
	is(t, "members do not raise it", err, fault.Forbidden)
	_, err = w.SetQuota(admin(t), volume.QuotaPatch{ProjectID: "p1", Limits: quota.Amount{volume.ResourceVolumes: 2, volume.ResourceGigabytes: 5}})
	must(t, err)
	v := w.make(t, volume.CreateSpec{SizeGiB: 3})
	_, err = w.CreateVolume(member(t), volume.CreateSpec{SizeGiB: 3})
	is(t, "too many gigabytes", err, fault.OverQuota)
	_, err = w.ExtendVolume(member(t), volume.ExtendSpec{ID: v.ID, SizeGiB: 6})
	is(t, "extend above the quota", err, fault.OverQuota)
	w.make(t, volume.CreateSpec{})
	_, err = w.CreateVolume(member(t), volume.CreateSpec{SizeGiB: 1})
	is(t, "too many volumes", err, fault.OverQuota)
	q, err := w.Quota(member(t), "p1")
	must(t, err)
	if q.Used[volume.ResourceVolumes] != 2 || q.Used[volume.ResourceGigabytes] != 4 || q.Limits[volume.ResourceGigabytes] != 5 {
		t.Errorf("%+v", q)
	}
	must(t, w.DeleteVolume(member(t), v.ID))
	w.wait(t, v.ID, "gone")
	w.make(t, volume.CreateSpec{})
	_, err = w.SetQuota(admin(t), volume.QuotaPatch{ProjectID: "p1"})
	must(t, err)
	q, err = w.SetQuota(admin(t), volume.QuotaPatch{ProjectID: "p1", Limits: quota.Amount{volume.ResourceSize: 2}})
	must(t, err)
	if q.Defaults[volume.ResourceSize] != quota.Unlimited || q.Limits[volume.ResourceSize] != 2 {
		t.Errorf("%+v", q)
	}
	_, err = w.CreateVolume(member(t), volume.CreateSpec{SizeGiB: 3})
	is(t, "a volume too large", err, fault.OverQuota)
}

func repairs(t *testing.T, w world) {
	v := w.make(t, volume.CreateSpec{})
	for _, status := range []volume.Status{volume.Failed, "maintenance", volume.Deleting} {
		_, err := w.UpdateVolume(member(t), volume.Patch{ID: v.ID, Status: &status})
		is(t, "a user's repair", err, fault.Forbidden)
		_, err = w.UpdateVolume(admin(t), volume.Patch{ID: v.ID, Status: &status})
		must(t, err)
		w.wait(t, v.ID, string(status))
	}
	must(t, w.DeleteVolume(member(t), v.ID)) // nobody was deleting it
	w.wait(t, v.ID, "gone")
}

func backends(t *testing.T, w world) {
	v := w.make(t, volume.CreateSpec{SizeGiB: 3})
	w.snapshot(t, v.ID)
	_, err := w.Backends(member(t))
	is(t, "a user asks", err, fault.Forbidden)
	all, err := w.Backends(admin(t))
	must(t, err)
	var sum volume.Use
	for _, u := range all {
		sum.Volumes, sum.VolumeGiB = sum.Volumes+u.Volumes, sum.VolumeGiB+u.VolumeGiB
		sum.Snapshots, sum.SnapshotGiB = sum.Snapshots+u.Snapshots, sum.SnapshotGiB+u.SnapshotGiB
	}
	if want := (volume.Use{Volumes: 1, VolumeGiB: 3, Snapshots: 1, SnapshotGiB: 3}); sum != want {
		t.Errorf("%+v", all)
	}
}

func deleteEarly(t *testing.T, w world) {
	for range 20 {
		v, err := w.CreateVolume(member(t), volume.CreateSpec{SizeGiB: 1})
		must(t, err)
		must(t, w.DeleteVolume(member(t), v.ID))
		w.wait(t, v.ID, "gone")
	}
}
