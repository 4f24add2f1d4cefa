package file

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/image"
)

// Store adds an image store called name that keeps images in a directory.
func Store(name, dir string) fx.Option {
	return image.AddStore(name, func() image.Driver { return New(dir) })
}
