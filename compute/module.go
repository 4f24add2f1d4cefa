package compute

import (
	"context"
	"embed"
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/driver"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/volume"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables of this domain.
var Migrations = db.Migrations{Domain: "compute", Files: files}

// Params are what a Manager is made of. Hosts are those of this process; Remote,
// which may be absent, reaches the others by name.
type Params struct {
	fx.In

	DB        *db.DB
	Flows     *flow.Engine
	Bus       *bus.Bus `optional:"true"` // without it addresses that change later are not seen
	Images    image.Service
	Networks  network.Service
	Volumes   volume.Service
	Scheduler scheduler.Service
	Hosts     []Host                   `group:"compute.hosts"`
	Remote    func(host string) Driver `name:"compute.remote" optional:"true"`
	Log       *slog.Logger             `optional:"true"`
	Config    Config                   `optional:"true"`
}

// Module provides the Service of the process that owns the tables. It needs at
// least one host.
var Module = fx.Module("compute", db.AddMigrations(Migrations), fx.Provide(newStarted))

func newStarted(lc fx.Lifecycle, p Params) (Service, error) {
	m, err := New(p)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StartStopHook(m.Start, m.Stop))
	return m, nil
}

// A Host is a named Driver in this process.
type Host struct {
	Name   string
	Driver Driver
	Config AgentConfig
}

// AddHost makes the driver that newDriver returns the host called name. newDriver is a function that returns a
// Driver, or a Driver and an error; its parameters come from the program.
func AddHost(name string, c AgentConfig, newDriver any) fx.Option {
	return driver.Add("compute host "+name, "compute.hosts", newDriver, func(d Driver) Host { return Host{name, d, c} })
}

// Agents speaks to the scheduler for every host of this process.
var Agents = fx.Module("compute agents", fx.Invoke(func(p struct {
	fx.In

	Lifecycle fx.Lifecycle
	Hosts     []Host `group:"compute.hosts"`
	Scheduler scheduler.Service
	Servers   Service
	Log       *slog.Logger `optional:"true"`
},
) {
	for _, h := range p.Hosts {
		a := NewAgent(h, p.Scheduler, p.Servers, p.Log)
		p.Lifecycle.Append(fx.StartStopHook(func(ctx context.Context) error { return a.Start(ctx) }, a.Stop))
	}
}))
