package image

import (
	"embed"
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/driver"
	"github.com/nacre-cloud/nacre/kit/flow"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables of this domain.
var Migrations = db.Migrations{Domain: "image", Files: files}

// Params are what a Manager is made of.
type Params struct {
	fx.In

	DB     *db.DB
	Flows  *flow.Engine
	Stores []Store      `group:"image.stores"`
	Log    *slog.Logger `optional:"true"`
	Config Config       `optional:"true"`
}

// Module provides the Manager of the process that owns the tables, as Service,
// Content and Source. It needs at least one store.
var Module = fx.Module("image",
	db.AddMigrations(Migrations),
	fx.Provide(
		newStarted,
		func(m *Manager) Service { return m },
		func(m *Manager) Content { return m },
		func(m *Manager) Source { return m },
	))

func newStarted(lc fx.Lifecycle, p Params) (*Manager, error) {
	m, err := New(p)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StartStopHook(m.Start, m.Stop))
	return m, nil
}

// A Store is a named Driver.
type Store struct {
	Name   string
	Driver Driver
}

// AddStore makes the driver that newDriver returns available as name. newDriver is a function that returns a
// Driver, or a Driver and an error; its parameters come from the program.
func AddStore(name string, newDriver any) fx.Option {
	return driver.Add("image store "+name, "image.stores", newDriver, func(d Driver) Store { return Store{name, d} })
}
