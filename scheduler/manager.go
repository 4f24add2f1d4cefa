package scheduler

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// Config tunes a scheduler. The zero value is sensible.
type Config struct {
	Strategy  Strategy      // for specs that name none; Spread
	DeadAfter time.Duration // a host silent for longer gets no servers; 3 minutes
}

// Manager is the Service of a process that reaches the database. Any number may
// run on one database.
type Manager struct {
	db      *db.DB
	how     rules
	log     *slog.Logger
	index   index
	loading sync.Mutex
	now     func() time.Time

	reconciler *flow.Reconciler
}

// rules is how this scheduler chooses.
type rules struct {
	deadAfter time.Duration
	strategy  Strategy
	filters   []Filter
	extra     []Weigher
}

func (r rules) weighers(spec PlaceSpec) []Weigher {
	strategy := spec.Strategy
	if strategy == "" {
		strategy = r.strategy
	}
	return append([]Weigher{strategies[strategy]}, r.extra...)
}

// New returns a Manager. A strategy that does not exist is Invalid.
func New(p Params) (*Manager, error) {
	c := p.Config
	if c.Strategy == "" {
		c.Strategy = Spread
	}
	if _, ok := strategies[c.Strategy]; !ok {
		return nil, fault.Invalid.Errorf("scheduler: no strategy %q: use %s or %s", c.Strategy, Spread, Pack)
	}
	if c.DeadAfter <= 0 {
		c.DeadAfter = 3 * time.Minute
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	m := &Manager{
		db:  p.DB,
		how: rules{c.DeadAfter, c.Strategy, p.Filters, p.Weighers},
		log: p.Log,
		now: db.Now,
	}
	m.reconciler = flow.NewReconciler(p.Log, "scheduler", time.Hour, m.Reconcile)
	return m, nil
}

// Start begins to reconcile.
func (m *Manager) Start(ctx context.Context) error { return m.reconciler.Start(ctx) }

// Stop ends it.
func (m *Manager) Stop(ctx context.Context) error { return m.reconciler.Stop(ctx) }

var _ Service = (*Manager)(nil)
