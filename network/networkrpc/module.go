package networkrpc

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/network"
)

// Module provides a network.Service that another process serves.
var Module = fx.Module("network client", fx.Provide(func(b *bus.Bus) network.Service { return Client{b} }))

// Server serves this process's network.Service to the others.
var Server = fx.Module("network server", fx.Invoke(Serve))

// Remote lets this process's network.Service reach hosts of other processes.
var Remote = fx.Module("network remote hosts", fx.Provide(fx.Annotate(
	func(b *bus.Bus) func(string) network.Driver {
		return func(name string) network.Driver { return Host{b, name} }
	}, fx.ResultTags(`name:"network.remote"`))))

// HostServer serves each host that this process lists (network.AddHost) to the control plane.
var HostServer = fx.Module("network host server", fx.Invoke(func(p struct {
	fx.In

	Bus   *bus.Bus
	Hosts []network.Host `group:"network.hosts"`
},
) {
	for _, h := range p.Hosts {
		ServeHost(p.Bus, h.Name, h.Driver)
	}
}))
