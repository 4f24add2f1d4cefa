package schedulerrpc

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/scheduler"
)

// Module provides a scheduler.Service that another process serves.
var Module = fx.Module("scheduler client", fx.Provide(func(b *bus.Bus) scheduler.Service { return Client{b} }))

// Server serves this process's scheduler.Service to the others.
var Server = fx.Module("scheduler server", fx.Invoke(Serve))
