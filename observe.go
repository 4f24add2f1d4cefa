package nacre

import (
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// observation serves at /metrics what the kit counts, and at /healthz whether
// this process hears the bus.
var observation = fx.Options(
	rest.Module,
	fx.Provide(
		prometheus.NewRegistry,
		func(r *prometheus.Registry) prometheus.Registerer { return r },
		fx.Annotate(func(r *prometheus.Registry) prometheus.Collector { return r }, fx.ResultTags(`group:"rest.metrics"`)),
	),
	rest.AddCheck(func(b *bus.Bus) rest.Check { return rest.Check{Name: "bus", Run: b.Ping} }),
)

// databaseHealth says at /healthz whether the database answers.
var databaseHealth = rest.AddCheck(func(d *db.DB) rest.Check { return rest.Check{Name: "database", Run: d.Ping} })
