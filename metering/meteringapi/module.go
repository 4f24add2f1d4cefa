package meteringapi

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/rest"
)

// Module serves the face of the listed metering service.
var Module = fx.Module("meteringapi", rest.AddFace(New), rest.AddExtension(Usage))
