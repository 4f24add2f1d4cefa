package networktest

import (
	"errors"
	"net/netip"
	"strconv"
	"sync"
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

func chosenIDs(t *testing.T, w world) {
	n, s := w.network(t, "10.0.0.0/24")
	g := got(w.CreateSecurityGroup(member(t), network.SecurityGroupSpec{}))(t)
	for _, id := range []string{"x", "../../etc", "0190AAAA-0000-7000-8000-00000000000A", "{0190aaaa-0000-7000-8000-00000000000a}", "0190aaaa000070008000-00000000000a"} {
		for what, create := range map[string]func() error{
			"network": func() error { _, err := w.CreateNetwork(member(t), network.Spec{ID: network.ID(id)}); return err },
			"subnet": func() error {
				spec := network.SubnetSpec{ID: network.SubnetID(id), NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.1.0.0/24")}
				_, err := w.CreateSubnet(member(t), spec)
				return err
			},
			"subnet pool": func() error {
				spec := network.SubnetPoolSpec{ID: network.SubnetPoolID(id), Prefixes: []netip.Prefix{s.CIDR}}
				_, err := w.CreateSubnetPool(member(t), spec)
				return err
			},
			"port": func() error {
				_, err := w.CreatePort(member(t), network.PortSpec{ID: network.PortID(id), NetworkID: n.ID})
				return err
			},
			"group": func() error {
				_, err := w.CreateSecurityGroup(member(t), network.SecurityGroupSpec{ID: network.SecurityGroupID(id)})
				return err
			},
			"rule": func() error {
				_, err := w.CreateRule(member(t), network.Rule{ID: network.RuleID(id), GroupID: g.ID})
				return err
			},
			"router": func() error {
				_, err := w.CreateRouter(member(t), network.RouterSpec{ID: network.RouterID(id)})
				return err
			},
			"floating IP": func() error {
				_, err := w.CreateFloatingIP(member(t), network.FloatingIPSpec{ID: network.FloatingID(id), NetworkID: n.ID})
				return err
			},
		} {
			is(t, what+" "+id, create(), fault.Invalid)
		}
	}
}

func deviceNames(t *testing.T, w world) {
	n, _ := w.network(t, "10.0.0.0/24")
	ids := []network.PortID{"0190aaaa-0000-7000-8000-10000000000a", "0190bbbb-1111-7111-8111-20000000000a"}
	results := make(chan error)
	for _, id := range ids {
		go func() {
			_, err := w.CreatePort(member(t), network.PortSpec{ID: id, NetworkID: n.ID})
			results <- err
		}()
	}
	if one, two := <-results, <-results; errors.Is(one, fault.Conflict) == errors.Is(two, fault.Conflict) || one != nil && two != nil {
		t.Errorf("%v, %v: want one of two", one, two)
	}
}

// choices tries on a shared network what is up to its owner.
func choices(t *testing.T, w world) {
	n, s := w.network(t, "10.0.0.0/24")
	yes, no, mac := true, false, "fa:16:3e:00:00:07"
	got(w.UpdateNetwork(admin(t), network.Patch{ID: n.ID, Shared: &yes}))(t)
	at := func(a string) *[]network.FixedIP { return &[]network.FixedIP{{SubnetID: s.ID, Address: addr(a)}} }
	pairs := []network.AddressPair{{Address: netip.MustParsePrefix("0.0.0.0/0")}}
	theirs := got(w.CreatePort(stranger(t), network.PortSpec{NetworkID: n.ID, Addresses: &[]network.FixedIP{{SubnetID: s.ID}}}))(t)
	mine := w.port(t, n.ID)
	for name, c := range map[string]struct {
		spec  network.PortSpec
		patch network.PortPatch
	}{
		"a MAC":              {network.PortSpec{MAC: mac}, network.PortPatch{MAC: &mac}},
		"no port security":   {network.PortSpec{PortSecurity: &no, Groups: &[]network.SecurityGroupID{}}, network.PortPatch{PortSecurity: &no, Groups: &[]network.SecurityGroupID{}}},
		"address pairs":      {network.PortSpec{Pairs: pairs}, network.PortPatch{Pairs: &pairs}},
		"an address":         {network.PortSpec{Addresses: at("10.0.0.77")}, network.PortPatch{Addresses: at("10.0.0.77")}},
		"another IP address": {network.PortSpec{Addresses: &[]network.FixedIP{{Address: addr("10.0.0.78")}}}, network.PortPatch{Addresses: &[]network.FixedIP{{Address: addr("10.0.0.78")}}}},
		"the gateway's":      {network.PortSpec{Addresses: at("10.0.0.1")}, network.PortPatch{Addresses: at("10.0.0.1")}},
	} {
		c.spec.NetworkID, c.patch.ID = n.ID, theirs.ID
		_, err := w.CreatePort(stranger(t), c.spec)
		is(t, "create with "+name, err, fault.Forbidden)
		_, err = w.CreatePort(identity.AsService(stranger(t), "compute"), c.spec)
		is(t, "create by a service that acts for a user, with "+name, err, fault.Forbidden)
		_, err = w.UpdatePort(stranger(t), c.patch)
		is(t, "change to "+name, err, fault.Forbidden)
		c.patch.ID = mine.ID
		must(t, w.DeletePort(member(t), got(w.CreatePort(member(t), c.spec))(t).ID))
		got(w.UpdatePort(member(t), c.patch))(t)
		got(w.UpdatePort(admin(t), network.PortPatch{ID: mine.ID, PortSecurity: &yes, Addresses: at("10.0.0.99"), MAC: &mine.MAC, Pairs: &[]network.AddressPair{}}))(t)
	}
	name := "theirs"
	got(w.UpdatePort(stranger(t), network.PortPatch{
		ID: theirs.ID, BasePatch: network.BasePatch{Name: &name}, MAC: &theirs.MAC, PortSecurity: &yes, Addresses: &theirs.Addresses, Pairs: &[]network.AddressPair{},
	}))(t)
	gatewayOf(t, w, n, s)
}

// gatewayOf tries to take the gateway's address by a router, and from one.
func gatewayOf(t *testing.T, w world, n network.Network, s network.Subnet) {
	r := got(w.CreateRouter(stranger(t), network.RouterSpec{}))(t)
	_, err := w.AddInterface(stranger(t), network.InterfaceSpec{Router: r.ID, Subnet: s.ID})
	is(t, "a router at the gateway of another's network", err, fault.Forbidden)
	p := got(w.CreatePort(stranger(t), network.PortSpec{NetworkID: n.ID}))(t)
	got(w.AddInterface(stranger(t), network.InterfaceSpec{Router: r.ID, Port: p.ID}))(t)
	own := got(w.CreateRouter(member(t), network.RouterSpec{}))(t)
	got(w.AddInterface(member(t), network.InterfaceSpec{Router: own.ID, Subnet: s.ID}))(t)
	for _, used := range []netip.Addr{s.Gateway.Addr, s.DHCPAddress.Addr} {
		_, err = w.CreatePort(member(t), network.PortSpec{NetworkID: n.ID, Addresses: &[]network.FixedIP{{Address: used}}})
		is(t, "an address that a router or DHCP has", err, network.ErrAddressInUse)
	}
}

// oneServer gives a port to several servers at once.
func oneServer(t *testing.T, w world) {
	n, _ := w.network(t, "10.0.0.0/24")
	p, host := w.port(t, n.ID), w.host(t)
	var winner string
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range 6 {
		server := "server" + strconv.Itoa(i)
		all.Go(func() {
			_, err := w.Bind(service(t), network.BindSpec{Port: p.ID, Host: host, ServerID: server, Hostname: server})
			if err != nil {
				is(t, "a port that another has", err, fault.Conflict)
				must(t, w.Unbind(service(t), network.UnbindSpec{Port: p.ID, ServerID: server}))
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if winner != "" {
				t.Errorf("both %s and %s have the port", winner, server)
			}
			winner = server
		})
	}
	all.Wait()
	if p := got(w.Port(member(t), p.ID))(t); winner == "" || p.DeviceID != winner || p.Hostname != winner || p.Host != host || p.Status != network.Active {
		t.Errorf("%s has the port: %+v", winner, p)
	}
	must(t, w.Unbind(service(t), network.UnbindSpec{Port: p.ID, ServerID: winner}))
	if p := got(w.Port(member(t), p.ID))(t); p.DeviceID != "" || p.DeviceOwner != "" || p.Host != "" || p.Status != network.Down {
		t.Errorf("%+v", p)
	}
}
