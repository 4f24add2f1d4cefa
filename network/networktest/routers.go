package networktest

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

func defaultGroups(t *testing.T, w world) {
	list := got(w.SecurityGroups(member(t), network.Query{}))(t)
	if len(list.Items) != 1 || list.Items[0].Name != network.DefaultGroup || len(list.Items[0].Rules) != 4 {
		t.Fatalf("%+v", list.Items)
	}
	g := list.Items[0]
	again := got(w.SecurityGroups(member(t), network.Query{}))(t)
	if len(again.Items) != 1 || again.Items[0].ID != g.ID {
		t.Errorf("%+v", again.Items)
	}
	_, err := w.CreateSecurityGroup(member(t), network.SecurityGroupSpec{Base: network.Base{Name: "default"}})
	is(t, "another default group", err, fault.Conflict)
	name := "mine"
	_, err = w.UpdateSecurityGroup(member(t), network.SecurityGroupPatch{ID: g.ID, BasePatch: network.BasePatch{Name: &name}})
	is(t, "rename it", err, fault.Conflict)
	is(t, "delete it", w.DeleteSecurityGroup(member(t), g.ID), fault.Conflict)
}

func securityGroups(t *testing.T, w world) {
	g := got(w.CreateSecurityGroup(member(t), network.SecurityGroupSpec{Base: network.Base{Name: "web"}}))(t)
	if len(g.Rules) != 2 || g.Rules[0].Ingress || g.Rules[1].Ingress {
		t.Errorf("%+v", g.Rules)
	}
	name := "www"
	got(w.UpdateSecurityGroup(member(t), network.SecurityGroupPatch{ID: g.ID, BasePatch: network.BasePatch{Name: &name}}))(t)
	if again := got(w.SecurityGroup(member(t), g.ID))(t); again.Name != name || len(again.Rules) != 2 {
		t.Errorf("%+v", again)
	}
	must(t, w.DeleteSecurityGroup(member(t), g.ID))
	is(t, "delete again", w.DeleteSecurityGroup(member(t), g.ID), fault.NotFound)
	_, err := w.Rule(member(t), g.Rules[0].ID)
	is(t, "a group takes its rules along", err, fault.NotFound)
}

func securityRules(t *testing.T, w world) {
	g := got(w.CreateSecurityGroup(member(t), network.SecurityGroupSpec{Base: network.Base{Name: "web"}}))(t)
	n := func(i int) *int { return &i }
	rule := network.Rule{GroupID: g.ID, Ingress: true, Protocol: "tcp", Min: n(80), Max: n(81)}
	r := got(w.CreateRule(member(t), rule))(t)
	if shown := got(w.Rule(member(t), r.ID))(t); *shown.Min != 80 || *shown.Max != 81 || shown.Protocol != "tcp" || shown.ProjectID != "p1" {
		t.Errorf("%+v", shown)
	}
	_, err := w.CreateRule(member(t), rule)
	is(t, "the same", err, network.ErrRuleExists)
	rule.Protocol = "6"
	_, err = w.CreateRule(member(t), rule)
	is(t, "the same by number", err, network.ErrRuleExists)
	four, six := network.Prefix{Prefix: netip.MustParsePrefix("10.0.0.0/8")}, network.Prefix{Prefix: netip.MustParsePrefix("2001:db8::/32")}
	for name, c := range map[string]struct {
		rule network.Rule
		want error
	}{
		"an unknown protocol":    {network.Rule{Protocol: "carrier-pigeon"}, fault.Invalid},
		"a number too large":     {network.Rule{Protocol: "256"}, fault.Invalid},
		"ports backwards":        {network.Rule{Protocol: "tcp", Min: n(80), Max: n(79)}, fault.Invalid},
		"a port too large":       {network.Rule{Protocol: "tcp", Min: n(80), Max: n(65536)}, fault.Invalid},
		"a negative port":        {network.Rule{Protocol: "udp", Min: n(-1), Max: n(80)}, fault.Invalid},
		"ports of any protocol":  {network.Rule{Min: n(1), Max: n(2)}, fault.Invalid},
		"an ICMP code alone":     {network.Rule{Protocol: "icmp", Max: n(6)}, fault.Invalid},
		"an ICMP type too large": {network.Rule{Protocol: "icmp", Min: n(256)}, fault.Invalid},
		"the other IP version":   {network.Rule{Remote: six}, fault.Invalid},
		"range and group":        {network.Rule{Remote: four, RemoteGroup: g.ID}, fault.Invalid},
		"an unknown group":       {network.Rule{RemoteGroup: "none"}, fault.NotFound},
	} {
		c.rule.GroupID = g.ID
		_, err := w.CreateRule(member(t), c.rule)
		is(t, name, err, c.want)
	}
	for _, ok := range []network.Rule{
		{Ingress: true, Protocol: "icmp", Min: n(8), Max: n(0)},
		{Ingress: true, Protocol: "icmp", Min: n(11)},
		{Ingress: true, IPv6: true, Protocol: "ipv6-icmp"},
		{Ingress: true, Remote: four},
		{Ingress: true, RemoteGroup: g.ID, Protocol: "17"},
	} {
		ok.GroupID = g.ID
		got(w.CreateRule(member(t), ok))(t)
	}
	where := map[string][]string{"security_group_id": {string(g.ID)}, "direction": {"ingress"}, "ethertype": {"IPv4"}}
	if list := got(w.Rules(member(t), network.Query{Where: where}))(t); len(list.Items) != 5 {
		t.Errorf("%d rules", len(list.Items))
	}
	must(t, w.DeleteRule(member(t), r.ID))
	is(t, "delete again", w.DeleteRule(member(t), r.ID), fault.NotFound)
}

func routers(t *testing.T, w world) {
	n, s := w.network(t, "10.0.0.0/24")
	r := got(w.CreateRouter(member(t), network.RouterSpec{Base: network.Base{Name: "r"}}))(t)
	leg := got(w.AddInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: s.ID}))(t)
	if leg.DeviceID != string(r.ID) || leg.DeviceOwner != network.OwnerInterface || leg.Addresses[0].Address != s.Gateway.Addr {
		t.Errorf("%+v", leg)
	}
	_, err := w.AddInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: s.ID})
	is(t, "the same subnet", err, fault.Invalid)
	_, twin := w.network(t, "10.0.0.0/25")
	_, err = w.AddInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: twin.ID})
	is(t, "a subnet that overlaps", err, fault.Invalid)
	is(t, "delete a router with interfaces", w.DeleteRouter(member(t), r.ID), network.ErrInUse)
	is(t, "delete a router's port", w.DeletePort(member(t), leg.ID), network.ErrInUse)
	is(t, "delete a router's network", w.DeleteNetwork(member(t), n.ID), network.ErrInUse)
	other, _ := w.network(t, "10.1.0.0/24")
	p := w.port(t, other.ID)
	two := got(w.AddInterface(member(t), network.InterfaceSpec{Router: r.ID, Port: p.ID}))(t)
	_, err = w.AddInterface(member(t), network.InterfaceSpec{Router: r.ID, Port: p.ID})
	is(t, "a port that is used", err, fault.Conflict)

	route := network.Route{Destination: netip.MustParsePrefix("192.168.0.0/16"), NextHop: addr("10.0.0.9")}
	u := got(w.UpdateRouter(member(t), network.RouterPatch{ID: r.ID, Routes: &[]network.Route{route}}))(t)
	if !slices.Equal(u.Routes, []network.Route{route}) {
		t.Errorf("%+v", u.Routes)
	}
	_, err = w.UpdateRouter(member(t), network.RouterPatch{ID: r.ID, Routes: &[]network.Route{{Destination: route.Destination, NextHop: addr("172.16.0.1")}}})
	is(t, "a next hop that is far", err, fault.Invalid)
	_, err = w.RemoveInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: s.ID})
	is(t, "an interface that a route needs", err, network.ErrInUse)
	if u := got(w.ChangeRoutes(member(t), network.RoutesSpec{Router: r.ID, Remove: []network.Route{route}}))(t); len(u.Routes) != 0 {
		t.Errorf("%+v", u.Routes)
	}
	got(w.RemoveInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: s.ID}))(t)
	got(w.RemoveInterface(member(t), network.InterfaceSpec{Router: r.ID, Port: two.ID}))(t)
	_, err = w.RemoveInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: s.ID})
	is(t, "an interface that is gone", err, fault.NotFound)
	must(t, w.DeleteRouter(member(t), r.ID))
	must(t, w.DeleteNetwork(member(t), n.ID))
}

func gateways(t *testing.T, w world) {
	ext := w.external(t)
	inner, _ := w.network(t, "10.0.0.0/24")
	r := got(w.CreateRouter(member(t), network.RouterSpec{Gateway: network.Gateway{NetworkID: ext.ID}}))(t)
	if !r.SNAT || r.GatewayNetworkID != ext.ID || len(r.GatewayAddresses) != 1 {
		t.Errorf("%+v", r)
	}
	_, err := w.UpdateRouter(member(t), network.RouterPatch{ID: r.ID, Gateway: &network.Gateway{NetworkID: inner.ID}})
	is(t, "an internal network", err, fault.Invalid)
	_, err = w.UpdateRouter(member(t), network.RouterPatch{ID: r.ID, Gateway: &network.Gateway{NetworkID: "none"}})
	is(t, "an unknown network", err, fault.NotFound)
	_, err = w.UpdateRouter(member(t), network.RouterPatch{ID: r.ID, Gateway: &network.Gateway{NetworkID: ext.ID, SNAT: new(bool)}})
	is(t, "a member's choice of SNAT", err, fault.Forbidden)
	u := got(w.UpdateRouter(admin(t), network.RouterPatch{ID: r.ID, Gateway: &network.Gateway{NetworkID: ext.ID, SNAT: new(bool)}}))(t)
	if u.SNAT || !slices.Equal(u.GatewayAddresses, r.GatewayAddresses) {
		t.Errorf("%+v", u)
	}
	where := map[string][]string{"device_id": {string(r.ID)}}
	if p := got(w.Ports(admin(t), network.Query{Where: where}))(t); len(p.Items) != 1 || p.Items[0].DeviceOwner != network.OwnerGateway {
		t.Errorf("%+v", p.Items)
	}
	is(t, "delete an external network in use", w.DeleteNetwork(admin(t), ext.ID), network.ErrInUse)
	got(w.UpdateRouter(member(t), network.RouterPatch{ID: r.ID, Gateway: &network.Gateway{}}))(t)
	if p := got(w.Ports(admin(t), network.Query{Where: where}))(t); len(p.Items) != 0 {
		t.Errorf("%+v", p.Items)
	}
	must(t, w.DeleteRouter(member(t), r.ID))
	must(t, w.DeleteNetwork(admin(t), ext.ID))
}

func floating(t *testing.T, w world) {
	ext := w.external(t)
	n, s := w.network(t, "10.0.0.0/24")
	p, q := w.port(t, n.ID), w.port(t, n.ID)
	_, err := w.CreateFloatingIP(member(t), network.FloatingIPSpec{NetworkID: n.ID})
	is(t, "an internal network", err, fault.Invalid)
	_, err = w.CreateFloatingIP(member(t), network.FloatingIPSpec{NetworkID: ext.ID, PortID: p.ID})
	is(t, "no router", err, network.ErrUnreachable)
	r := got(w.CreateRouter(member(t), network.RouterSpec{Gateway: network.Gateway{NetworkID: ext.ID}}))(t)
	got(w.AddInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: s.ID}))(t)
	f := got(w.CreateFloatingIP(member(t), network.FloatingIPSpec{NetworkID: ext.ID, PortID: p.ID}))(t)
	if !f.Address.Is4() || f.FixedAddress.Addr != p.Addresses[0].Address || f.RouterID != r.ID || f.Status() != network.Active {
		t.Errorf("%+v", f)
	}
	idle := got(w.CreateFloatingIP(member(t), network.FloatingIPSpec{NetworkID: ext.ID}))(t)
	if idle.Status() != network.Down || idle.Address == f.Address {
		t.Errorf("%+v", idle)
	}
	_, err = w.UpdateFloatingIP(member(t), network.FloatingIPPatch{ID: idle.ID, PortID: &p.ID})
	is(t, "a port that has one", err, fault.Conflict)
	_, err = w.UpdateFloatingIP(member(t), network.FloatingIPPatch{ID: idle.ID, PortID: &q.ID, FixedAddress: addr("10.0.0.250")})
	is(t, "an address that the port has not", err, fault.Invalid)
	_, err = w.CreatePort(admin(t), network.PortSpec{NetworkID: ext.ID, Addresses: &[]network.FixedIP{{Address: f.Address}}})
	is(t, "a port with a floating IP's address", err, network.ErrAddressInUse)
	_, err = w.FloatingIP(stranger(t), f.ID)
	is(t, "another project's", err, fault.NotFound)
	v := got(w.HostView(service(t), w.host(t)))(t)
	must(t, v.Check())
	if len(v.Routers) != 1 || len(v.Routers[0].Floating) != 1 || v.Routers[0].Gateway == nil || len(v.Routers[0].Interfaces) != 1 || len(v.Networks) != 2 {
		t.Errorf("%+v", v)
	}
	_, err = w.RemoveInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: s.ID})
	is(t, "an interface that a floating IP needs", err, network.ErrInUse)
	_, err = w.UpdateRouter(member(t), network.RouterPatch{ID: r.ID, Gateway: &network.Gateway{}})
	is(t, "a gateway that a floating IP needs", err, network.ErrInUse)
	moved := got(w.UpdateFloatingIP(member(t), network.FloatingIPPatch{ID: f.ID, PortID: &q.ID}))(t)
	if moved.FixedAddress.Addr != q.Addresses[0].Address {
		t.Errorf("%+v", moved)
	}
	must(t, w.DeletePort(member(t), q.ID))
	if f := got(w.FloatingIP(member(t), f.ID))(t); f.PortID != "" || f.FixedAddress.IsValid() || f.RouterID != "" {
		t.Errorf("%+v", f)
	}
	must(t, w.DeleteFloatingIP(member(t), f.ID))
	is(t, "delete again", w.DeleteFloatingIP(member(t), f.ID), fault.NotFound)
	got(w.RemoveInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: s.ID}))(t)
	must(t, w.DeleteRouter(member(t), r.ID))
	must(t, w.DeleteNetwork(admin(t), ext.ID)) // idle floating IPs go along
	_, err = w.FloatingIP(member(t), idle.ID)
	is(t, "a floating IP of a network that is gone", err, fault.NotFound)
}
