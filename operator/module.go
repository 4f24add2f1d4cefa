package operator

import (
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// Params is what a Desk is made of.
type Params struct {
	fx.In

	Flows *flow.Engine
	Bus   *bus.Bus
	Log   *slog.Logger `optional:"true"`
}

// Module provides the Desk of this process and serves it over HTTP.
var Module = fx.Module("operator", fx.Provide(New), rest.AddFace((*Desk).Face))
