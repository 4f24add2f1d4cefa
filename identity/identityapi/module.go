package identityapi

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/rest"
)

// Module serves the face of the listed identity.
var Module = fx.Module("identityapi", rest.AddFace(New))
