package nats

import (
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/bus"
)

// Module puts the bus of the program on the NATS server that c names. Where c has
// no Logger, the program's is used.
func Module(c Config) fx.Option {
	return fx.Module("bus/nats", fx.Provide(func(p params) bus.Transport {
		if c.Logger == nil {
			c.Logger = p.Log
		}
		return transport(p.Lifecycle, c)
	}))
}

// Embedded runs a NATS server in the program and puts its bus on it. Other
// processes connect with Module. Where c has no Logger, the program's is used.
func Embedded(c ServerConfig) fx.Option {
	return fx.Module("bus/nats", fx.Provide(func(p params) (bus.Transport, *Server) {
		if c.Logger == nil {
			c.Logger = p.Log
		}
		s := NewServer(c)
		p.Lifecycle.Append(fx.Hook{OnStart: s.Start, OnStop: s.Stop})
		return transport(p.Lifecycle, Config{Server: s, Logger: c.Logger}), s
	}))
}

type params struct {
	fx.In

	Lifecycle fx.Lifecycle
	Log       *slog.Logger `optional:"true"`
}

func transport(l fx.Lifecycle, c Config) bus.Transport {
	client := New(c)
	l.Append(fx.Hook{OnStart: client.Start, OnStop: client.Stop})
	return client.Transport()
}
