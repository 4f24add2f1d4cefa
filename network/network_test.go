package network_test

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/memory"
	"github.com/nacre-cloud/nacre/network/networkrpc"
	"github.com/nacre-cloud/nacre/network/networktest"
)

var migrations = []db.Migrations{bus.Migrations, quota.Migrations, network.Migrations}

func newManager(t testing.TB, d *db.DB, hosts ...network.Host) *network.Manager {
	t.Helper()
	if hosts == nil {
		hosts = []network.Host{{Name: "host1", Driver: memory.New()}, {Name: "host2", Driver: memory.New()}}
	}
	m, err := network.New(network.Params{DB: d, Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	return runtest.Start(t, m)
}

func member(ctx context.Context) context.Context {
	return identity.With(ctx, identity.Caller{UserID: "u", ProjectID: "p", Roles: identity.Expand(identity.RoleMember)})
}

func service(ctx context.Context) context.Context { return identity.AsService(member(ctx), "compute") }

// newNetwork makes a network with a subnet.
func newNetwork(t testing.TB, m network.Service, cidr string) network.ID {
	t.Helper()
	n, err := m.CreateNetwork(member(t.Context()), network.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.CreateSubnet(member(t.Context()), network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix(cidr)}); err != nil {
		t.Fatal(err)
	}
	return n.ID
}

func TestManager(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) {
		networktest.TestService(t, func(t *testing.T) network.Service {
			return newManager(t, dbtest.SQLite(t, migrations...))
		})
	})
	t.Run("postgres", func(t *testing.T) {
		networktest.TestService(t, func(t *testing.T) network.Service {
			return newManager(t, dbtest.Postgres(t, migrations...))
		})
	})
}

func TestClient(t *testing.T) {
	for _, kind := range []bustest.Kind{bustest.GoChannel, bustest.NATS} {
		t.Run(string(kind), func(t *testing.T) {
			networktest.TestService(t, func(t *testing.T) network.Service {
				d := dbtest.SQLite(t, migrations...)
				server, client := bustest.Pair(t, kind, d)
				networkrpc.Serve(server, newManager(t, d))
				return networkrpc.Client{Bus: client}
			})
		})
	}
}

func TestAHostOfAnotherProcess(t *testing.T) {
	for _, kind := range []bustest.Kind{bustest.GoChannel, bustest.NATS} {
		t.Run(string(kind), func(t *testing.T) {
			networktest.TestDriver(t, func(t *testing.T) network.Driver {
				control, host := bustest.Pair(t, kind, nil)
				networkrpc.ServeHost(host, "far", memory.New())
				return networkrpc.Host{Bus: control, Name: "far"}
			})
		})
	}
}

func TestNoTwoPortsShareAnAddress(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		m := newManager(t, d)
		n := newNetwork(t, m, "10.0.0.0/26") // 62, but the gateway's and that of DHCP
		var mu sync.Mutex
		var all sync.WaitGroup
		held, refused := map[netip.Addr]int{}, 0
		for range 64 {
			all.Go(func() {
				p, err := m.CreatePort(member(t.Context()), network.PortSpec{NetworkID: n})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					held[p.Addresses[0].Address]++
				case errors.Is(err, network.ErrNoAddress) && errors.Is(err, fault.Exhausted):
					refused++
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(held) != 60 || refused != 4 {
			t.Errorf("%d addresses, %d refused: want 60 and 4", len(held), refused)
		}
		for a, times := range held {
			if times > 1 {
				t.Errorf("%s has %d ports", a, times)
			}
		}
		rest, err := m.Ports(member(t.Context()), network.Query{})
		if err != nil || len(rest.Items) != 60 {
			t.Errorf("%d ports, %v", len(rest.Items), err)
		}
	}, migrations...)
}

// lame is a host that fails as long as it is told to.
type lame struct {
	*memory.Driver
	mu    sync.Mutex
	fails bool
	calls int
}

func (l *lame) fail(fails bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fails = fails
}

func (l *lame) Apply(ctx context.Context, v network.View) error {
	l.mu.Lock()
	l.calls++
	fail := l.fails
	l.mu.Unlock()
	if fail {
		return errors.New("the host is rebooting")
	}
	return l.Driver.Apply(ctx, v)
}

func TestBindFailsWhileTheHostDoes(t *testing.T) {
	h := &lame{Driver: memory.New()}
	m := newManager(t, dbtest.SQLite(t, migrations...), network.Host{Name: "h", Driver: h})
	n := newNetwork(t, m, "10.0.0.0/24")
	p, err := m.CreatePort(member(t.Context()), network.PortSpec{NetworkID: n})
	if err != nil {
		t.Fatal(err)
	}
	h.fail(true)
	spec := network.BindSpec{Port: p.ID, Host: "h", ServerID: "s"}
	if _, err := m.Bind(service(t.Context()), spec); !errors.Is(err, fault.Unavailable) {
		t.Fatalf("%v, want unavailable", err)
	}
	if p, err := m.Port(member(t.Context()), p.ID); err != nil || p.Status != network.Down {
		t.Errorf("%s, %v", p.Status, err)
	}
	h.fail(false)
	if _, err := m.Bind(service(t.Context()), spec); err != nil {
		t.Fatal(err)
	}
	if v := h.View(); len(v.Ports) != 1 || v.Ports[0].ID != string(p.ID) {
		t.Errorf("%+v", v.Ports)
	}
}

func TestManyBindsAtOnceAreFewApplies(t *testing.T) {
	h := &lame{Driver: memory.New()}
	m := newManager(t, dbtest.SQLite(t, migrations...), network.Host{Name: "h", Driver: h})
	n := newNetwork(t, m, "10.0.0.0/16")
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, err := m.CreatePort(service(t.Context()), network.PortSpec{NetworkID: n, Host: "h"}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	v := h.View()
	if len(v.Ports) != 100 || len(v.Groups) != 1 || len(v.Groups[0].Addresses) != 100 {
		t.Errorf("%d ports, %+v", len(v.Ports), v.Groups)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls > 60 {
		t.Errorf("%d applies for 100 ports", h.calls)
	}
}

func TestWhatIsAppliedIsTheWholeView(t *testing.T) {
	d1, d2 := memory.New(), memory.New()
	m := newManager(t, dbtest.SQLite(t, migrations...), network.Host{Name: "a", Driver: d1}, network.Host{Name: "b", Driver: d2})
	networktest.Churn(t, m)
	for host, d := range map[string]*memory.Driver{"a": d1, "b": d2} {
		networktest.SameView(t, d.View, func() (network.View, error) { return m.HostView(service(t.Context()), host) })
	}
}

func TestNewExplainsWhatIsMissing(t *testing.T) {
	one := network.Host{Name: "a", Driver: memory.New()}
	for name, p := range map[string]network.Params{
		"no host":             {},
		"two of one name":     {Hosts: []network.Host{one, one}},
		"unknown router host": {Hosts: []network.Host{one}, Config: network.Config{RouterHost: "b"}},
	} {
		if _, err := network.New(p); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestModule(t *testing.T) {
	for name, hosts := range map[string]fx.Option{
		"here":      network.AddHost("h", func() network.Driver { return memory.New() }),
		"elsewhere": fx.Options(networkrpc.Remote, bus.Module),
	} {
		err := fx.ValidateApp(fx.NopLogger, network.Module, hosts, db.Module, quota.Module,
			fx.Supply(db.Config{URL: "sqlite:/dev/null"}), fx.Invoke(func(network.Service) {}))
		if err != nil {
			t.Errorf("hosts %s: %v", name, err)
		}
	}
}
