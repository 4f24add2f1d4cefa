package volumerpc

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/volume"
)

// Module provides a volume.Service that another process serves.
var Module = fx.Module("volume client", fx.Provide(func(b *bus.Bus) volume.Service { return Client{b} }))

// Server serves this process's volume.Service to the others.
var Server = fx.Module("volume server", fx.Invoke(Serve))
