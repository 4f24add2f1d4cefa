package volume

import (
	"context"
	"embed"
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/db"
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
var Module = fx.Module("volume",
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

// A Backend is a named Driver. A volume type chooses one by name.
type Backend struct {
	Name   string
	Driver Driver
}

// AddBackend makes the driver that newDriver returns available as name. One with
// Start(ctx) error or Stop(ctx) error is started and stopped with the program.
func AddBackend(name string, newDriver func() (Driver, error)) fx.Option {
	return fx.Module("volume backend "+name, fx.Provide(fx.Annotate(
		func(lc fx.Lifecycle) (Backend, error) {
			d, err := newDriver()
			if err != nil {
				return Backend{}, err
			}
			if s, ok := d.(interface{ Start(context.Context) error }); ok {
				lc.Append(fx.StartHook(s.Start))
			}
			if s, ok := d.(interface{ Stop(context.Context) error }); ok {
				lc.Append(fx.StopHook(s.Stop))
			}
			return Backend{name, d}, nil
		}, fx.ResultTags(`group:"volume.backends"`))))
}
