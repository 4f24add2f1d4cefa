package memory

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/object"
)

// Backend lists RAM as the place of all objects, under a name clients see.
func Backend(name string, cfg Config) fx.Option {
	return object.AddBackend(name, func() object.Driver { return New(cfg) })
}
