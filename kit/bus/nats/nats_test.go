package nats_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
	"go.uber.org/goleak"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/bus/nats"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const echo = bus.Method[string, string]("test.echo")

func repeat(_ context.Context, s string) (string, error) { return s, nil }

// stopping stops something at the end of the test, whose own context is over then.
func stopping(t *testing.T, stop func(context.Context) error) {
	t.Cleanup(func() {
		if err := stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

func serve(t *testing.T, c nats.ServerConfig) *nats.Server {
	t.Helper()
	s := nats.NewServer(c)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	stopping(t, s.Stop)
	return s
}

func connect(t *testing.T, c nats.Config) bus.Transport {
	t.Helper()
	client := nats.New(c)
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	stopping(t, client.Stop)
	return client.Transport()
}

func start(t *testing.T, c nats.Config) *bus.Bus {
	t.Helper()
	return bustest.Start(t, bus.Params{Transport: connect(t, c), Config: bus.Config{Deadline: time.Second}})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("never happened: " + what)
		}
	}
}

func works(t *testing.T, server, client *bus.Bus) {
	t.Helper()
	echo.Serve(server, repeat)
	if got, err := echo.Call(t.Context(), client, "x"); err != nil || got != "x" {
		t.Fatal(got, err)
	}
}

func TestOpenSocketsBeyondLoopbackAreRefused(t *testing.T) {
	tests := map[string]struct {
		config nats.ServerConfig
		want   error
	}{
		"everywhere, open":      {nats.ServerConfig{Listen: ":0"}, fault.Invalid},
		"an address, open":      {nats.ServerConfig{Listen: "192.0.2.1:4222"}, fault.Invalid},
		"no address":            {nats.ServerConfig{Listen: "nonsense"}, fault.Invalid},
		"two ways to be let in": {nats.ServerConfig{Token: "a", Users: []nats.User{{Name: "b", Password: "c"}}}, fault.Invalid},
		"loopback, open":        {nats.ServerConfig{Listen: "127.0.0.1:0"}, nil},
		"everywhere, token":     {nats.ServerConfig{Listen: "0.0.0.0:0", Token: "long enough"}, nil},
		"no socket":             {nats.ServerConfig{}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := nats.NewServer(tt.config)
			err := s.Start(t.Context())
			if !errors.Is(err, tt.want) {
				t.Error(err)
			}
			stopping(t, s.Stop)
		})
	}
}

func TestCredentials(t *testing.T) {
	users := []nats.User{
		{Name: "control", Password: "control's"},
		{Name: "host", Password: "host's", Subscribe: []string{"bus.>", "*.*.@node1"}, Publish: []string{"bus.>"}},
	}
	token, named := nats.ServerConfig{Listen: "127.0.0.1:0", Token: "the token"}, nats.ServerConfig{Listen: "127.0.0.1:0", Users: users}
	tests := map[string]struct {
		server nats.ServerConfig
		client nats.Config
		want   error
	}{
		"token":          {token, nats.Config{Token: "the token"}, nil},
		"wrong token":    {token, nats.Config{Token: "another"}, fault.Unauthenticated},
		"no token":       {token, nats.Config{}, fault.Unauthenticated},
		"user":           {named, nats.Config{User: "control", Password: "control's"}, nil},
		"wrong password": {named, nats.Config{User: "control", Password: "guess"}, fault.Unauthenticated},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tt.server)
			tt.client.URL = s.URL()
			client := nats.New(tt.client)
			err := client.Start(t.Context())
			stopping(t, client.Stop)
			if !errors.Is(err, tt.want) || (err != nil && strings.Contains(err.Error(), "guess")) {
				t.Error(err)
			}
		})
	}
	t.Run("in the same process none are needed", func(t *testing.T) {
		for _, c := range []nats.ServerConfig{token, named} {
			inside := nats.Config{Server: serve(t, c)}
			works(t, start(t, inside), start(t, inside))
		}
	})
	t.Run("a host is held to its subjects", func(t *testing.T) {
		s := serve(t, named)
		host := start(t, nats.Config{URL: s.URL(), User: "host", Password: "host's"})
		control := start(t, nats.Config{Server: s})
		mine := bus.Method[string, string]("compute.echo").To("node1")
		mine.Serve(host, repeat)
		if got, err := mine.Call(t.Context(), control, "x"); err != nil || got != "x" {
			t.Error(got, err)
		}
		echo.Serve(control, repeat)
		if _, err := echo.Call(t.Context(), host, "x"); !errors.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	})
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	s := serve(t, nats.ServerConfig{Listen: "127.0.0.1:0", Token: "t", TLS: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}})
	c := nats.Config{URL: s.URL(), Token: "t", TLS: &tls.Config{RootCAs: roots}}
	works(t, start(t, c), start(t, c))
	works(t, start(t, nats.Config{Server: s}), start(t, nats.Config{Server: s}))
}

func TestBrokerMayRestartEmpty(t *testing.T) {
	d := dbtest.SQLite(t, bus.Migrations)
	first := nats.NewServer(nats.ServerConfig{Listen: "127.0.0.1:0"})
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(first.URL(), "nats://")
	c := nats.Config{URL: first.URL()}
	server := bustest.Start(t, bus.Params{Transport: connect(t, c), DB: d, Config: bus.Config{Deadline: time.Second}})
	client := start(t, c)
	works(t, server, client)
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := echo.Call(t.Context(), client, "x"); !errors.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if err := client.Ping(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	got := make(chan string, 1)
	bus.On(server, "l", func(_ context.Context, _ *db.Tx, e happened) error { got <- e.What; return nil })
	if err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error { return bus.Publish(ctx, tx, happened{"meanwhile"}) }); err != nil {
		t.Fatal(err)
	}
	if what := <-got; what != "meanwhile" {
		t.Error(what)
	}
	serve(t, nats.ServerConfig{Listen: address})
	eventually(t, "calls pass again", func() bool {
		_, err := echo.Call(t.Context(), client, "x")
		return err == nil
	})
}

type happened struct{ What string }

func (happened) Name() string { return "test.happened.v1" }

func TestServerMayComeLate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	c := nats.Config{URL: "nats://" + address}
	server, client := start(t, c), start(t, c)
	echo.Serve(server, repeat)
	if _, err := echo.Call(t.Context(), client, "x"); !errors.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	serve(t, nats.ServerConfig{Listen: address})
	eventually(t, "calls pass", func() bool {
		_, err := echo.Call(t.Context(), client, "x")
		return err == nil
	})
}

func TestModules(t *testing.T) {
	var control, host *bus.Bus
	var s *nats.Server
	one := fxtest.New(t, nats.Embedded(nats.ServerConfig{Listen: "127.0.0.1:0"}), bus.Module,
		fx.Supply(dbtest.SQLite(t, bus.Migrations)), fx.Populate(&control, &s), fx.NopLogger)
	one.RequireStart()
	defer one.RequireStop()
	two := fxtest.New(t, nats.Module(nats.Config{URL: s.URL()}), bus.Module, fx.Populate(&host), fx.NopLogger)
	two.RequireStart()
	defer two.RequireStop()
	works(t, host, control)
}
