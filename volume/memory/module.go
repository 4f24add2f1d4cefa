package memory

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/volume"
)

// Backend adds a volume backend called name that lives in RAM.
func Backend(name string) fx.Option {
	return volume.AddBackend(name, func() volume.Driver { return New() })
}
