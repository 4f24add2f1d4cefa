package flow

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/db"
)

// Params are what the Engine of a program is made of.
type Params struct {
	fx.In

	DB     *db.DB
	Log    *slog.Logger `optional:"true"`
	Config Config       `optional:"true"`
}

// Module provides the Engine, starts it after the domains that registered flows,
// and stops it before them.
var Module = fx.Module("flow",
	db.AddMigrations(Migrations),
	fx.Provide(
		func(p Params) *Engine { return NewEngine(p.DB, p.Log, p.Config) },
		fx.Annotate(func(e *Engine) []prometheus.Collector { return e.Collectors() }, fx.ResultTags(`group:"rest.metrics,flatten"`)),
	),
	fx.Invoke(func(lc fx.Lifecycle, e *Engine) { lc.Append(fx.StartStopHook(e.Start, e.Stop)) }),
)
