package memory

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/compute"
)

// Host adds the host called name, whose guests live in RAM.
func Host(name string, c Config, agent compute.AgentConfig) fx.Option {
	return compute.AddHost(name, agent, func() compute.Driver { return New(c) })
}
