package meteringrpc

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/metering"
)

// Module provides a metering.Service that another process serves.
var Module = fx.Module("metering client", fx.Provide(func(b *bus.Bus) metering.Service { return Client{b} }))

// Server serves this process's metering.Service to the others.
var Server = fx.Module("metering server", fx.Invoke(Serve))
