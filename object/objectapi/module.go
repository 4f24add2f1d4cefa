package objectapi

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/object"
)

// Params is what the face is made of. Content must be in this process.
type Params struct {
	fx.In

	Service object.Service
	Content object.Content
}

// Module adds the face to the server.
var Module = fx.Module("objectapi", rest.AddFace(Face))
