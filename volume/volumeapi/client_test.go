package volumeapi_test

import (
	"context"
	"slices"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/attachments"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/availabilityzones"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/schedulerstats"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/services"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumetypes"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

// newVolume makes a volume and waits for it.
func newVolume(t *testing.T, c *gophercloud.ServiceClient, o volumes.CreateOpts) *volumes.Volume {
	t.Helper()
	if o.Size == 0 && o.SnapshotID == "" && o.SourceVolID == "" {
		o.Size = 1
	}
	v := must[*volumes.Volume](t)(volumes.Create(t.Context(), c, o, nil).Extract())
	if v.Status != "creating" {
		t.Errorf("a new volume is %s", v.Status)
	}
	eventually(t, c, v.ID, "available")
	return must[*volumes.Volume](t)(volumes.Get(t.Context(), c, v.ID).Extract())
}

func pages(t *testing.T, p pagination.Pager) pagination.Page {
	t.Helper()
	return must[pagination.Page](t)(p.AllPages(t.Context()))
}

func TestVolumes(t *testing.T) {
	cloud, ctx := newCloud(t), t.Context()
	c := cloud.as("ada", "3.70")
	v := newVolume(t, c, volumes.CreateOpts{Name: "disk", Description: "mine", Metadata: map[string]string{"a": "b"}})
	if v.Name != "disk" || v.Size != 1 || v.VolumeType != "standard" || v.Bootable != "false" || v.TenantID != "blue" || v.Host != "" || v.Metadata["a"] != "b" {
		t.Errorf("%+v", v)
	}
	name := "renamed"
	v = must[*volumes.Volume](t)(volumes.Update(ctx, c, v.ID, volumes.UpdateOpts{Name: &name}).Extract())
	if v.Name != name || v.Description != "mine" {
		t.Errorf("%+v", v)
	}
	ok(t, volumes.ExtendSize(ctx, c, v.ID, volumes.ExtendSizeOpts{NewSize: 3}).ExtractErr())
	eventually(t, c, v.ID, "available")
	ok(t, volumes.SetBootable(ctx, c, v.ID, volumes.BootableOpts{Bootable: true}).ExtractErr())
	ok(t, volumes.SetImageMetadata(ctx, c, v.ID, volumes.ImageMetadataOpts{Metadata: map[string]string{"os": "bsd"}}).ExtractErr())
	v = must[*volumes.Volume](t)(volumes.Get(ctx, c, v.ID).Extract())
	if v.Size != 3 || v.Bootable != "true" || v.VolumeImageMetadata["os"] != "bsd" {
		t.Errorf("%+v", v)
	}
	clone := newVolume(t, c, volumes.CreateOpts{SourceVolID: v.ID})
	if clone.Size != 3 || clone.SourceVolID != v.ID || clone.Bootable != "true" {
		t.Errorf("%+v", clone)
	}
	booted := newVolume(t, c, volumes.CreateOpts{Size: 2, ImageID: "image"})
	if booted.Bootable != "true" || booted.VolumeImageMetadata["os"] != "linux" {
		t.Errorf("%+v", booted)
	}
	up := must[volumes.VolumeImage](t)(volumes.UploadImage(ctx, c, v.ID, volumes.UploadImageOpts{ImageName: "copy", DiskFormat: "raw", ContainerFormat: "bare"}).Extract())
	if up.ImageID == "" || up.Status != "uploading" || up.VolumeType.Name != "standard" {
		t.Errorf("%+v", up)
	}
	eventually(t, c, v.ID, "available")
	if cloud.images.uploaded == 0 {
		t.Error("the image has no bytes")
	}
	for _, id := range []string{v.ID, clone.ID} {
		ok(t, volumes.Delete(ctx, c, id, volumes.DeleteOpts{}).ExtractErr())
		eventually(t, c, id, "gone")
	}
}

func TestListsOfVolumes(t *testing.T) {
	cloud, ctx := newCloud(t), t.Context()
	c := cloud.as("ada", "")
	var ids []string
	for _, name := range []string{"b", "a", "d", "c"} {
		ids = append(ids, newVolume(t, c, volumes.CreateOpts{Name: name, Metadata: map[string]string{"name": name}}).ID)
	}
	foreign := newVolume(t, cloud.as("eve", ""), volumes.CreateOpts{Name: "a"})
	if err := volumes.Reserve(ctx, c, ids[0]).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		opts volumes.ListOpts
		want []string
	}{
		"newest first":        {volumes.ListOpts{}, []string{"c", "d", "a", "b"}},
		"by name in pages":    {volumes.ListOpts{Sort: "name:asc", Limit: 2}, []string{"a", "b", "c", "d"}},
		"offset":              {volumes.ListOpts{Sort: "name:asc", Offset: 3}, []string{"d"}},
		"one name":            {volumes.ListOpts{Name: "d"}, []string{"d"}},
		"by metadata":         {volumes.ListOpts{Metadata: map[string]string{"name": "c"}}, []string{"c"}},
		"by what users see":   {volumes.ListOpts{Status: "attaching"}, []string{"b"}},
		"attached is not it":  {volumes.ListOpts{Status: "available"}, []string{"c", "d", "a"}},
		"an unknown status":   {volumes.ListOpts{Status: "null"}, nil},
		"marker":              {volumes.ListOpts{Sort: "name:asc", Marker: ids[3]}, []string{"d"}},
		"others' are not his": {volumes.ListOpts{TenantID: "red"}, []string{"c", "d", "a", "b"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []string
			ok(t, volumes.List(c, tt.opts).EachPage(ctx, func(_ context.Context, p pagination.Page) (bool, error) {
				list, err := volumes.ExtractVolumes(p)
				for _, v := range list {
					got = append(got, v.Name)
				}
				return true, err
			}))
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
	all := must[[]volumes.Volume](t)(volumes.ExtractVolumes(pages(t, volumes.List(cloud.as("admin", ""), volumes.ListOpts{AllTenants: true}))))
	if len(all) != 5 || all[0].ID != foreign.ID || all[0].Host != "nacre@ram#ram" {
		t.Errorf("%+v", all)
	}
}

func TestSnapshots(t *testing.T) {
	cloud, ctx := newCloud(t), t.Context()
	c := cloud.as("ada", "3.65")
	v := newVolume(t, c, volumes.CreateOpts{})
	s := must[*snapshots.Snapshot](t)(snapshots.Create(ctx, c, snapshots.CreateOpts{VolumeID: v.ID, Name: "first", Metadata: map[string]string{"a": "b"}}).Extract())
	flowtest.Eventually(t, "the snapshot is available", func() bool {
		s = must[*snapshots.Snapshot](t)(snapshots.Get(ctx, c, s.ID).Extract())
		return s.Status == "available"
	})
	if s.Progress != "100%" || s.ProjectID != "blue" || s.Size != 1 || s.Metadata["a"] != "b" {
		t.Errorf("%+v", s)
	}
	if made := newVolume(t, c, volumes.CreateOpts{SnapshotID: s.ID}); made.Size != 1 || made.SnapshotID != s.ID {
		t.Errorf("%+v", made)
	}
	name := "second"
	s = must[*snapshots.Snapshot](t)(snapshots.Update(ctx, c, s.ID, snapshots.UpdateOpts{Name: &name}).Extract())
	list := must[[]snapshots.Snapshot](t)(snapshots.ExtractSnapshots(pages(t, snapshots.ListDetail(c, snapshots.ListOpts{VolumeID: v.ID, Limit: 1}))))
	if len(list) != 1 || list[0].Name != name {
		t.Errorf("%+v", list)
	}
	if err := volumes.Delete(ctx, c, v.ID, volumes.DeleteOpts{}).ExtractErr(); !gophercloud.ResponseCodeIs(err, 400) {
		t.Errorf("delete a volume with a snapshot: %v", err)
	}
	ok(t, volumes.Delete(ctx, c, v.ID, volumes.DeleteOpts{Cascade: true}).ExtractErr())
	eventually(t, c, v.ID, "gone")
	if _, err := snapshots.Get(ctx, c, s.ID).Extract(); !gophercloud.ResponseCodeIs(err, 404) {
		t.Errorf("a snapshot outlived its volume: %v", err)
	}
}

func TestTypes(t *testing.T) {
	cloud, ctx := newCloud(t), t.Context()
	c, user, no := cloud.as("admin", ""), cloud.as("ada", ""), false
	typ := must[*volumetypes.VolumeType](t)(volumetypes.Create(ctx, c, volumetypes.CreateOpts{
		Name: "fast", IsPublic: &no, ExtraSpecs: map[string]string{"volume_backend_name": "ram"},
	}).Extract())
	if typ.IsPublic || typ.PublicAccess || typ.ExtraSpecs["volume_backend_name"] != "ram" {
		t.Errorf("%+v", typ)
	}
	if _, err := volumetypes.Get(ctx, user, typ.ID).Extract(); !gophercloud.ResponseCodeIs(err, 404) {
		t.Errorf("a hidden type: %v", err)
	}
	ok(t, volumetypes.AddAccess(ctx, c, typ.ID, volumetypes.AddAccessOpts{Project: "blue"}).ExtractErr())
	if err := volumetypes.AddAccess(ctx, c, typ.ID, volumetypes.AddAccessOpts{Project: "blue"}).ExtractErr(); !gophercloud.ResponseCodeIs(err, 409) {
		t.Errorf("access twice: %v", err)
	}
	access := must[[]volumetypes.VolumeTypeAccess](t)(volumetypes.ExtractAccesses(pages(t, volumetypes.ListAccesses(c, typ.ID))))
	if len(access) != 1 || access[0].ProjectID != "blue" || access[0].VolumeTypeID != typ.ID {
		t.Errorf("%+v", access)
	}
	if v := newVolume(t, user, volumes.CreateOpts{VolumeType: "fast"}); v.VolumeType != "fast" {
		t.Errorf("%+v", v)
	}
	ok(t, volumetypes.RemoveAccess(ctx, c, typ.ID, volumetypes.RemoveAccessOpts{Project: "blue"}).ExtractErr())
	specs := must[map[string]string](t)(volumetypes.CreateExtraSpecs(ctx, c, typ.ID, volumetypes.ExtraSpecsOpts{"tier": "1", "x": "y"}).Extract())
	if specs["tier"] != "1" {
		t.Errorf("%v", specs)
	}
	must[map[string]string](t)(volumetypes.UpdateExtraSpec(ctx, c, typ.ID, volumetypes.ExtraSpecsOpts{"tier": "2"}).Extract())
	ok(t, volumetypes.DeleteExtraSpec(ctx, c, typ.ID, "x").ExtractErr())
	specs = must[map[string]string](t)(volumetypes.ListExtraSpecs(ctx, c, typ.ID).Extract())
	if len(specs) != 2 || specs["tier"] != "2" {
		t.Errorf("%v", specs)
	}
	all := must[[]volumetypes.VolumeType](t)(volumetypes.ExtractVolumeTypes(pages(t, volumetypes.List(c, volumetypes.ListOpts{IsPublic: volumetypes.VisibilityDefault}))))
	if len(all) != 2 {
		t.Errorf("%+v", all)
	}
	if _, err := volumetypes.Create(ctx, user, volumetypes.CreateOpts{Name: "mine"}).Extract(); !gophercloud.ResponseCodeIs(err, 403) {
		t.Errorf("a user's type: %v", err)
	}
}

func TestAttachments(t *testing.T) {
	cloud, ctx := newCloud(t), t.Context()
	c, boss := cloud.as("ada", "3.44"), cloud.as("admin", "3.44")
	v := newVolume(t, c, volumes.CreateOpts{})
	a := must[*attachments.Attachment](t)(attachments.Create(ctx, c, attachments.CreateOpts{VolumeUUID: v.ID, InstanceUUID: "server"}).Extract())
	if a.Status != "reserved" || a.VolumeID != v.ID || a.Instance != "server" {
		t.Errorf("%+v", a)
	}
	if err := attachments.Update(ctx, c, a.ID, attachments.UpdateOpts{Connector: map[string]any{"host": "h1"}}).Err; !gophercloud.ResponseCodeIs(err, 403) {
		t.Errorf("a user opens a volume: %v", err)
	}
	a = must[*attachments.Attachment](t)(attachments.Update(ctx, boss, a.ID, attachments.UpdateOpts{Connector: map[string]any{"host": "h1"}}).Extract())
	if a.Status != "attaching" || a.ConnectionInfo["path"] == "" {
		t.Errorf("%+v", a)
	}
	ok(t, attachments.Complete(ctx, boss, a.ID).ExtractErr())
	eventually(t, c, v.ID, "in-use")
	list := must[[]attachments.Attachment](t)(attachments.ExtractAttachments(pages(t, attachments.List(c, attachments.ListOpts{VolumeID: v.ID}))))
	if len(list) != 1 || list[0].Status != "attached" || list[0].ConnectionInfo["path"] != nil {
		t.Errorf("%+v", list)
	}
	if err := attachments.Delete(ctx, c, a.ID).ExtractErr(); !gophercloud.ResponseCodeIs(err, 409) {
		t.Errorf("a user takes a volume from under a server: %v", err)
	}
	ok(t, attachments.Delete(ctx, boss, a.ID).ExtractErr())
	eventually(t, c, v.ID, "available")
	ok(t, volumes.Attach(ctx, c, v.ID, volumes.AttachOpts{MountPoint: "/dev/vdc", InstanceUUID: "server"}).ExtractErr())
	v = must[*volumes.Volume](t)(volumes.Get(ctx, c, v.ID).Extract())
	if v.Status != "in-use" || v.Attachments[0].Device != "/dev/vdc" || v.Attachments[0].ServerID != "server" {
		t.Errorf("%+v", v)
	}
	ok(t, volumes.Detach(ctx, c, v.ID, volumes.DetachOpts{}).ExtractErr())
	eventually(t, c, v.ID, "available")
}

func TestQuotasAndLimits(t *testing.T) {
	cloud, ctx := newCloud(t), t.Context()
	c, user, two := cloud.as("admin", ""), cloud.as("ada", ""), 2
	q := must[*quotasets.QuotaSet](t)(quotasets.Update(ctx, c, "blue", quotasets.UpdateOpts{Volumes: &two, Backups: &two}).Extract())
	if q.Volumes != 2 || q.Backups != 2 || q.Gigabytes != 10000 || q.PerVolumeGigabytes != -1 {
		t.Errorf("%+v", q)
	}
	newVolume(t, user, volumes.CreateOpts{})
	used := must[quotasets.QuotaUsageSet](t)(quotasets.GetUsage(ctx, user, "blue").Extract())
	if used.Volumes.InUse != 1 || used.Volumes.Limit != 2 || used.Gigabytes.InUse != 1 {
		t.Errorf("%+v", used)
	}
	l := must[*limits.Limits](t)(limits.Get(ctx, user).Extract())
	if l.Absolute.MaxTotalVolumes != 2 || l.Absolute.TotalVolumesUsed != 1 || l.Absolute.TotalGigabytesUsed != 1 {
		t.Errorf("%+v", l)
	}
	ok(t, quotasets.Delete(ctx, c, "blue").ExtractErr())
	d := must[*quotasets.QuotaSet](t)(quotasets.GetDefaults(ctx, c, "blue").Extract())
	q = must[*quotasets.QuotaSet](t)(quotasets.Get(ctx, c, "blue").Extract())
	if d.Volumes != 100 || q.Volumes != 100 {
		t.Errorf("%+v %+v", d, q)
	}
}

func TestBackends(t *testing.T) {
	cloud, ctx := newCloud(t), t.Context()
	c := cloud.as("admin", "")
	newVolume(t, c, volumes.CreateOpts{Size: 4})
	daemons := must[[]services.Service](t)(services.ExtractServices(pages(t, services.List(c, services.ListOpts{Binary: "cinder-volume", Host: "nacre"}))))
	if len(daemons) != 1 || daemons[0].Host != "nacre@ram" || daemons[0].State != "up" {
		t.Errorf("%+v", daemons)
	}
	pools := must[[]schedulerstats.StoragePool](t)(schedulerstats.ExtractStoragePools(pages(t, schedulerstats.List(c, schedulerstats.ListOpts{Detail: true}))))
	if len(pools) != 1 || pools[0].Name != "nacre@ram#ram" || pools[0].Capabilities.AllocatedCapacityGB != 4 {
		t.Errorf("%+v", pools)
	}
	zones := must[[]availabilityzones.AvailabilityZone](t)(availabilityzones.ExtractAvailabilityZones(pages(t, availabilityzones.List(cloud.as("rex", "")))))
	if len(zones) != 1 || zones[0].ZoneName != "nova" || !zones[0].ZoneState.Available {
		t.Errorf("%+v", zones)
	}
	if _, err := services.List(cloud.as("ada", ""), services.ListOpts{}).AllPages(ctx); !gophercloud.ResponseCodeIs(err, 403) {
		t.Errorf("a user asks for services: %v", err)
	}
}
