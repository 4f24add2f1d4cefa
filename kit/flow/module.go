package flow

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/db"
)

// Params are what the Engine of a program is made of.
type Params struct {
	fx.In

	DB     *db.DB
	Log    *slog.Logger         `optional:"true"` // default: nothing is logged
	Config Config               `optional:"true"`
	Traces trace.TracerProvider `optional:"true"` // where Config has none
}

// Module provides the Engine, starts it after the domains that registered flows,
// and stops it before them.
var Module = fx.Module("flow",
	db.AddMigrations(Migrations),
	fx.Provide(
		newEngine,
		fx.Annotate(func(e *Engine) []prometheus.Collector { return e.Collectors() }, fx.ResultTags(`group:"rest.metrics,flatten"`)),
	),
	fx.Invoke(func(lc fx.Lifecycle, e *Engine) { lc.Append(fx.StartStopHook(e.Start, e.Stop)) }),
)

func newEngine(p Params) *Engine {
	if p.Config.Traces == nil {
		p.Config.Traces = p.Traces
	}
	return NewEngine(p.DB, p.Log, p.Config)
}
