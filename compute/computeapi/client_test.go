package computeapi_test

import (
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/attachinterfaces"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/availabilityzones"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/extensions"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/hypervisors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/instanceactions"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/keypairs"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/limits"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/services"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/tags"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"

	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/volume"
)

func TestServersWithGophercloud(t *testing.T) {
	c := newCloud(t)
	ctx, client := t.Context(), c.client(project, "2.90")
	s, err := servers.Create(ctx, client, servers.CreateOpts{
		Name: "web", FlavorRef: "1", ImageRef: c.image, Metadata: map[string]string{"a": "b"}, Tags: []string{"t2", "t1"},
		UserData: []byte("#cloud-config"), Networks: []servers.Network{{UUID: c.network, FixedIP: "10.0.7.7"}}, SecurityGroups: []string{"default"},
	}, nil).Extract()
	must(t, err)
	if s.AdminPass == "" {
		t.Error("no password")
	}
	c.wait(s.ID, "ACTIVE")
	s, err = servers.Get(ctx, client, s.ID).Extract()
	must(t, err)
	address := dig(s.Addresses["net"], 0, "addr")
	if s.Name != "web" || s.VmState != "active" || s.PowerState != 1 || address != "10.0.7.7" || s.Flavor["original_name"] != "tiny" ||
		len(*s.Tags) != 2 || s.Metadata["a"] != "b" || s.Hostname == nil || *s.Hostname != "web" {
		t.Errorf("%+v", s)
	}
	all, err := servers.List(client, servers.ListOpts{Name: "^we"}).AllPages(ctx)
	must(t, err)
	if list, err := servers.ExtractServers(all); err != nil || len(list) != 1 {
		t.Error(len(list), err)
	}
	name := "renamed"
	s, err = servers.Update(ctx, client, s.ID, servers.UpdateOpts{Name: name}).Extract()
	must(t, err)
	if s.Name != name {
		t.Errorf("%+v", s)
	}
	must(t, servers.Stop(ctx, client, s.ID).ExtractErr())
	c.wait(s.ID, "SHUTOFF")
	must(t, servers.Start(ctx, client, s.ID).ExtractErr())
	c.wait(s.ID, "ACTIVE")
	must(t, servers.Reboot(ctx, client, s.ID, servers.RebootOpts{Type: servers.HardReboot}).ExtractErr())
	c.wait(s.ID, "ACTIVE")
	must(t, servers.Pause(ctx, client, s.ID).ExtractErr())
	c.wait(s.ID, "PAUSED")
	must(t, servers.Unpause(ctx, client, s.ID).ExtractErr())
	c.wait(s.ID, "ACTIVE")
	log, err := servers.ShowConsoleOutput(ctx, client, s.ID, servers.ShowConsoleOutputOpts{Length: 2}).Extract()
	must(t, err)
	if strings.Count(log, "\n") != 1 {
		t.Errorf("the console's last two lines are %q", log)
	}
	must(t, tags.Add(ctx, client, s.ID, "t3").ExtractErr())
	if list, err := tags.List(ctx, client, s.ID).Extract(); err != nil || len(list) != 3 {
		t.Error(list, err)
	}
	items, err := servers.UpdateMetadata(ctx, client, s.ID, servers.MetadataOpts{"c": "d"}).Extract()
	must(t, err)
	if len(items) != 2 {
		t.Error(items)
	}
	done, err := instanceactions.List(client, s.ID, nil).AllPages(ctx)
	must(t, err)
	if list, err := instanceactions.ExtractInstanceActions(done); err != nil || len(list) < 6 || list[len(list)-1].Action != "create" {
		t.Error(list, err)
	}
	must(t, servers.Delete(ctx, client, s.ID).ExtractErr())
	flowtest.Eventually(t, "the server is gone", func() bool { return c.do(project, "2.1", "GET servers/"+s.ID, "").status == 404 })
}

func TestDevicesWithGophercloud(t *testing.T) {
	c := newCloud(t)
	ctx, client := t.Context(), c.client(project, "2.79")
	id := c.boot("web")
	nic, err := attachinterfaces.Create(ctx, client, id, attachinterfaces.CreateOpts{NetworkID: c.network}).Extract()
	must(t, err)
	if nic.NetID != c.network || len(nic.FixedIPs) != 1 {
		t.Errorf("%+v", nic)
	}
	c.wait(id, "ACTIVE")
	must(t, attachinterfaces.Delete(ctx, client, id, nic.PortID).ExtractErr())
	c.wait(id, "ACTIVE")
	p, err := attachinterfaces.List(client, id).AllPages(ctx)
	must(t, err)
	if list, err := attachinterfaces.ExtractInterfaces(p); err != nil || len(list) != 1 {
		t.Error(list, err)
	}
	v, err := c.volumes.CreateVolume(as(ctx, project), volume.CreateSpec{SizeGiB: 1})
	must(t, err)
	flowtest.Eventually(t, "the volume is there", func() bool {
		v, err = c.volumes.Volume(as(ctx, project), v.ID)
		must(t, err)
		return v.Status == volume.Available
	})
	a, err := volumeattach.Create(ctx, client, id, volumeattach.CreateOpts{VolumeID: string(v.ID), DeleteOnTermination: true}).Extract()
	must(t, err)
	if a.Device != "/dev/vdb" || a.VolumeID != string(v.ID) {
		t.Errorf("%+v", a)
	}
	c.wait(id, "ACTIVE")
	if a, err = volumeattach.Get(ctx, client, id, string(v.ID)).Extract(); err != nil || a.DeleteOnTermination == nil || !*a.DeleteOnTermination {
		t.Errorf("%+v %v", a, err)
	}
	c.want(400, project, "2.1", "POST servers/"+id+"/os-volume_attachments", `{"volumeAttachment":{"volumeId":"`+string(v.ID)+`"}}`)
	must(t, volumeattach.Delete(ctx, client, id, string(v.ID)).ExtractErr())
	c.wait(id, "ACTIVE")
	c.want(404, project, "2.1", "GET servers/"+id+"/os-volume_attachments/"+string(v.ID), "")
}

func TestFlavorsAndKeysWithGophercloud(t *testing.T) {
	c := newCloud(t)
	ctx, admin, client := t.Context(), c.client("admin", "2.61"), c.client(project, "2.61")
	private, disk := false, 5
	f, err := flavors.Create(ctx, admin, flavors.CreateOpts{Name: "big", RAM: 512, VCPUs: 2, Disk: &disk, IsPublic: &private, Description: "d"}).Extract()
	must(t, err)
	if f.ID == "" || f.Description != "d" || f.IsPublic {
		t.Errorf("%+v", f)
	}
	specs, err := flavors.CreateExtraSpecs(ctx, admin, f.ID, flavors.ExtraSpecsOpts{"hw:cpu_policy": "shared"}).Extract()
	must(t, err)
	if specs["hw:cpu_policy"] != "shared" {
		t.Error(specs)
	}
	if _, err := flavors.Get(ctx, client, f.ID).Extract(); err == nil {
		t.Error("a private flavor is seen")
	}
	_, err = flavors.AddAccess(ctx, admin, f.ID, flavors.AddAccessOpts{Tenant: project}).Extract()
	must(t, err)
	f, err = flavors.Get(ctx, client, f.ID).Extract()
	must(t, err)
	if f.ExtraSpecs["hw:cpu_policy"] != "shared" {
		t.Errorf("%+v", f)
	}
	must(t, flavors.Delete(ctx, admin, f.ID).ExtractErr())
	k, err := keypairs.Create(ctx, client, keypairs.CreateOpts{Name: "key"}).Extract()
	must(t, err)
	if k.PrivateKey == "" || k.PublicKey == "" {
		t.Errorf("%+v", k)
	}
	p, err := keypairs.List(client, nil).AllPages(ctx)
	must(t, err)
	if list, err := keypairs.ExtractKeyPairs(p); err != nil || len(list) != 1 || list[0].Name != "key" {
		t.Error(list, err)
	}
	must(t, keypairs.Delete(ctx, client, "key", nil).ExtractErr())
}

func TestOperatorsWithGophercloud(t *testing.T) {
	c := newCloud(t)
	c.boot("web")
	ctx, admin, client := t.Context(), c.client("admin", "2.53"), c.client(project, "2.53")
	p, err := hypervisors.List(admin, nil).AllPages(ctx)
	must(t, err)
	hosts, err := hypervisors.ExtractHypervisors(p)
	if err != nil || len(hosts) != 1 || hosts[0].RunningVMs != 1 || hosts[0].State != "up" {
		t.Errorf("%+v %v", hosts, err)
	}
	if _, err := hypervisors.List(client, nil).AllPages(ctx); err == nil {
		t.Error("a member sees hosts")
	}
	p, err = services.List(admin, nil).AllPages(ctx)
	must(t, err)
	list, err := services.ExtractServices(p)
	if err != nil || len(list) != 1 || list[0].Binary != "nova-compute" {
		t.Errorf("%+v %v", list, err)
	}
	changed, err := services.Update(ctx, admin, list[0].ID, services.UpdateOpts{Status: services.ServiceDisabled, DisabledReason: "repair"}).Extract()
	if err != nil || changed.Status != "disabled" || changed.DisabledReason != "repair" {
		t.Errorf("%+v %v", changed, err)
	}
	zones, err := availabilityzones.List(client).AllPages(ctx)
	must(t, err)
	if list, err := availabilityzones.ExtractAvailabilityZones(zones); err != nil || len(list) != 1 || list[0].ZoneName != "nova" {
		t.Error(list, err)
	}
	l, err := limits.Get(ctx, client, nil).Extract()
	if err != nil || l.Absolute.TotalInstancesUsed != 1 {
		t.Errorf("%+v %v", l, err)
	}
	cores := 7
	q, err := quotasets.Update(ctx, admin, project, quotasets.UpdateOpts{Cores: &cores}).Extract()
	if err != nil || q.Cores != cores {
		t.Errorf("%+v %v", q, err)
	}
	d, err := quotasets.GetDetail(ctx, client, project).Extract()
	if err != nil || d.Cores.Limit != cores || d.Cores.InUse != 1 {
		t.Errorf("%+v %v", d, err)
	}
	must(t, quotasets.Delete(ctx, admin, project).Err)
	if _, err := extensions.List(client).AllPages(ctx); err != nil {
		t.Error(err)
	}
}
