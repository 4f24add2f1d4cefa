package metering

import (
	"embed"
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables of this domain.
var Migrations = db.Migrations{Domain: "metering", Files: files}

// Params are what a Manager is made of. DB is needed.
type Params struct {
	fx.In

	DB      *db.DB
	Bus     *bus.Bus        `optional:"true"` // without it no spans are made
	Servers compute.Service `optional:"true"` // without it only Record brings samples
	Samples Driver          `optional:"true"` // default: tables in DB
	Config  Config          `optional:"true"`
	Log     *slog.Logger    `optional:"true"`
}

// Module provides the Service of the process that owns the tables.
var Module = fx.Module("metering",
	db.AddMigrations(Migrations),
	fx.Provide(newStarted),
	fx.Invoke(func(Service) {}), // it listens even when nobody asks it
)

func newStarted(lc fx.Lifecycle, p Params) Service {
	m := New(p)
	lc.Append(fx.StartStopHook(m.Start, m.Stop))
	return m
}
