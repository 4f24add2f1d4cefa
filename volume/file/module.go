package file

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/volume"
)

// Backend adds a volume backend called name that keeps volumes in a directory.
func Backend(name string, c Config) fx.Option {
	return volume.AddBackend(name, func() (volume.Driver, error) { return New(c) })
}
