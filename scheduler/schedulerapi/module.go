package schedulerapi

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/rest"
)

// Module serves the face of the listed scheduler.
var Module = fx.Module("schedulerapi", rest.AddFace(New))
