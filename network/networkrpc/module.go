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

// AddHost makes the host of that name, in another process, carry networks.
func AddHost(name string) fx.Option {
	return fx.Module("network host "+name, fx.Provide(fx.Annotate(
		func(b *bus.Bus) network.Host { return network.Host{Name: name, Driver: Host{b, name}} },
		fx.ResultTags(`group:"network.hosts"`))))
}

// HostServer serves each host that this process lists (network.AddHost) to the control plane.
var HostServer = fx.Module("network host server", fx.Invoke(serveHosts))

type hostParams struct {
	fx.In

	Bus   *bus.Bus
	Hosts []network.Host `group:"network.hosts"`
}

func serveHosts(p hostParams) {
	for _, h := range p.Hosts {
		ServeHost(p.Bus, h.Name, h.Driver)
	}
}
