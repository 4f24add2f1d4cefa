package imageapi

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// Module serves the face of the listed image service.
var Module = fx.Module("imageapi", rest.AddFace(New))

// Bytes serves the bytes of this process's images to the hosts and other
// processes that ask for a ticket over the bus. It goes with imagerpc.Server.
var Bytes = fx.Module("image bytes",
	rest.AddFace(NewBytes),
	fx.Invoke(func(s *rest.Server, m *image.Manager) {
		m.ServedAt(func() string { return s.URL() + BytesPath })
	}))
