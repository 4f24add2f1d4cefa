package networkapi_test

import (
	"net/http"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/agents"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/external"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/portsbinding"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/subnetpools"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
)

func client(url, token string) *gophercloud.ServiceClient {
	p := &gophercloud.ProviderClient{TokenID: token}
	return &gophercloud.ServiceClient{ProviderClient: p, Endpoint: url + "/", ResourceBase: url + "/v2.0/", Type: "network"}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestGophercloud(t *testing.T) {
	url, ctx := serve(t), t.Context()
	c, admin := client(url, "member@p1"), client(url, "admin@a")
	ext := must[*networks.Network](t)(networks.Create(ctx, admin, external.CreateOptsExt{
		CreateOptsBuilder: networks.CreateOpts{Name: "public"}, External: gophercloud.Enabled,
	}).Extract())
	must[*subnets.Subnet](t)(subnets.Create(ctx, admin, subnets.CreateOpts{
		NetworkID: ext.ID, CIDR: "198.51.100.0/24", IPVersion: gophercloud.IPv4, EnableDHCP: gophercloud.Disabled,
	}).Extract())
	n := must[*networks.Network](t)(networks.Create(ctx, c, networks.CreateOpts{Name: "private", AdminStateUp: gophercloud.Enabled}).Extract())
	s := must[*subnets.Subnet](t)(subnets.Create(ctx, c, subnets.CreateOpts{
		NetworkID: n.ID, CIDR: "10.0.0.0/24", IPVersion: gophercloud.IPv4, DNSNameservers: []string{"9.9.9.9"},
		HostRoutes: []subnets.HostRoute{{DestinationCIDR: "10.7.0.0/16", NextHop: "10.0.0.9"}},
	}).Extract())
	if s.GatewayIP != "10.0.0.1" || s.AllocationPools[0].Start != "10.0.0.2" || s.HostRoutes[0].NextHop != "10.0.0.9" || n.Status != "ACTIVE" {
		t.Errorf("%+v %+v", n, s)
	}
	r := must[*routers.Router](t)(routers.Create(ctx, c, routers.CreateOpts{Name: "r", GatewayInfo: &routers.GatewayInfo{NetworkID: ext.ID}}).Extract())
	i := must[*routers.InterfaceInfo](t)(routers.AddInterface(ctx, c, r.ID, routers.AddInterfaceOpts{SubnetID: s.ID}).Extract())
	if i.SubnetID != s.ID || i.ID != r.ID || !*r.GatewayInfo.EnableSNAT {
		t.Errorf("%+v %+v", i, r)
	}
	g := must[*groups.SecGroup](t)(groups.Create(ctx, c, groups.CreateOpts{Name: "web"}).Extract())
	rule := must[*rules.SecGroupRule](t)(rules.Create(ctx, c, rules.CreateOpts{
		SecGroupID: g.ID, Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolTCP,
		PortRangeMin: 80, PortRangeMax: 81, RemoteIPPrefix: "0.0.0.0/0",
	}).Extract())
	if rule.PortRangeMax != 81 || rule.RemoteIPPrefix != "0.0.0.0/0" {
		t.Errorf("%+v", rule)
	}
	p := must[*ports.Port](t)(ports.Create(ctx, c, ports.CreateOpts{
		NetworkID: n.ID, SecurityGroups: &[]string{g.ID}, FixedIPs: []ports.IP{{SubnetID: s.ID, IPAddress: "10.0.0.20"}},
		AllowedAddressPairs: []ports.AddressPair{{IPAddress: "10.0.0.99"}},
	}).Extract())
	if p.FixedIPs[0].IPAddress != "10.0.0.20" || p.AllowedAddressPairs[0].IPAddress != "10.0.0.99" || p.Status != "DOWN" {
		t.Errorf("%+v", p)
	}
	host := "host1"
	var bound struct {
		ports.Port
		portsbinding.PortsBindingExt
	}
	ok(t, ports.Update(ctx, admin, p.ID, portsbinding.UpdateOptsExt{UpdateOptsBuilder: ports.UpdateOpts{}, HostID: &host}).ExtractInto(&bound))
	if bound.HostID != host || bound.Status != "ACTIVE" || bound.VIFType != "bridge" {
		t.Errorf("%+v", bound)
	}
	f := must[*floatingips.FloatingIP](t)(floatingips.Create(ctx, c, floatingips.CreateOpts{FloatingNetworkID: ext.ID, PortID: p.ID}).Extract())
	if f.FixedIP != "10.0.0.20" || f.RouterID != r.ID || f.Status != "ACTIVE" {
		t.Errorf("%+v", f)
	}
	none := ""
	f = must[*floatingips.FloatingIP](t)(floatingips.Update(ctx, c, f.ID, floatingips.UpdateOpts{PortID: &none}).Extract())
	if f.PortID != "" || f.Status != "DOWN" {
		t.Errorf("%+v", f)
	}
	page := must[[]ports.Port](t)(allPorts(t, c))
	if len(page) != 2 {
		t.Errorf("%d ports", len(page))
	}
	ok(t, floatingips.Delete(ctx, c, f.ID).ExtractErr())
	ok(t, ports.Delete(ctx, c, p.ID).ExtractErr())
	must[*routers.InterfaceInfo](t)(routers.RemoveInterface(ctx, c, r.ID, routers.RemoveInterfaceOpts{SubnetID: s.ID}).Extract())
	ok(t, routers.Delete(ctx, c, r.ID).ExtractErr())
	ok(t, groups.Delete(ctx, c, g.ID).ExtractErr())
	pool := must[*subnetpools.SubnetPool](t)(subnetpools.Create(ctx, c, subnetpools.CreateOpts{Name: "pool", Prefixes: []string{"10.5.0.0/16"}, MinPrefixLen: 24}).Extract())
	if pool.Prefixes[0] != "10.5.0.0/16" || pool.MinPrefixLen != 24 || pool.DefaultPrefixLen != 24 || pool.IPversion != 4 {
		t.Errorf("%+v", pool)
	}
	cut := must[*networks.Network](t)(networks.Create(ctx, c, networks.CreateOpts{Name: "cut"}).Extract())
	s = must[*subnets.Subnet](t)(subnets.Create(ctx, c, subnets.CreateOpts{NetworkID: cut.ID, IPVersion: gophercloud.IPv4, SubnetPoolID: pool.ID}).Extract())
	if s.SubnetPoolID != pool.ID || s.CIDR != "10.5.0.0/24" {
		t.Errorf("%+v", s)
	}
	ok(t, networks.Delete(ctx, c, cut.ID).ExtractErr())
	ok(t, subnetpools.Delete(ctx, c, pool.ID).ExtractErr())
	ok(t, networks.Delete(ctx, c, n.ID).ExtractErr())
	if err := networks.Delete(ctx, c, n.ID).ExtractErr(); !gophercloud.ResponseCodeIs(err, 404) {
		t.Error(err)
	}
}

// allPorts reads the list page by page, one port a page.
func allPorts(t *testing.T, c *gophercloud.ServiceClient) ([]ports.Port, error) {
	t.Helper()
	all, err := ports.List(c, ports.ListOpts{Limit: 1}).AllPages(t.Context())
	if err != nil {
		return nil, err
	}
	return ports.ExtractPorts(all)
}

func TestHostsAreAgents(t *testing.T) {
	url, ctx := serve(t), t.Context()
	admin := client(url, "admin@a")
	list := func(c *gophercloud.ServiceClient, o agents.ListOpts) []agents.Agent {
		t.Helper()
		pages, err := agents.List(c, o).AllPages(ctx)
		ok(t, err)
		return must[[]agents.Agent](t)(agents.ExtractAgents(pages))
	}
	all := list(admin, agents.ListOpts{Host: "host1"})
	if len(all) != 1 || all[0].Host != "host1" || !all[0].Alive || !all[0].AdminStateUp || all[0].HeartbeatTimestamp.IsZero() {
		t.Fatalf("%+v", all)
	}
	if one := must[*agents.Agent](t)(agents.Get(ctx, admin, all[0].ID).Extract()); one.Host != "host1" {
		t.Errorf("%+v", one)
	}
	no := false
	for name, n := range map[string]int{
		"others": len(list(admin, agents.ListOpts{Host: "host2"})),
		"dead":   len(list(admin, agents.ListOpts{Alive: &no})),
		"member": len(list(client(url, "member@p1"), agents.ListOpts{})),
	} {
		if n != 0 {
			t.Errorf("%s: %d agents", name, n)
		}
	}
	for status, err := range map[int]error{
		http.StatusNotFound: agents.Get(ctx, client(url, "member@p1"), all[0].ID).Err,
		http.StatusConflict: agents.Delete(ctx, admin, all[0].ID).ExtractErr(), // it is in the same process
	} {
		if !gophercloud.ResponseCodeIs(err, status) {
			t.Errorf("%v, want %d", err, status)
		}
	}
}
