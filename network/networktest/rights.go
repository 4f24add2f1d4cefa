package networktest

import (
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

// foreignLegs tries to plug a network of one project into the router of another.
func foreignLegs(t *testing.T, w world) {
	_, s := w.network(t, "10.0.0.0/24")
	r := got(w.CreateRouter(member(t), network.RouterSpec{}))(t)
	leg := got(w.AddInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: s.ID}))(t)
	n, _ := w.networkOf(t, stranger(t), "10.1.0.0/24")
	device, nobody, inside := string(r.ID), "", network.OwnerInterface
	plain := got(w.CreatePort(stranger(t), network.PortSpec{NetworkID: n.ID, DeviceID: device}))(t)
	bound := got(w.CreatePort(identity.AsService(stranger(t), "compute"), network.PortSpec{NetworkID: n.ID, DeviceID: "server", Host: w.host(t)}))(t)
	for name, call := range map[string]func() error{
		"made as a router's": func() error {
			_, err := w.CreatePort(stranger(t), network.PortSpec{NetworkID: n.ID, DeviceID: device, DeviceOwner: inside})
			return err
		},
		"made as the network's own": func() error {
			_, err := w.CreatePort(stranger(t), network.PortSpec{NetworkID: n.ID, DeviceOwner: "network:dhcp"})
			return err
		},
		"changed to a router's": func() error {
			_, err := w.UpdatePort(stranger(t), network.PortPatch{ID: plain.ID, DeviceOwner: &inside})
			return err
		},
		"another server's while plugged in": func() error {
			_, err := w.UpdatePort(stranger(t), network.PortPatch{ID: bound.ID, DeviceID: &device})
			return err
		},
		"a router's no more": func() error {
			_, err := w.UpdatePort(member(t), network.PortPatch{ID: leg.ID, DeviceOwner: &nobody})
			return err
		},
		"another router's": func() error {
			_, err := w.UpdatePort(member(t), network.PortPatch{ID: leg.ID, DeviceID: &nobody})
			return err
		},
	} {
		is(t, name, call(), fault.Forbidden)
	}
	_, err := w.PortByAddress(service(t), network.Guest{Network: string(n.ID), Address: plain.Addresses[0].Address})
	is(t, "the device of a port that is plugged in nowhere", err, fault.NotFound)
	name := "mine"
	got(w.UpdatePort(member(t), network.PortPatch{ID: leg.ID, BasePatch: network.BasePatch{Name: &name}, DeviceID: &device, DeviceOwner: &inside}))(t)
	got(w.UpdatePort(stranger(t), network.PortPatch{ID: plain.ID, DeviceID: &nobody}))(t)

	trusted := identity.AsService(stranger(t), "compute")
	got(w.CreatePort(trusted, network.PortSpec{NetworkID: n.ID, DeviceID: device, DeviceOwner: inside}))(t)
	v := got(w.HostView(service(t), w.host(t)))(t)
	if len(v.Routers) != 1 || len(v.Routers[0].Interfaces) != 1 || v.Routers[0].Interfaces[0].Port != string(leg.ID) {
		t.Errorf("%+v", v.Routers)
	}
	got(w.UpdatePort(service(t), network.PortPatch{ID: leg.ID, DeviceID: &nobody, DeviceOwner: &nobody}))(t)
	is(t, "delete a router's port that says it is nobody's", w.DeletePort(member(t), leg.ID), network.ErrInUse)
	got(w.RemoveInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: s.ID}))(t)
	must(t, w.DeleteRouter(member(t), r.ID))
}
