package networktest

import (
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/network"
)

func subnets(t *testing.T, w world) {
	n, s := w.network(t, "10.0.0.0/24")
	if s.Gateway.Addr != addr("10.0.0.1") || len(s.Pools) != 1 || s.Pools[0] != (network.Pool{First: addr("10.0.0.2"), Last: addr("10.0.0.254")}) || !s.DHCP || !s.DHCPAddress.IsValid() {
		t.Errorf("%+v", s)
	}
	for name, cidr := range map[string]string{"the same": "10.0.0.0/24", "a part": "10.0.0.128/25", "a whole": "10.0.0.0/16"} {
		_, err := w.CreateSubnet(member(t), network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix(cidr)})
		is(t, name, err, fault.Invalid)
	}
	none := netip.Addr{}
	u := got(w.UpdateSubnet(member(t), network.SubnetPatch{
		ID: s.ID, Gateway: &none, DHCP: new(bool), DNS: &[]netip.Addr{addr("9.9.9.9")},
		Routes: &[]network.Route{{Destination: netip.MustParsePrefix("10.9.0.0/16"), NextHop: addr("10.0.0.9")}},
	}))(t)
	again := got(w.Subnet(member(t), s.ID))(t)
	if u.Gateway.IsValid() || again.Gateway.IsValid() || again.DHCP || again.DHCPAddress.IsValid() || len(again.DNS) != 1 || len(again.Routes) != 1 {
		t.Errorf("%+v", again)
	}
	if n := got(w.Network(member(t), n.ID))(t); !slices.Equal(n.Subnets, []network.SubnetID{s.ID}) {
		t.Errorf("%+v", n)
	}
	must(t, w.DeleteSubnet(member(t), s.ID))
	is(t, "delete again", w.DeleteSubnet(member(t), s.ID), fault.NotFound)
}

func pools(t *testing.T, w world) {
	n := got(w.CreateNetwork(member(t), network.Spec{}))(t)
	pool := func(a, b string) network.Pool { return network.Pool{First: addr(a), Last: addr(b)} }
	for name, c := range map[string]struct {
		pools   []network.Pool
		gateway string
		want    error
	}{
		"backwards":               {[]network.Pool{pool("10.0.0.9", "10.0.0.8")}, "10.0.0.1", fault.Invalid},
		"outside":                 {[]network.Pool{pool("10.0.1.1", "10.0.1.2")}, "10.0.0.1", fault.Invalid},
		"broadcast":               {[]network.Pool{pool("10.0.0.9", "10.0.0.255")}, "10.0.0.1", fault.Invalid},
		"overlapping":             {[]network.Pool{pool("10.0.0.5", "10.0.0.9"), pool("10.0.0.9", "10.0.0.12")}, "10.0.0.1", fault.Conflict},
		"the gateway is in it":    {[]network.Pool{pool("10.0.0.2", "10.0.0.9")}, "10.0.0.5", network.ErrGatewayInPool},
		"the gateway is outside":  {nil, "10.0.9.1", fault.Invalid},
		"the gateway is of IPv6":  {nil, "2001:db8::1", fault.Invalid},
		"a route of two versions": {nil, "", fault.Invalid},
	} {
		s := network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.0.0.0/24"), Pools: c.pools}
		if c.gateway != "" {
			g := addr(c.gateway)
			s.Gateway = &g
		} else {
			s.Routes = []network.Route{{Destination: netip.MustParsePrefix("::/0"), NextHop: addr("10.0.0.1")}}
		}
		_, err := w.CreateSubnet(member(t), s)
		is(t, name, err, c.want)
	}
	middle := addr("10.0.0.3")
	s := got(w.CreateSubnet(member(t), network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.0.0.0/29"), Gateway: &middle, NoDHCP: true}))(t)
	if len(s.Pools) != 2 {
		t.Errorf("%+v", s.Pools)
	}
	for range 5 {
		if p := w.port(t, n.ID); p.Addresses[0].Address == middle {
			t.Error("a port has the gateway's address")
		}
	}
	_, err := w.CreatePort(member(t), network.PortSpec{NetworkID: n.ID})
	is(t, "a sixth", err, network.ErrNoAddress)
}

func ipv6(t *testing.T, w world) {
	n := got(w.CreateNetwork(member(t), network.Spec{}))(t)
	six := network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("2001:db8::/64"), AddressMode: network.SLAAC, RAMode: network.Stateful}
	_, err := w.CreateSubnet(member(t), six)
	is(t, "modes that contradict", err, fault.Invalid)
	six.RAMode = network.SLAAC
	s := got(w.CreateSubnet(member(t), six))(t)
	got(w.CreateSubnet(member(t), network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("2001:db8:1::/64"), AddressMode: network.Stateful}))(t)
	got(w.CreateSubnet(member(t), network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.0.0.0/24")}))(t)
	p := got(w.CreatePort(member(t), network.PortSpec{NetworkID: n.ID, MAC: "fa:16:3e:12:34:56"}))(t)
	if len(p.Addresses) != 3 || !slices.Contains(p.Addresses, network.FixedIP{SubnetID: s.ID, Address: addr("2001:db8::f816:3eff:fe12:3456")}) || !p.Addresses[0].Address.Is4() {
		t.Errorf("%+v", p.Addresses)
	}
	must(t, w.DeleteSubnet(member(t), s.ID))
	if p := got(w.Port(member(t), p.ID))(t); len(p.Addresses) != 2 {
		t.Errorf("%+v", p.Addresses)
	}
}

func ports(t *testing.T, w world) {
	n, s := w.network(t, "10.0.0.0/24")
	p := got(w.CreatePort(member(t), network.PortSpec{
		NetworkID: n.ID, Base: network.Base{Name: "eth0"}, MAC: "FA:16:3E:00:00:01", DeviceID: "server",
		Addresses: &[]network.FixedIP{{Address: addr("10.0.0.77")}},
		Pairs:     []network.AddressPair{{Address: netip.MustParsePrefix("10.0.0.99/32")}},
	}))(t)
	if p.MAC != "fa:16:3e:00:00:01" || p.Status != network.Down || !p.AdminUp || !p.PortSecurity || len(p.Groups) != 1 || len(p.Pairs) != 1 ||
		!slices.Equal(p.Addresses, []network.FixedIP{{SubnetID: s.ID, Address: addr("10.0.0.77")}}) {
		t.Errorf("%+v", p)
	}
	taken := func(a string) *[]network.FixedIP { return &[]network.FixedIP{{SubnetID: s.ID, Address: addr(a)}} }
	for name, c := range map[string]struct {
		spec network.PortSpec
		want error
	}{
		"the same MAC":        {network.PortSpec{MAC: p.MAC}, network.ErrMACInUse},
		"the same address":    {network.PortSpec{Addresses: taken("10.0.0.77")}, network.ErrAddressInUse},
		"outside the subnet":  {network.PortSpec{Addresses: taken("10.0.1.77")}, network.ErrInvalidAddress},
		"the broadcast":       {network.PortSpec{Addresses: taken("10.0.0.255")}, network.ErrInvalidAddress},
		"an unknown subnet":   {network.PortSpec{Addresses: &[]network.FixedIP{{SubnetID: "none"}}}, network.ErrInvalidAddress},
		"no MAC":              {network.PortSpec{MAC: "tap"}, fault.Invalid},
		"a MAC of many":       {network.PortSpec{MAC: "01:00:5e:00:00:01"}, fault.Invalid},
		"an unknown group":    {network.PortSpec{Groups: &[]network.SecurityGroupID{"none"}}, fault.NotFound},
		"a host of a member":  {network.PortSpec{Host: "host"}, fault.Forbidden},
		"groups without them": {network.PortSpec{PortSecurity: new(bool), Groups: &p.Groups}, fault.Conflict},
	} {
		c.spec.NetworkID = n.ID
		_, err := w.CreatePort(member(t), c.spec)
		is(t, name, err, c.want)
	}
	bare := got(w.CreatePort(member(t), network.PortSpec{NetworkID: n.ID, Addresses: &[]network.FixedIP{}, Groups: &[]network.SecurityGroupID{}}))(t)
	if len(bare.Addresses) != 0 || len(bare.Groups) != 0 {
		t.Errorf("%+v", bare)
	}
	for name, where := range map[string]map[string][]string{
		"by address":      {"fixed_ips": {"ip_address=10.0.0.77"}},
		"by a part of it": {"fixed_ips": {"ip_address_substr=.77"}},
		"by device":       {"device_id": {"server"}},
		"by group":        {"security_groups": {string(p.Groups[0])}},
		"by MAC":          {"mac_address": {p.MAC}},
	} {
		if list := got(w.Ports(member(t), network.Query{Where: where}))(t); len(list.Items) != 1 || list.Items[0].ID != p.ID {
			t.Errorf("%s: %+v", name, list.Items)
		}
	}
	if q := got(w.Quota(member(t), "p1"))(t); q.Used[network.ResourcePorts] != 2 {
		t.Errorf("%+v: refused ports count", q.Used)
	}
	must(t, w.DeletePort(member(t), p.ID))
	is(t, "delete again", w.DeletePort(member(t), p.ID), fault.NotFound)
}

func addresses(t *testing.T, w world) {
	n, _ := w.network(t, "10.0.0.0/28") // 14, but the gateway's and that of DHCP
	seen := map[netip.Addr]bool{}
	var first network.Port
	for i := range 12 {
		p := w.port(t, n.ID)
		a := p.Addresses[0].Address
		if seen[a] {
			t.Errorf("%s twice", a)
		}
		if seen[a] = true; i == 0 {
			first = p
		}
		if i == 1 { // what was given back is not chosen at once
			must(t, w.DeletePort(member(t), first.ID))
			delete(seen, first.Addresses[0].Address)
			next := w.port(t, n.ID)
			if next.Addresses[0] == first.Addresses[0] {
				t.Errorf("%s is chosen again at once", a)
			}
			seen[next.Addresses[0].Address] = true
			got(w.CreatePort(member(t), network.PortSpec{NetworkID: n.ID, Addresses: &[]network.FixedIP{}}))(t)
		}
		if len(seen) == 12 {
			break
		}
	}
	_, err := w.CreatePort(member(t), network.PortSpec{NetworkID: n.ID})
	is(t, "a full subnet", err, network.ErrNoAddress)
	second := got(w.CreateSubnet(member(t), network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.0.1.0/28")}))(t)
	if p := w.port(t, n.ID); p.Addresses[0].SubnetID != second.ID {
		t.Errorf("%+v", p.Addresses)
	}
}

func readdressing(t *testing.T, w world) {
	n, s := w.network(t, "10.0.0.0/24")
	two := got(w.CreateSubnet(member(t), network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.0.1.0/24")}))(t)
	p := w.port(t, n.ID)
	both := got(w.UpdatePort(member(t), network.PortPatch{ID: p.ID, Addresses: &[]network.FixedIP{{SubnetID: s.ID}, {SubnetID: two.ID}}}))(t)
	if len(both.Addresses) != 2 || both.Addresses[0] != p.Addresses[0] {
		t.Errorf("%+v, had %+v", both.Addresses, p.Addresses)
	}
	one := got(w.UpdatePort(member(t), network.PortPatch{ID: p.ID, Addresses: &[]network.FixedIP{{SubnetID: two.ID, Address: addr("10.0.1.50")}}, Groups: &[]network.SecurityGroupID{}}))(t)
	again := got(w.Port(member(t), p.ID))(t)
	if len(one.Addresses) != 1 || !slices.Equal(one.Addresses, again.Addresses) || len(again.Groups) != 0 {
		t.Errorf("%+v", again)
	}
	_, err := w.UpdatePort(member(t), network.PortPatch{ID: p.ID, Addresses: &[]network.FixedIP{{Address: addr("10.7.7.7")}}})
	is(t, "an address of nowhere", err, network.ErrInvalidAddress)
	if again := got(w.Port(member(t), p.ID))(t); !slices.Equal(one.Addresses, again.Addresses) {
		t.Errorf("a refused change left %+v", again.Addresses)
	}
	must(t, w.DeleteSubnet(member(t), s.ID))
}

func inUse(t *testing.T, w world) {
	n, s := w.network(t, "10.0.0.0/24")
	p := w.port(t, n.ID)
	is(t, "a subnet with ports", w.DeleteSubnet(member(t), s.ID), network.ErrInUse)
	is(t, "a network with ports", w.DeleteNetwork(member(t), n.ID), network.ErrInUse)
	g := got(w.CreateSecurityGroup(member(t), network.SecurityGroupSpec{Base: network.Base{Name: "web"}}))(t)
	got(w.UpdatePort(member(t), network.PortPatch{ID: p.ID, Groups: &[]network.SecurityGroupID{g.ID}}))(t)
	is(t, "a group with ports", w.DeleteSecurityGroup(member(t), g.ID), network.ErrInUse)
	must(t, w.DeletePort(member(t), p.ID))
	must(t, w.DeleteSecurityGroup(member(t), g.ID))
	must(t, w.DeleteNetwork(member(t), n.ID))
	_, err := w.Subnet(member(t), s.ID)
	is(t, "a network takes its subnets along", err, fault.NotFound)
}

func bindings(t *testing.T, w world) {
	n, _ := w.network(t, "10.0.0.0/24")
	p := w.port(t, n.ID)
	host := w.host(t)
	spec := network.BindSpec{Port: p.ID, Host: host, ServerID: "server", Hostname: "vm1"}
	_, err := w.Bind(member(t), spec)
	is(t, "users do not bind", err, fault.Forbidden)
	_, err = w.Bind(service(t), network.BindSpec{Port: p.ID, Host: "nowhere"})
	is(t, "an unknown host", err, network.ErrNoHost)
	_, err = w.Bind(service(t), network.BindSpec{Port: "none", Host: host})
	is(t, "an unknown port", err, fault.NotFound)
	for range 2 {
		b := got(w.Bind(service(t), spec))(t)
		if b.Status != network.Active || b.Host != host || b.DeviceID != "server" || b.DeviceOwner != network.OwnerServer {
			t.Errorf("%+v", b)
		}
	}
	if b := got(w.Port(member(t), p.ID))(t); b.Status != network.Active {
		t.Errorf("status %s", b.Status)
	}
	v := got(w.HostView(service(t), host))(t)
	must(t, v.Check())
	if len(v.Ports) != 1 || v.Ports[0].Hostname != "vm1" || len(v.Ports[0].Rules) != 4 || len(v.Networks) != 1 || len(v.Groups) != 1 || len(v.Groups[0].Addresses) != 1 {
		t.Errorf("%+v", v)
	}
	a := p.Addresses[0].Address
	if by := got(w.PortByAddress(service(t), network.Guest{Network: string(n.ID), Address: a}))(t); by.ID != p.ID || by.DeviceID != "server" {
		t.Errorf("%+v", by)
	}
	_, err = w.PortByAddress(member(t), network.Guest{Network: string(n.ID), Address: a})
	is(t, "users do not ask for metadata of others", err, fault.Forbidden)
	for range 2 {
		must(t, w.Unbind(service(t), network.UnbindSpec{Port: p.ID}))
	}
	if b := got(w.Port(member(t), p.ID))(t); b.Host != "" || b.Status != network.Down || b.DeviceID != "" {
		t.Errorf("%+v", b)
	}
	second := got(w.CreatePort(service(t), network.PortSpec{NetworkID: n.ID, Host: host, DeviceID: "other"}))(t)
	if second.Status != network.Active || second.Host != host {
		t.Errorf("%+v", second)
	}
	must(t, w.DeletePort(member(t), second.ID))
	flowtest.Eventually(t, "nothing is left on the host", func() bool {
		v, err := w.HostView(service(t), host)
		return err == nil && len(v.Ports) == 0
	})
	if err := w.Unbind(service(t), network.UnbindSpec{Port: second.ID}); !errors.Is(err, fault.NotFound) {
		t.Errorf("unbind what is gone: %v", err)
	}
}
