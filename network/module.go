package network

import (
	"embed"
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/driver"
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
var Module = fx.Module("network", db.AddMigrations(Migrations), fx.Provide(newStarted))

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

// AddHost makes the host that newDriver returns carry networks as name. newDriver is a function that returns a
// Driver, or a Driver and an error; its parameters come from the program.
func AddHost(name string, newDriver any) fx.Option {
	return driver.Add("network host "+name, "network.hosts", newDriver, func(d Driver) Host { return Host{name, d} })
}
