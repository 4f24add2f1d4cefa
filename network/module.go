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

// Params are what a Manager is made of. Hosts are those of this process; Remote,
// which may be absent, reaches the others by name.
type Params struct {
	fx.In

	DB     *db.DB
	Hosts  []Host                   `group:"network.hosts"`
	Remote func(host string) Driver `name:"network.remote" optional:"true"`
	Log    *slog.Logger             `optional:"true"`
	Config Config                   `optional:"true"`
}

// Module provides the Service of the process that owns the tables. It needs at
// least one host, here or elsewhere.
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
	return driver.Add("network host "+name, "network.hosts", newDriver, func(d Driver) Host { return Host{name, Ordered(d)} })
}

// Agents speaks to a Manager elsewhere for every host of this process.
var Agents = fx.Module("network agents", fx.Invoke(func(p struct {
	fx.In

	Lifecycle fx.Lifecycle
	Hosts     []Host `group:"network.hosts"`
	Networks  Service
	Log       *slog.Logger `optional:"true"`
},
) {
	for _, h := range p.Hosts {
		a := NewAgent(h.Name, p.Networks, p.Log)
		p.Lifecycle.Append(fx.StartStopHook(a.Start, a.Stop))
	}
}))
