package scheduler

import (
	"embed"
	"log/slog"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/db"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables of this domain.
var Migrations = db.Migrations{Domain: "scheduler", Files: files}

// Params is what a Manager is made of. DB is needed, and must hold the tables of
// the bus too.
type Params struct {
	fx.In

	DB       *db.DB
	Config   Config       `optional:"true"`
	Filters  []Filter     `group:"scheduler.filters"`  // run after the built-in ones
	Weighers []Weigher    `group:"scheduler.weighers"` // added to the strategy's weight
	Log      *slog.Logger `optional:"true"`
}

// Module provides the Service of a process that reaches the database.
var Module = fx.Module("scheduler", db.AddMigrations(Migrations), fx.Provide(newStarted))

func newStarted(lc fx.Lifecycle, p Params) (Service, error) {
	m, err := New(p)
	if err != nil {
		return nil, err
	}
	lc.Append(fx.StartStopHook(m.Start, m.Stop))
	return m, nil
}

// AddFilter adds what a constructor returns to the filters of every search.
func AddFilter(constructor any) fx.Option {
	return fx.Provide(fx.Annotate(constructor, fx.ResultTags(`group:"scheduler.filters"`)))
}

// AddWeigher adds what a constructor returns to the weight of every host.
func AddWeigher(constructor any) fx.Option {
	return fx.Provide(fx.Annotate(constructor, fx.ResultTags(`group:"scheduler.weighers"`)))
}
