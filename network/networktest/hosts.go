package networktest

import (
	"errors"
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

func hosts(t *testing.T, w world) {
	first := w.host(t)
	for range 2 {
		must(t, w.ReportHost(service(t), first))
	}
	all := got(w.Hosts(service(t)))(t)
	i := slices.IndexFunc(all, func(h network.HostState) bool { return h.Name == first })
	if i < 0 || !all[i].Up || all[i].SeenAt.IsZero() || all[i].SeenAt.Before(all[i].CreatedAt) {
		t.Errorf("%+v", all)
	}
	got(w.Hosts(identitytest.In(t, "admin", identity.RoleAdmin)))(t)
	_, err := w.Hosts(member(t))
	is(t, "users do not list hosts", err, fault.Forbidden)
	is(t, "users do not report hosts", w.ReportHost(member(t), first), fault.Forbidden)
	is(t, "users do not forget hosts", w.DeleteHost(member(t), first), fault.Forbidden)
	is(t, "a host without a name", w.ReportHost(service(t), ""), fault.Invalid)

	n, _ := w.network(t, "10.0.0.0/24")
	p := got(w.CreatePort(service(t), network.PortSpec{NetworkID: n.ID, Host: first}))(t)
	is(t, "forget a host with ports", w.DeleteHost(admin(t), first), network.ErrInUse)
	must(t, w.DeletePort(member(t), p.ID))

	must(t, w.ReportHost(service(t), "passing"))
	for range 2 {
		must(t, w.DeleteHost(admin(t), "passing"))
	}
	if all := got(w.Hosts(service(t)))(t); slices.ContainsFunc(all, func(h network.HostState) bool { return h.Name == "passing" }) {
		t.Errorf("what is forgotten is there: %+v", all)
	}
	if _, err := w.Bind(service(t), network.BindSpec{Port: p.ID, Host: "passing"}); !errors.Is(err, network.ErrNoHost) {
		t.Errorf("plugged into a forgotten host: %v", err)
	}
}
