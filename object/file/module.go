package file

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/object"
)

// Backend lists a directory as the place of all objects, under a name clients see.
func Backend(name, dir string) fx.Option {
	return object.AddBackend(name, func() object.Driver { return New(dir) })
}
