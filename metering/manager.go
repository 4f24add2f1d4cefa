package metering

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// Config tunes a Manager. Its zero value is right for most.
type Config struct {
	// Retention is how long samples are kept; 0 means 30 days. Spans stay.
	Retention time.Duration
}

// Manager is the Service of the process that owns the tables.
type Manager struct {
	db      *db.DB
	servers compute.Service
	samples Driver
	config  Config
	now     func() time.Time

	collector, pruner *flow.Reconciler
}

// New returns a Manager. It does no I/O.
func New(p Params) *Manager {
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	m := &Manager{
		db: p.DB, servers: p.Servers, samples: p.Samples, config: p.Config,
		now: db.Now,
	}
	if m.samples == nil {
		m.samples = Tables(p.DB)
	}
	if m.config.Retention <= 0 {
		m.config.Retention = 30 * 24 * time.Hour
	}
	m.collector = flow.NewReconciler(p.Log, "metering.collect", time.Minute, m.Collect)
	m.pruner = flow.NewReconciler(p.Log, "metering.prune", time.Hour, m.Prune)
	if p.Bus != nil {
		m.listen(p.Bus)
	}
	return m
}

// Start begins to collect, each minute, and to prune, each hour.
func (m *Manager) Start(ctx context.Context) error {
	return errors.Join(m.collector.Start(ctx), m.pruner.Start(ctx))
}

// Stop ends both.
func (m *Manager) Stop(ctx context.Context) error {
	return errors.Join(m.collector.Stop(ctx), m.pruner.Stop(ctx))
}

// Prune forgets the samples that are older than Config.Retention.
func (m *Manager) Prune(ctx context.Context) error {
	before := m.now().Add(-m.config.Retention)
	return errors.Join(pruneRounds(ctx, m.db, before), m.samples.Prune(ctx, before))
}

// scope returns the project whose things the caller gets: the one it asks for,
// or its own, or every one if it may see them all.
func scope(ctx context.Context, action, project string) (string, error) {
	if project == "" && identity.Allow(ctx, "metering:list-all", nil) == nil {
		return "", nil
	}
	if project == "" {
		project = identity.CallerOf(ctx).ProjectID
	}
	return project, identity.Allow(ctx, action, identity.InProject(project))
}

var _ Service = (*Manager)(nil)
