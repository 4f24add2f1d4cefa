package networktest

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/network"
)

// Churn makes a bit of everything on all hosts of s, and changes and deletes part of it.
func Churn(t *testing.T, s network.Service) {
	w := world{s}
	ext := w.external(t)
	hosts := got(w.Hosts(service(t)))(t)
	g := got(w.CreateSecurityGroup(member(t), network.SecurityGroupSpec{Base: network.Base{Name: "web"}}))(t)
	var bound []network.Port
	for i := range 4 {
		n, sub := w.network(t, "10.0."+string('0'+rune(i))+".0/24")
		r := got(w.CreateRouter(member(t), network.RouterSpec{Gateway: network.Gateway{NetworkID: ext.ID}}))(t)
		got(w.AddInterface(member(t), network.InterfaceSpec{Router: r.ID, Subnet: sub.ID}))(t)
		for k := range 4 {
			p := w.port(t, n.ID)
			if k%2 == 1 {
				p = got(w.UpdatePort(member(t), network.PortPatch{ID: p.ID, Groups: &[]network.SecurityGroupID{g.ID, p.Groups[0]}}))(t)
			}
			bound = append(bound, got(w.Bind(service(t), network.BindSpec{Port: p.ID, Host: hosts[(i+k)%len(hosts)].Name, ServerID: "s"}))(t))
		}
		got(w.CreateFloatingIP(member(t), network.FloatingIPSpec{NetworkID: ext.ID, PortID: bound[len(bound)-1].ID}))(t)
	}
	got(w.CreateRule(member(t), network.Rule{GroupID: g.ID, Ingress: true, Protocol: "tcp", RemoteGroup: bound[0].Groups[0]}))(t)
	must(t, w.DeletePort(member(t), bound[3].ID))
	must(t, w.Unbind(service(t), network.UnbindSpec{Port: bound[5].ID}))
	got(w.Bind(service(t), network.BindSpec{Port: bound[6].ID, Host: hosts[0].Name}))(t)
	got(w.UpdatePort(member(t), network.PortPatch{ID: bound[7].ID, AdminUp: new(bool), Pairs: &[]network.AddressPair{{Address: netip.MustParsePrefix("10.9.0.0/16")}}}))(t)
	got(w.UpdatePort(member(t), network.PortPatch{ID: bound[8].ID, Groups: &[]network.SecurityGroupID{}}))(t)
	got(w.UpdateSubnet(member(t), network.SubnetPatch{ID: bound[0].Addresses[0].SubnetID, DNS: &[]netip.Addr{addr("9.9.9.9")}}))(t)
}

// SameView waits until two views are equal but for their order.
func SameView(t *testing.T, have func() network.View, want func() (network.View, error)) {
	t.Helper()
	var last string
	defer func() {
		if t.Failed() {
			t.Log(last)
		}
	}()
	flowtest.Eventually(t, "the host has its view", func() bool {
		w, err := want()
		must(t, err)
		a, b := canonical(t, have()), canonical(t, w)
		last = a + "\n" + b
		return a == b
	})
}

func canonical(t *testing.T, v network.View) string {
	t.Helper()
	v = v.Clone()
	v.Generation = 0
	slices.SortFunc(v.Networks, func(a, b network.HostNetwork) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(v.Ports, func(a, b network.HostPort) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(v.Groups, func(a, b network.HostGroup) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(v.Routers, func(a, b network.HostRouter) int { return strings.Compare(a.ID, b.ID) })
	for i := range v.Groups {
		slices.SortFunc(v.Groups[i].Addresses, func(a, b netip.Prefix) int { return strings.Compare(a.String(), b.String()) })
	}
	for i := range v.Ports {
		slices.SortFunc(v.Ports[i].Rules, func(a, b network.HostRule) int { return strings.Compare(text(t, a), text(t, b)) })
	}
	for i := range v.Routers {
		slices.SortFunc(v.Routers[i].Interfaces, func(a, b network.HostInterface) int { return strings.Compare(a.Port, b.Port) })
	}
	return text(t, v)
}

func text(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	must(t, err)
	return string(b)
}
