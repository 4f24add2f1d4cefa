package volume

import (
	"embed"
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/driver"
	"github.com/nacre-cloud/nacre/kit/flow"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables of this domain.
var Migrations = db.Migrations{Domain: "volume", Files: files}

// Params are what a Manager is made of. Images and Sink may be absent: then no
// volume is made from an image, or no image from a volume.
type Params struct {
	fx.In

	DB       *db.DB
	Flows    *flow.Engine
	Backends []Backend    `group:"volume.backends"`
	Images   ImageSource  `optional:"true"`
	Sink     ImageSink    `optional:"true"`
	Log      *slog.Logger `optional:"true"`
	Config   Config       `optional:"true"`
}

// Module provides the Service of the process that owns the tables. It needs at
// least one backend.
var Module = fx.Module("volume", db.AddMigrations(Migrations), fx.Provide(newStarted))

func newStarted(lc fx.Lifecycle, p Params) (Service, error) {
	m, err := New(p)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StartStopHook(m.Start, m.Stop))
	return m, nil
}

// A Backend is a named Driver. A volume type chooses one by name.
type Backend struct {
	Name   string
	Driver Driver
}

// AddBackend makes the driver that newDriver returns available as name. newDriver is a function that returns a
// Driver, or a Driver and an error; its parameters come from the program.
func AddBackend(name string, newDriver any) fx.Option {
	return driver.Add("volume backend "+name, "volume.backends", newDriver, func(d Driver) Backend { return Backend{name, d} })
}
