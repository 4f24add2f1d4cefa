package identityrpc

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
)

// Module gives a process the identity.Service of another one, and lets it
// accept tokens.
var Module = fx.Module("identity client",
	identity.AuthModule,
	fx.Provide(func(b *bus.Bus) identity.Service { return Client{b} }),
)

// Server serves this process's identity.Service to the others.
var Server = fx.Module("identity server", fx.Invoke(Serve))
