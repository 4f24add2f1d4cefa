package computetest

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/volume"
)

func (w world) volume(t *testing.T, bootable bool) volume.Volume {
	t.Helper()
	v, err := w.Volumes.CreateVolume(member(t), volume.CreateSpec{SizeGiB: 1})
	must(t, err)
	flowtest.Eventually(t, "volume", func() bool {
		v, err = w.Volumes.Volume(member(t), v.ID)
		must(t, err)
		return v.Status == volume.Available
	})
	if bootable {
		_, err = w.Volumes.UpdateVolume(member(t), volume.Patch{ID: v.ID, Bootable: &bootable})
		must(t, err)
	}
	return v
}

func (w world) volumeState(t *testing.T, id volume.ID) string {
	t.Helper()
	v, err := w.Volumes.Volume(member(t), id)
	if errors.Is(err, fault.NotFound) {
		return "gone"
	}
	must(t, err)
	return v.State()
}

func disks(t *testing.T, w world) {
	s, v := w.make(t, w.spec("disks")), w.volume(t, false)
	d, err := w.AttachVolume(member(t), compute.AttachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)})
	must(t, err)
	if d.Device != "/dev/vdb" {
		t.Errorf("device %s", d.Device)
	}
	s = w.wait(t, s.ID, compute.Active)
	if len(s.Disks) != 1 || w.volumeState(t, v.ID) != "in-use" {
		t.Errorf("%+v, volume %s", s.Disks, w.volumeState(t, v.ID))
	}
	_, err = w.AttachVolume(member(t), compute.AttachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)})
	is(t, "twice", err, volume.ErrState)
	must(t, w.DetachVolume(member(t), compute.DetachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)}))
	s = w.wait(t, s.ID, compute.Active)
	if len(s.Disks) != 0 || w.volumeState(t, v.ID) != "available" {
		t.Errorf("%+v, volume %s", s.Disks, w.volumeState(t, v.ID))
	}
	is(t, "detach again", w.DetachVolume(member(t), compute.DetachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)}), fault.NotFound)
	_, err = w.AttachVolume(member(t), compute.AttachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)})
	must(t, err)
	w.wait(t, s.ID, compute.Active)
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
	if state := w.volumeState(t, v.ID); state != "available" {
		t.Errorf("volume of a deleted server is %s", state)
	}
}

func nics(t *testing.T, w world) {
	s := w.make(t, w.spec("nics"))
	n, err := w.AttachNIC(member(t), compute.AttachNICSpec{ServerID: s.ID, NetworkSpec: compute.NetworkSpec{NetworkID: w.Network}})
	must(t, err)
	if len(n.Addresses) == 0 || n.MAC == "" {
		t.Errorf("%+v", n)
	}
	if s = w.wait(t, s.ID, compute.Active); len(s.NICs) != 2 {
		t.Errorf("%d interfaces", len(s.NICs))
	}
	must(t, w.DetachNIC(member(t), compute.DetachNICSpec{ServerID: s.ID, PortID: n.PortID}))
	if s = w.wait(t, s.ID, compute.Active); len(s.NICs) != 1 {
		t.Errorf("%d interfaces", len(s.NICs))
	}
	is(t, "detach again", w.DetachNIC(member(t), compute.DetachNICSpec{ServerID: s.ID, PortID: n.PortID}), fault.NotFound)
}

func givenPort(t *testing.T, w world) {
	p, err := w.Networks.CreatePort(member(t), network.PortSpec{NetworkID: network.ID(w.Network)})
	must(t, err)
	s := w.make(t, w.spec("first"))
	unused := func(when string) {
		t.Helper()
		again, err := w.Networks.Port(member(t), p.ID)
		must(t, err)
		if again.DeviceID != "" || again.Host != "" {
			t.Errorf("%s the port belongs to %q on host %q", when, again.DeviceID, again.Host)
		}
	}
	_, err = w.AttachNIC(member(t), compute.AttachNICSpec{ServerID: s.ID, NetworkSpec: compute.NetworkSpec{PortID: string(p.ID)}})
	must(t, err)
	must(t, w.DetachNIC(member(t), compute.DetachNICSpec{ServerID: s.ID, PortID: string(p.ID)}))
	w.wait(t, s.ID, compute.Active)
	unused("after it was detached")
	spec := w.spec("second")
	spec.Networks = []compute.NetworkSpec{{PortID: string(p.ID)}}
	s = w.make(t, spec)
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
	unused("after its server was deleted")
}

func bootFromVolume(t *testing.T, w world) {
	v := w.volume(t, true)
	spec := w.spec("from a volume")
	spec.ImageID = ""
	spec.BlockDevices = []compute.BlockDevice{{Boot: true, VolumeID: string(v.ID)}}
	s := w.make(t, spec)
	if len(s.Disks) != 1 || !s.Disks[0].Boot || s.Disks[0].Device != "/dev/vda" {
		t.Errorf("%+v", s.Disks)
	}
	is(t, "detach the root", w.DetachVolume(member(t), compute.DetachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)}), fault.Forbidden)
	made := w.spec("with new volumes")
	made.ImageID = ""
	made.BlockDevices = []compute.BlockDevice{
		{SizeGiB: 1, DeleteOnTermination: true},
		{Boot: true, ImageID: w.Image, SizeGiB: 1, DeleteOnTermination: true},
	}
	s = w.make(t, made)
	if len(s.Disks) != 2 || !s.Disks[0].Boot || s.Disks[0].Device != "/dev/vda" || s.Disks[1].Device != "/dev/vdb" {
		t.Fatalf("%+v", s.Disks)
	}
	root := volume.ID(s.Disks[0].VolumeID)
	if state := w.volumeState(t, root); state != "in-use" {
		t.Errorf("root volume is %s", state)
	}
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
	flowtest.Eventually(t, "the root volume is gone", func() bool { return w.volumeState(t, root) == "gone" })
}

// snapshotHolds keeps a volume that would go with its server, but cannot.
func snapshotHolds(t *testing.T, w world) {
	spec := w.spec("snapshot taken")
	spec.BlockDevices = []compute.BlockDevice{{SizeGiB: 1, DeleteOnTermination: true}, {SizeGiB: 1, DeleteOnTermination: true}}
	s := w.make(t, spec)
	held, free := volume.ID(s.Disks[0].VolumeID), volume.ID(s.Disks[1].VolumeID)
	_, err := w.Volumes.CreateSnapshot(member(t), volume.SnapshotSpec{VolumeID: held, Force: true})
	must(t, err)
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
	flowtest.Eventually(t, "the other volume is gone", func() bool { return w.volumeState(t, free) == "gone" })
	if state := w.volumeState(t, held); state != "available" {
		t.Errorf("the volume with a snapshot is %s", state)
	}
}

func guestKnows(t *testing.T, w world) {
	k, err := w.CreateKeypair(member(t), compute.KeypairSpec{Name: "key"})
	must(t, err)
	spec := w.spec("knows")
	spec.KeyName, spec.UserData = "key", base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho hello"))
	s := w.make(t, spec)
	g, err := w.GuestData(service(t), compute.GuestAddress{NetworkID: w.Network, IP: s.NICs[0].Addresses[0].IP})
	must(t, err)
	if g.ServerID != s.ID || g.PublicKey != k.PublicKey || string(g.Files["openstack/latest/user_data"]) != "#!/bin/sh\necho hello" {
		t.Errorf("%+v", g)
	}
	_, err = w.CreateKeypair(member(t), compute.KeypairSpec{Name: "windows", Type: compute.KeyX509})
	must(t, err)
	spec = w.spec("trusts")
	spec.KeyName = "windows"
	s = w.make(t, spec)
	g, err = w.GuestData(service(t), compute.GuestAddress{NetworkID: w.Network, IP: s.NICs[0].Addresses[0].IP})
	must(t, err)
	if text := string(g.Files["openstack/latest/meta_data.json"]); !strings.Contains(text, `"type":"x509"`) {
		t.Errorf("metadata does not say what key it is: %s", text)
	}
	_, err = w.GuestData(service(t), compute.GuestAddress{NetworkID: w.Network, IP: "10.99.99.99"})
	is(t, "nobody's address", err, fault.NotFound)
	other := identitytest.In(t, "p2", identity.RoleMember)
	n, err := w.Networks.CreateNetwork(other, network.Spec{Base: network.Base{Name: "theirs"}})
	must(t, err)
	_, err = w.Networks.CreateSubnet(other, network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.9.0.0/24")})
	must(t, err)
	p, err := w.Networks.CreatePort(other, network.PortSpec{NetworkID: n.ID, DeviceID: string(s.ID)})
	must(t, err)
	_, err = w.GuestData(service(t), compute.GuestAddress{NetworkID: string(n.ID), IP: p.Addresses[0].Address.String()})
	is(t, "another project's port that claims to be the server's", err, fault.NotFound)
}
