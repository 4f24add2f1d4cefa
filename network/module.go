package network

import (
	"context"
	"embed"
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/db"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables of this domain.
var Migrations = db.Migrations{Domain: domain, Files: files}

// Params are what a Manager is made of.
type Params struct {
	fx.In

	DB     *db.DB
	Hosts  []Host       `group:"network.hosts"`
	Log    *slog.Logger `optional:"true"`
	Config Config       `optional:"true"`
}

// Module provides the Service of the process that owns the tables. It needs at
// least one host.
var Module = fx.Module("network",
	fx.Provide(
		newStarted,
		fx.Annotate(func() db.Migrations { return Migrations }, fx.ResultTags(`group:"db.migrations"`)),
	))

func newStarted(lc fx.Lifecycle, p Params) (Service, error) {
	m, err := New(p)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StartStopHook(m.Start, m.Stop))
	return m, nil
}

// A Host is a named Driver. The name is that of the compute host whose servers it connects.
type Host struct {
	Name   string
	Driver Driver
}

// AddHost makes the host that newDriver returns carry networks as name. One with
// Start(ctx) error or Stop(ctx) error is started and stopped with the program.
func AddHost(name string, newDriver func() (Driver, error)) fx.Option {
	return fx.Module("network host "+name, fx.Provide(fx.Annotate(
		func(lc fx.Lifecycle) (Host, error) {
			d, err := newDriver()
			if err != nil {
				return Host{}, err
			}
			if s, ok := d.(interface{ Start(context.Context) error }); ok {
				lc.Append(fx.StartHook(s.Start))
			}
			if s, ok := d.(interface{ Stop(context.Context) error }); ok {
				lc.Append(fx.StopHook(s.Stop))
			}
			return Host{name, d}, nil
		}, fx.ResultTags(`group:"network.hosts"`))))
}
