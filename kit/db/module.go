package db

import (
	"context"

	"go.uber.org/fx"
)

// Params are what the database of a program is made of. Every listed module adds
// its Migrations to the group.
type Params struct {
	fx.In

	Lifecycle  fx.Lifecycle
	Config     Config
	Migrations []Migrations `group:"db.migrations"`
}

// Module provides the database, brings it up to date when the program starts,
// and closes it when it stops. It needs a Config.
var Module = fx.Module("db", fx.Provide(func(p Params) (*DB, error) {
	d, err := Open(p.Config)
	if err != nil {
		return nil, err
	}
	p.Lifecycle.Append(fx.StartStopHook(
		func(ctx context.Context) error { return d.Migrate(ctx, p.Migrations...) },
		func(context.Context) error { return d.Close() },
	))
	return d, nil
}))

// AddMigrations gives the tables of a package to the program's database.
func AddMigrations(m Migrations) fx.Option {
	return fx.Provide(fx.Annotate(func() Migrations { return m }, fx.ResultTags(`group:"db.migrations"`)))
}
