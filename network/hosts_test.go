package network_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/memory"
	"github.com/nacre-cloud/nacre/network/networkrpc"
	"github.com/nacre-cloud/nacre/network/networktest"
)

// far are hosts of other processes.
type far map[string]network.Driver

// slow is a host whose messages take their time, each another.
type slow struct{ network.Driver }

func (s slow) Apply(ctx context.Context, v network.View) error {
	select {
	case <-time.After(time.Duration(rand.IntN(int(3 * time.Millisecond)))):
	case <-ctx.Done():
	}
	return s.Driver.Apply(ctx, v)
}

// elsewhere returns a Manager all of whose hosts are in other processes.
func elsewhere(t *testing.T, d *db.DB, hosts far, c network.Config) *network.Manager {
	t.Helper()
	m, err := network.New(network.Params{DB: d, Config: c, Remote: func(name string) network.Driver { return slow{hosts[name]} }})
	if err != nil {
		t.Fatal(err)
	}
	return runtest.Start(t, m)
}

// either returns a Service each of whose calls reaches one of several.
func either(t *testing.T, services ...network.Service) network.Service {
	t.Helper()
	connect := bustest.Broker(t, bustest.NATS)
	for _, s := range services {
		networkrpc.Serve(bustest.Start(t, bus.Params{Transport: connect(t)}), s)
	}
	return networkrpc.Client{Bus: bustest.Start(t, bus.Params{Transport: connect(t)})}
}

func report(t *testing.T, s network.Service, hosts far) {
	t.Helper()
	for name := range hosts {
		if err := s.ReportHost(service(t.Context()), name); err != nil {
			t.Fatal(err)
		}
	}
}

// Two control planes on one database take turns, and the hosts are as if there
// were one.
func TestTwoManagersKeepOneCloud(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ram := map[string]*memory.Driver{"a": memory.New(), "b": memory.New()}
		hosts := far{"a": network.Ordered(ram["a"]), "b": network.Ordered(ram["b"])}
		one, two := elsewhere(t, d, hosts, network.Config{}), elsewhere(t, d, hosts, network.Config{})
		report(t, one, hosts)
		n := newNetwork(t, one, "10.0.0.0/16")
		either := either(t, one, two)
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				host := []string{"a", "b"}[i%2]
				p, err := either.CreatePort(service(t.Context()), network.PortSpec{NetworkID: n, Host: host})
				if err == nil && i%3 == 0 {
					err = either.DeletePort(member(t.Context()), p.ID)
				}
				if err == nil && i%3 == 1 {
					err = either.Unbind(service(t.Context()), network.UnbindSpec{Port: p.ID})
					if err == nil {
						_, err = either.Bind(service(t.Context()), network.BindSpec{Port: p.ID, Host: host, ServerID: "s"})
					}
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for host, r := range ram {
			networktest.SameView(t, r.View, func() (network.View, error) { return two.HostView(service(t.Context()), host) })
			if v := r.View(); len(v.Ports) != 20 || len(v.Groups) != 1 || len(v.Groups[0].Addresses) != 40 {
				t.Errorf("%s carries %d ports, %+v", host, len(v.Ports), v.Groups)
			}
		}
		ports, err := one.Ports(member(t.Context()), network.Query{})
		for _, p := range ports.Items {
			if p.Status != network.Active {
				t.Errorf("port %s is %s", p.ID, p.Status)
			}
		}
		if err != nil || len(ports.Items) != 40 {
			t.Errorf("%d ports, %v", len(ports.Items), err)
		}
	}, migrations...)
}

// What one Manager does to everything reaches hosts that the other told last.
func TestTwoManagersFollowEachOther(t *testing.T) {
	d := dbtest.Postgres(t, migrations...)
	ram := map[string]*memory.Driver{"a": memory.New(), "b": memory.New()}
	hosts := far{"a": network.Ordered(ram["a"]), "b": network.Ordered(ram["b"])}
	one, two := elsewhere(t, d, hosts, network.Config{}), elsewhere(t, d, hosts, network.Config{})
	report(t, two, hosts)
	networktest.Churn(t, either(t, one, two))
	for host, r := range ram {
		networktest.SameView(t, r.View, func() (network.View, error) { return one.HostView(service(t.Context()), host) })
	}
}

// A newly bound port is let in by rules of a host that another Manager told.
func TestAMemberIsKnownWhereAnotherManagerPluggedIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ram := memory.New()
		hosts := far{"a": network.Ordered(ram), "b": network.Ordered(memory.New())}
		one, two := elsewhere(t, d, hosts, network.Config{}), elsewhere(t, d, hosts, network.Config{})
		report(t, one, hosts)
		n := newNetwork(t, one, "10.0.0.0/24")
		plug := func(m *network.Manager, host string) network.Port {
			p, err := m.CreatePort(service(t.Context()), network.PortSpec{NetworkID: n, Host: host})
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		plug(one, "a")
		p := plug(two, "b")
		members := func(want int) {
			t.Helper()
			flowtest.Eventually(t, "the host knows who is in the group", func() bool {
				g := ram.View().Groups
				return len(g) == 1 && len(g[0].Addresses) == want
			})
		}
		members(2)
		if err := one.DeletePort(member(t.Context()), p.ID); err != nil {
			t.Fatal(err)
		}
		members(1)
	}, migrations...)
}

func TestAnOlderViewIsRefused(t *testing.T) {
	ram := memory.New()
	d := network.Ordered(ram)
	give := func(generation int64, ids ...string) error {
		v := network.View{Generation: generation}
		for _, id := range ids {
			v.Networks = append(v.Networks, network.HostNetwork{ID: id})
		}
		return d.Apply(t.Context(), v)
	}
	for _, err := range []error{give(2, "new"), give(2, "new")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := give(1, "old"); !errors.Is(err, network.ErrStale) {
		t.Errorf("%v, want stale", err)
	}
	if v := ram.View(); len(v.Networks) != 1 || v.Networks[0].ID != "new" {
		t.Errorf("%+v", v)
	}
	if err := give(3); err != nil || len(ram.View().Networks) != 0 {
		t.Errorf("%v, %+v", err, ram.View())
	}
}

func TestAnOrderedDriverIsADriver(t *testing.T) {
	networktest.TestDriver(t, func(*testing.T) network.Driver { return network.Ordered(memory.New()) })
}

// A host that stops reporting is down, and nothing waits for it.
func TestAHostThatIsGoneIsDown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		hosts := far{"gone": memory.New()}
		m := elsewhere(t, d, hosts, network.Config{DeadAfter: 2 * time.Second})
		ctx := service(t.Context())
		n := newNetwork(t, m, "10.0.0.0/24")
		spec := network.PortSpec{ID: "0190aaaa-0000-7000-8000-00000000000a", NetworkID: n, Host: "gone"}
		if _, err := m.CreatePort(ctx, spec); !errors.Is(err, network.ErrNoHost) || !errors.Is(err, fault.Unavailable) {
			t.Fatalf("plugged into a host that never was: %v", err)
		}
		report(t, m, hosts)
		p, err := m.CreatePort(ctx, spec)
		if err != nil || p.Status != network.Active {
			t.Fatal(p.Status, err)
		}
		eventually := func(want network.Status, up bool) {
			t.Helper()
			flowtest.Eventually(t, "the port is "+string(want), func() bool {
				if up {
					report(t, m, hosts)
				}
				all, err := m.Hosts(ctx)
				err = errors.Join(err, m.Reconcile(t.Context()))
				p, e := m.Port(ctx, p.ID)
				return err == nil && e == nil && p.Status == want && len(all) == 1 && all[0].Up == up
			})
		}
		eventually(network.Down, false)
		if _, err := m.Bind(ctx, network.BindSpec{Port: p.ID, Host: "gone"}); !errors.Is(err, network.ErrNoHost) {
			t.Errorf("plugged into a silent host: %v", err)
		}
		eventually(network.Active, true)
	}, migrations...)
}

// An agent asks for its host's view when it starts, however late somebody hears it.
func TestAnAgentInsists(t *testing.T) {
	d := dbtest.SQLite(t, migrations...)
	server, client := bustest.Pair(t, bustest.NATS, d)
	ram := memory.New()
	networkrpc.ServeHost(client, "far", network.Ordered(ram))
	runtest.Start(t, network.NewAgent("far", networkrpc.Client{Bus: client}, nil))
	m, err := network.New(network.Params{DB: d, Remote: func(name string) network.Driver { return networkrpc.Host{Bus: server, Name: name} }})
	if err != nil {
		t.Fatal(err)
	}
	runtest.Start(t, m)
	networkrpc.Serve(server, m)
	flowtest.Eventually(t, "the host is known and was told", func() bool {
		all, err := m.Hosts(service(t.Context()))
		return err == nil && len(all) == 1 && all[0].Name == "far" && ram.View().Generation > 0
	})
}
