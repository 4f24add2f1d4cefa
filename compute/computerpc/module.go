package computerpc

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/bus"
)

// Module provides a compute.Service that another process serves.
var Module = fx.Module("compute client", fx.Provide(func(b *bus.Bus) compute.Service { return Client{b} }))

// Server serves this process's compute.Service to the others.
var Server = fx.Module("compute server", fx.Invoke(Serve))

// Remote lets this process's compute.Service reach hosts of other processes.
var Remote = fx.Module("compute remote hosts", fx.Provide(fx.Annotate(
	func(b *bus.Bus) func(string) compute.Driver {
		return func(name string) compute.Driver { return Host(b, name) }
	}, fx.ResultTags(`name:"compute.remote"`))))

// HostServer serves each host that this process lists (compute.AddHost) to the control plane.
var HostServer = fx.Module("compute host server", fx.Invoke(func(p struct {
	fx.In

	Bus   *bus.Bus
	Hosts []compute.Host `group:"compute.hosts"`
},
) {
	for _, h := range p.Hosts {
		ServeHost(p.Bus, h.Name, h.Driver)
	}
}))
