package networktest

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/network"
)

// TestService checks a network.Service. newService returns an empty one that has
// been started, with at least one host.
func TestService(t *testing.T, newService func(*testing.T) network.Service) {
	tests := []struct {
		name string
		run  func(*testing.T, world)
	}{
		{"a network is made, shown, changed and deleted", lifecycle},
		{"creating twice is creating once", createOnce},
		{"bad requests make nothing", badRequests},
		{"others see nothing but what is shared or external", tenancy},
		{"readers may look and not touch", roles},
		{"pages and filters", pages},
		{"tags", tags},
		{"tags that are added at once are all there", tagsAtOnce},
		{"subnets", subnets},
		{"gateways and pools", pools},
		{"IPv6 addresses are made of MACs where guests make them so", ipv6},
		{"subnet pools", subnetPools},
		{"subnets are cut out of pools", subnetsOfPools},
		{"a pool gives each range once and no project too much", subnetPoolRace},
		{"ports", ports},
		{"addresses are chosen in turn until there is none", addresses},
		{"ports get other addresses", readdressing},
		{"what is in use stays", inUse},
		{"bindings", bindings},
		{"a port is one server's until that gives it back", oneServer},
		{"hosts", hosts},
		{"the default security group", defaultGroups},
		{"security groups", securityGroups},
		{"security group rules", securityRules},
		{"routers", routers},
		{"gateways of routers", gateways},
		{"floating IPs", floating},
		{"ids that are chosen are UUIDs", chosenIDs},
		{"no two ports have one device name", deviceNames},
		{"what those who own a network choose, others do not", choices},
		{"no port becomes a router's but by the router", foreignLegs},
		{"quota", quotas},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, world{newService(t)}) })
	}
}

type world struct{ network.Service }

func member(t *testing.T) context.Context {
	t.Helper()
	return identitytest.In(t, "p1", identity.RoleMember)
}

func stranger(t *testing.T) context.Context {
	t.Helper()
	return identitytest.In(t, "p2", identity.RoleManager)
}

func admin(t *testing.T) context.Context {
	t.Helper()
	return identitytest.In(t, "admin", identity.RoleAdmin)
}

func service(t *testing.T) context.Context {
	t.Helper()
	return identity.AsService(member(t), "compute")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got returns v, and ends the test with an error.
func got[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		must(t, err)
		return v
	}
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// network makes a network with a subnet.
func (w world) network(t *testing.T, cidr string) (network.Network, network.Subnet) {
	t.Helper()
	return w.networkOf(t, member(t), cidr)
}

func (w world) networkOf(t *testing.T, owner context.Context, cidr string) (network.Network, network.Subnet) {
	t.Helper()
	n := got(w.CreateNetwork(owner, network.Spec{Base: network.Base{Name: "net"}}))(t)
	s := got(w.CreateSubnet(owner, network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix(cidr)}))(t)
	return n, s
}

// host returns the name of the first host.
func (w world) host(t *testing.T) string {
	t.Helper()
	return got(w.Hosts(service(t)))(t)[0].Name
}

// external makes an external network with a subnet.
func (w world) external(t *testing.T) network.Network {
	t.Helper()
	n := got(w.CreateNetwork(admin(t), network.Spec{Base: network.Base{Name: "public"}, External: true}))(t)
	got(w.CreateSubnet(admin(t), network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("198.51.100.0/24"), NoDHCP: true}))(t)
	return n
}

func (w world) port(t *testing.T, n network.ID) network.Port {
	t.Helper()
	return got(w.CreatePort(member(t), network.PortSpec{NetworkID: n}))(t)
}

func lifecycle(t *testing.T, w world) {
	n := got(w.CreateNetwork(member(t), network.Spec{Base: network.Base{Name: "net", Description: "d", Tags: []string{"b", "a", "b"}}, MTU: 1400}))(t)
	if n.Name != "net" || n.ProjectID != "p1" || !n.AdminUp || !n.PortSecurity || n.MTU != 1400 || n.CreatedAt.IsZero() || !slices.Equal(n.Tags, []string{"a", "b"}) {
		t.Errorf("%+v", n)
	}
	name, down := "renamed", false
	changed := got(w.UpdateNetwork(member(t), network.Patch{ID: n.ID, BasePatch: network.BasePatch{Name: &name, IfRevision: &n.Revision}, AdminUp: &down}))(t)
	again := got(w.Network(member(t), n.ID))(t)
	if changed.Name != name || again.Name != name || again.AdminUp || again.Description != "d" || again.Revision <= n.Revision {
		t.Errorf("%+v", again)
	}
	_, err := w.UpdateNetwork(member(t), network.Patch{ID: n.ID, BasePatch: network.BasePatch{Name: &name, IfRevision: &n.Revision}})
	is(t, "an old revision", err, network.ErrRevision)
	must(t, w.DeleteNetwork(member(t), n.ID))
	is(t, "delete again", w.DeleteNetwork(member(t), n.ID), fault.NotFound)
	_, err = w.Network(member(t), n.ID)
	is(t, "show what is gone", err, fault.NotFound)
}

func createOnce(t *testing.T, w world) {
	s := network.Spec{ID: "0190aaaa-0000-7000-8000-000000000001"}
	for range 2 {
		got(w.CreateNetwork(member(t), s))(t)
	}
	sub := network.SubnetSpec{ID: "0190aaaa-0000-7000-8000-000000000002", NetworkID: s.ID, CIDR: netip.MustParsePrefix("10.0.0.0/24")}
	for range 2 {
		got(w.CreateSubnet(member(t), sub))(t)
	}
	port := network.PortSpec{ID: "0190aaaa-0000-7000-8000-000000000003", NetworkID: s.ID}
	a := got(w.CreatePort(member(t), port))(t)
	b := got(w.CreatePort(member(t), port))(t)
	if a.ID != b.ID || len(a.Addresses) != 1 || !slices.Equal(a.Addresses, b.Addresses) {
		t.Errorf("%+v\n%+v", a, b)
	}
	_, err := w.CreatePort(stranger(t), port)
	is(t, "another project's id", err, fault.NotFound)
	_, err = w.CreateNetwork(stranger(t), s)
	is(t, "another project's network", err, fault.NotFound)
}

func badRequests(t *testing.T, w world) {
	long := string(make([]byte, 256))
	for name, s := range map[string]network.Spec{
		"long name": {Base: network.Base{Name: long}},
		"tiny MTU":  {MTU: 10},
		"large MTU": {MTU: 100000},
		"empty tag": {Base: network.Base{Tags: []string{""}}},
	} {
		_, err := w.CreateNetwork(member(t), s)
		is(t, name, err, fault.Invalid)
	}
	_, err := w.CreateNetwork(t.Context(), network.Spec{})
	is(t, "nobody", err, fault.Unauthenticated)
	_, err = w.CreateNetwork(member(t), network.Spec{External: true})
	is(t, "a member's external network", err, fault.Forbidden)
	_, err = w.CreateNetwork(member(t), network.Spec{Base: network.Base{ProjectID: "p2"}})
	is(t, "another project", err, fault.Forbidden)
	_, err = w.CreatePort(member(t), network.PortSpec{NetworkID: "none"})
	is(t, "a port on no network", err, fault.NotFound)
	if all := got(w.Networks(admin(t), network.Query{}))(t); len(all.Items) != 0 {
		t.Errorf("bad requests made %d networks", len(all.Items))
	}
}

func tenancy(t *testing.T, w world) {
	n, s := w.network(t, "10.0.0.0/24")
	p := w.port(t, n.ID)
	g := got(w.CreateSecurityGroup(member(t), network.SecurityGroupSpec{}))(t)
	r := got(w.CreateRouter(member(t), network.RouterSpec{}))(t)
	name := "mine"
	other := stranger(t)
	for what, call := range map[string]func() error{
		"show a network":   func() error { _, err := w.Network(other, n.ID); return err },
		"change a network": func() error { _, err := w.UpdateNetwork(other, network.Patch{ID: n.ID, Shared: new(bool)}); return err },
		"delete a network": func() error { return w.DeleteNetwork(other, n.ID) },
		"show a subnet":    func() error { _, err := w.Subnet(other, s.ID); return err },
		"add a subnet": func() error {
			_, err := w.CreateSubnet(other, network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.1.0.0/24")})
			return err
		},
		"delete a subnet": func() error { return w.DeleteSubnet(other, s.ID) },
		"add a port":      func() error { _, err := w.CreatePort(other, network.PortSpec{NetworkID: n.ID}); return err },
		"show a port":     func() error { _, err := w.Port(other, p.ID); return err },
		"delete a port":   func() error { return w.DeletePort(other, p.ID) },
		"show a group":    func() error { _, err := w.SecurityGroup(other, g.ID); return err },
		"add a rule":      func() error { _, err := w.CreateRule(other, network.Rule{GroupID: g.ID}); return err },
		"delete a group":  func() error { return w.DeleteSecurityGroup(other, g.ID) },
		"change a router": func() error {
			_, err := w.UpdateRouter(other, network.RouterPatch{ID: r.ID, BasePatch: network.BasePatch{Name: &name}})
			return err
		},
		"add an interface": func() error {
			_, err := w.AddInterface(other, network.InterfaceSpec{Router: r.ID, Subnet: s.ID})
			return err
		},
		"delete a router": func() error { return w.DeleteRouter(other, r.ID) },
		"tag": func() error {
			_, err := w.SetTags(other, network.Tagged{Kind: "networks", ID: string(n.ID)})
			return err
		},
	} {
		is(t, what, call(), fault.NotFound)
	}
	if list := got(w.Networks(other, network.Query{}))(t); len(list.Items) != 0 {
		t.Errorf("another project lists %d networks", len(list.Items))
	}
	_, hidden := w.Network(other, n.ID)
	if want := "network " + string(n.ID) + " could not be found"; hidden.Error() != want {
		t.Errorf("%q tells more than %q", hidden, want)
	}
	sharing(t, w, n, s)
}

func sharing(t *testing.T, w world, n network.Network, s network.Subnet) {
	other, yes := stranger(t), true
	got(w.UpdateNetwork(admin(t), network.Patch{ID: n.ID, Shared: &yes}))(t)
	got(w.Subnet(other, s.ID))(t)
	got(w.CreatePort(other, network.PortSpec{NetworkID: n.ID}))(t)
	is(t, "delete what is shared", w.DeleteNetwork(other, n.ID), fault.Forbidden)
	ext := w.external(t)
	if list := got(w.Networks(other, network.Query{}))(t); len(list.Items) != 2 {
		t.Errorf("%d networks are shared or external, want 2", len(list.Items))
	}
	if list := got(w.Subnets(other, network.Query{}))(t); len(list.Items) != 1 || !list.Items[0].Shared {
		t.Errorf("subnets that are seen: %+v", list.Items)
	}
	_, err := w.CreatePort(other, network.PortSpec{NetworkID: ext.ID})
	is(t, "a port on an external network", err, fault.Forbidden)
}

func roles(t *testing.T, w world) {
	n, _ := w.network(t, "10.0.0.0/24")
	reader := identitytest.In(t, "p1", identity.RoleReader)
	got(w.Network(reader, n.ID))(t)
	_, err := w.CreateNetwork(reader, network.Spec{})
	is(t, "create", err, fault.Forbidden)
	is(t, "delete", w.DeleteNetwork(reader, n.ID), fault.Forbidden)
	_, err = w.HostView(member(t), "host")
	is(t, "a member's look at a host", err, fault.Forbidden)
}

func pages(t *testing.T, w world) {
	for range 5 {
		got(w.CreateNetwork(member(t), network.Spec{Base: network.Base{Name: "paged"}}))(t)
	}
	got(w.CreateNetwork(member(t), network.Spec{Base: network.Base{Name: "other"}, AdminDown: true}))(t)
	q := network.Query{Where: map[string][]string{"name": {"paged"}}, Query: page.Query{Limit: 2}}
	seen := map[network.ID]bool{}
	for n := 0; ; n++ {
		p := got(w.Networks(member(t), q))(t)
		for _, v := range p.Items {
			seen[v.ID] = true
		}
		if q.Marker = p.Next; q.Marker == "" || n > 5 {
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d networks over all pages, want 5", len(seen))
	}
	for name, c := range map[string]struct {
		where map[string][]string
		want  int
	}{
		"two names":     {map[string][]string{"name": {"paged", "other"}}, 6},
		"a flag":        {map[string][]string{"admin_state_up": {"False"}}, 1},
		"two":           {map[string][]string{"admin_state_up": {"true"}, "name": {"other"}}, 0},
		"status":        {map[string][]string{"status": {"ACTIVE"}}, 6},
		"not this":      {map[string][]string{"status": {"DOWN"}}, 0},
		"not external":  {map[string][]string{"router:external": {"false"}}, 6},
		"other project": {map[string][]string{"project_id": {"p2"}}, 0},
	} {
		if p := got(w.Networks(member(t), network.Query{Where: c.where}))(t); len(p.Items) != c.want {
			t.Errorf("%s: %d, want %d", name, len(p.Items), c.want)
		}
	}
	_, err := w.Networks(member(t), network.Query{Where: map[string][]string{"password": {"x"}}})
	is(t, "an unknown attribute", err, fault.Invalid)
}

func quotas(t *testing.T, w world) {
	_, err := w.SetQuota(member(t), network.QuotaPatch{ProjectID: "p1", Limits: quota.Amount{network.ResourcePorts: 1000}})
	is(t, "members do not raise it", err, fault.Forbidden)
	got(w.SetQuota(admin(t), network.QuotaPatch{ProjectID: "p1", Limits: quota.Amount{network.ResourceNetworks: 1, network.ResourcePorts: 2}}))(t)
	n, _ := w.network(t, "10.0.0.0/24")
	_, err = w.CreateNetwork(member(t), network.Spec{})
	is(t, "too many networks", err, fault.OverQuota)
	results := make(chan error)
	for range 8 {
		go func() {
			_, err := w.CreatePort(member(t), network.PortSpec{NetworkID: n.ID})
			results <- err
		}()
	}
	made := 0
	for range 8 {
		if err := <-results; err == nil {
			made++
		} else {
			is(t, "too many ports", err, fault.OverQuota)
		}
	}
	q := got(w.Quota(member(t), "p1"))(t)
	if made != 2 || q.Used[network.ResourcePorts] != 2 || q.Limits[network.ResourcePorts] != 2 || q.Used[network.ResourceSubnets] != 1 {
		t.Errorf("%d made, %+v", made, q)
	}
	if own := got(w.Quotas(admin(t)))(t); len(own) != 1 || own[0].ProjectID != "p1" {
		t.Errorf("%+v", own)
	}
	if d := got(w.Quota(member(t), "p1"))(t); d.Defaults[network.ResourcePorts] != network.DefaultQuota[network.ResourcePorts] {
		t.Errorf("%+v", d)
	}
	got(w.SetQuota(admin(t), network.QuotaPatch{ProjectID: "p1"}))(t)
	w.port(t, n.ID)
}
