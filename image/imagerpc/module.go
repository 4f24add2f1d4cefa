package imagerpc

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/bus"
)

// Module provides the image.Service and image.Content that another process serves.
var Module = fx.Module("image client", fx.Provide(
	func(b *bus.Bus) image.Service { return Client{b} },
	func(b *bus.Bus) image.Content { return Content{Bus: b} },
	func(b *bus.Bus) image.Source { return Content{Bus: b} },
))

// Server serves this process's images to the others. Their bytes go over HTTP:
// list imageapi.Bytes too.
var Server = fx.Module("image server", fx.Invoke(Serve, ServeTickets))
