package object

import (
	"embed"
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/driver"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables of this domain.
var Migrations = db.Migrations{Domain: "object", Files: files}

// Params is what a Manager is made of.
type Params struct {
	fx.In

	DB       *db.DB
	Backends []Backend    `group:"object.backends"` // exactly one
	Config   Config       `optional:"true"`
	Log      *slog.Logger `optional:"true"`
}

// A Backend is a Driver and the name of the storage policy it stands for.
type Backend struct {
	Name   string
	Driver Driver
}

// Module provides the Service and Content of the process that owns the tables.
// It needs one backend.
var Module = fx.Module("object",
	db.AddMigrations(Migrations),
	fx.Provide(newStarted, asService, asContent))

func newStarted(lc fx.Lifecycle, p Params) (*Manager, error) {
	m, err := New(p)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StartStopHook(m.Start, m.Stop))
	return m, nil
}

func asService(m *Manager) Service { return m }

func asContent(m *Manager) Content { return m }

// AddBackend makes the driver that newDriver returns the place of all blobs; clients see its name as a storage
// policy. newDriver is a function that returns a Driver, or a Driver and an error; its parameters come from the
// program.
func AddBackend(name string, newDriver any) fx.Option {
	return driver.Add("object backend "+name, "object.backends", newDriver, func(d Driver) Backend { return Backend{name, d} })
}
