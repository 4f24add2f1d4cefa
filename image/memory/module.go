package memory

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/image"
)

// Store adds an image store called name that lives in RAM.
func Store(name string, c Config) fx.Option {
	return image.AddStore(name, func() image.Driver { return New(c) })
}
