package memory

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/metering"
)

// Module keeps metering's samples in RAM instead of its tables.
var Module = fx.Module("metering memory", fx.Provide(func() metering.Driver { return New() }))
