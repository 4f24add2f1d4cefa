package networkrpc

import (
	"context"
	"log/slog"
	"sync"

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
	return network.AddHost(name, func(b *bus.Bus) network.Driver { return Host{b, name} })
}

// HostServer serves each host that this process lists (network.AddHost) to the control plane.
var HostServer = fx.Module("network host server", fx.Invoke(serveHosts))

type hostParams struct {
	fx.In

	Lifecycle fx.Lifecycle
	Bus       *bus.Bus
	Hosts     []network.Host `group:"network.hosts"`
	Log       *slog.Logger   `optional:"true"`
}

func serveHosts(p hostParams) {
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	for _, h := range p.Hosts {
		ServeHost(p.Bus, h.Name, h.Driver)
		var asking sync.WaitGroup
		ctx, cancel := context.WithCancel(context.Background())
		p.Lifecycle.Append(fx.StartStopHook(
			func() {
				asking.Go(func() {
					if err := announce(ctx, p.Bus, h.Name); err != nil {
						p.Log.Error("this host carries no networks", "host", h.Name, "error", err)
					}
				})
			},
			func() { cancel(); asking.Wait() },
		))
	}
}
