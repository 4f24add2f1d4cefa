package nats

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/bus"
)

// Module puts the bus of the program on the NATS server that c names.
func Module(c Config) fx.Option {
	return fx.Module("bus/nats", fx.Provide(func(l fx.Lifecycle) bus.Transport {
		return transport(l, c)
	}))
}

// Embedded runs a NATS server in the program and puts its bus on it. Other
// processes connect with Module.
func Embedded(c ServerConfig) fx.Option {
	return fx.Module("bus/nats", fx.Provide(func(l fx.Lifecycle) (bus.Transport, *Server) {
		s := NewServer(c)
		l.Append(fx.Hook{OnStart: s.Start, OnStop: s.Stop})
		return transport(l, Config{Server: s}), s
	}))
}

func transport(l fx.Lifecycle, c Config) bus.Transport {
	client := New(c)
	l.Append(fx.Hook{OnStart: client.Start, OnStop: client.Stop})
	return client.Transport()
}
