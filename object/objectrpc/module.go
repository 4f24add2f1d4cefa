package objectrpc

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/object"
)

// Module provides an object.Service that another process serves.
var Module = fx.Module("object client", fx.Provide(func(b *bus.Bus) object.Service { return New(b) }))

// Server serves this process's object.Service to the others.
var Server = fx.Module("object server", fx.Invoke(Serve))
