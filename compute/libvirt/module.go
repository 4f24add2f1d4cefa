package libvirt

import (
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/compute"
)

// Host adds the host called name, whose guests run under libvirt. Where c has no
// Images or Log, those of the program are used.
func Host(name string, c Config, agent compute.AgentConfig) fx.Option {
	return compute.AddHost(name, agent, func(p params) (compute.Driver, error) {
		c := c
		if c.Images == nil {
			c.Images = p.Images
		}
		if c.Log == nil {
			c.Log = p.Log
		}
		return New(c)
	})
}

type params struct {
	fx.In

	Images compute.ImageSource `optional:"true"`
	Log    *slog.Logger        `optional:"true"`
}
