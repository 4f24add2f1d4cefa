package dns

import (
	"embed"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/rest"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables of this domain.
var Migrations = db.Migrations{Domain: "dns", Files: files}

// Params are what a Manager is made of.
type Params struct {
	fx.In

	DB      *db.DB
	Bus     *bus.Bus
	Flows   *flow.Engine
	Servers compute.Service
	Config  Config
}

// Module adds the domain to a cloud. It needs a Config.
var Module = fx.Module("dns",
	db.AddMigrations(Migrations),
	fx.Provide(func(p Params) Service { return New(p) }),
	rest.AddFace(NewFace),
)
