package networkapi

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/rest"
)

// Module serves the program's network.Service over HTTP.
var Module = fx.Module("network api", rest.AddFace(New))
