package computeapi

import (
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/scheduler"
)

// Params are what the face is made of. The optional services answer the calls of
// this API that are about their things; without one those calls do not exist.
type Params struct {
	fx.In

	Servers   compute.Service
	Networks  network.Service   `optional:"true"`
	Images    image.Service     `optional:"true"`
	Scheduler scheduler.Service `optional:"true"`
}

// Module serves the face of the listed compute service, and has GuestMetadata.
var Module = fx.Module("computeapi", rest.AddFace(Face), GuestMetadata)

// GuestMetadata answers the guests of this process's hosts, whose networks ask it.
var GuestMetadata = fx.Provide(func(s compute.Service) network.MetadataHandler { return Metadata(s) })
