package volumeapi

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/rest"
)

// Module serves the program's volume.Service over HTTP.
var Module = fx.Module("volume api", rest.AddFace(New))
