package rest

import (
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/fx"
)

// Params is what a Server is made of. Only Faces is needed to be of use.
type Params struct {
	fx.In

	Config        Config                 `optional:"true"`
	Faces         []Face                 `group:"rest.faces"`
	Extensions    []Extension            `group:"rest.extensions"`
	Checks        []Check                `group:"rest.checks"`
	Collectors    []prometheus.Collector `group:"rest.metrics"`
	Authenticator Authenticator          `optional:"true"` // without one only public routes answer
	Log           *slog.Logger           `optional:"true"` // default: nothing is logged
	Traces        trace.TracerProvider   `optional:"true"` // default: OpenTelemetry's global one
}

// Module serves the faces of all listed modules while the program runs.
var Module = fx.Module("rest",
	fx.Provide(New),
	fx.Invoke(func(lc fx.Lifecycle, s *Server) {
		lc.Append(fx.Hook{OnStart: s.Start, OnStop: s.Stop})
	}),
)

// AddFace gives the Face that a constructor returns to the Server.
func AddFace(constructor any) fx.Option {
	return fx.Provide(fx.Annotate(constructor, fx.ResultTags(`group:"rest.faces"`)))
}

// AddExtension gives the Extension that a constructor returns to the Server.
func AddExtension(constructor any) fx.Option {
	return fx.Provide(fx.Annotate(constructor, fx.ResultTags(`group:"rest.extensions"`)))
}

// AddCheck gives the Check that a constructor returns to /healthz.
func AddCheck(constructor any) fx.Option {
	return fx.Provide(fx.Annotate(constructor, fx.ResultTags(`group:"rest.checks"`)))
}
