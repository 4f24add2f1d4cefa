// Package bustest gives tests a running bus, and checks transports.
package bustest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/nats"
	"github.com/nacre-cloud/nacre/kit/db"
)

// A Kind is a transport that comes with the project.
type Kind string

// The transports of this project.
const (
	GoChannel Kind = "gochannel" // within the process
	NATS      Kind = "nats"      // a NATS server of the test, over TCP
	Embedded  Kind = "embedded"  // a NATS server of the test, without a socket
)

// Kinds lists every transport.
var Kinds = []Kind{GoChannel, NATS, Embedded}

// New returns a started bus of this process alone, which stops with the test. A
// nil database makes a bus without events.
func New(t testing.TB, d *db.DB) *bus.Bus {
	t.Helper()
	return Start(t, bus.Params{DB: d})
}

// Start returns a started bus made of p, which stops with the test.
func Start(t testing.TB, p bus.Params) *bus.Bus {
	t.Helper()
	if p.Log == nil {
		p.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	b := bus.New(p)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, b.Stop) })
	return b
}

// Pair returns two started busses on one transport: a server on the database d,
// which may be nil, and a client without any.
func Pair(t testing.TB, kind Kind, d *db.DB) (server, client *bus.Bus) {
	t.Helper()
	connect := Broker(t, kind)
	return Start(t, bus.Params{Transport: connect(t), DB: d}), Start(t, bus.Params{Transport: connect(t)})
}

// Each runs f on a pair of every kind, without databases.
func Each(t *testing.T, f func(t *testing.T, server, client *bus.Bus)) {
	for _, kind := range Kinds {
		t.Run(string(kind), func(t *testing.T) {
			server, client := Pair(t, kind, nil)
			f(t, server, client)
		})
	}
}

// Broker starts a broker and returns what connects to it. Connections of
// GoChannel are one and the same. All ends with the test.
func Broker(t testing.TB, kind Kind) (connect func(testing.TB) bus.Transport) {
	t.Helper()
	if kind == GoChannel {
		transport := bus.InProcess()
		t.Cleanup(func() { stop(t, func(context.Context) error { return transport.Close() }) })
		return func(testing.TB) bus.Transport { return transport }
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	c := nats.ServerConfig{Logger: log}
	if kind == NATS {
		c.Listen, c.Token = "127.0.0.1:0", "secret of the test"
	}
	server := nats.NewServer(c)
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server.Stop) })
	return func(t testing.TB) bus.Transport {
		t.Helper()
		to := nats.Config{URL: server.URL(), Token: c.Token, Logger: log}
		if kind == Embedded {
			to = nats.Config{Server: server, Logger: log}
		}
		client := nats.New(to)
		if err := client.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { stop(t, client.Stop) })
		return client.Transport()
	}
}

// stop ends something after the test, whose context is over.
func stop(t testing.TB, f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	if err := f(ctx); err != nil {
		t.Error(err)
	}
}
