package bus

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/db"
)

// Params is what a Bus is made of. Everything is optional.
type Params struct {
	fx.In

	Transport Transport             `optional:"true"` // default: within this process
	DB        *db.DB                `optional:"true"` // without it there are calls but no events
	Config    Config                `optional:"true"`
	Log       *slog.Logger          `optional:"true"` // default: slog.Default()
	Metrics   prometheus.Registerer `optional:"true"`
	Traces    trace.TracerProvider  `optional:"true"` // default: OpenTelemetry's global one
}

// Module provides a *Bus that starts and stops with the program. List
// nats.Module beside it to reach other processes.
var Module = fx.Module("bus", db.AddMigrations(Migrations), fx.Provide(newStarted))

func newStarted(l fx.Lifecycle, p Params) *Bus {
	b := New(p)
	l.Append(fx.Hook{OnStart: b.Start, OnStop: b.Stop})
	return b
}
