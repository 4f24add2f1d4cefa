package object

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Manager is the Service and Content of the process that has the tables and the
// driver.
type Manager struct {
	db     *db.DB
	driver Driver
	policy string
	cfg    Config
	log    *slog.Logger
	now    func() time.Time

	loops  sync.WaitGroup
	cancel context.CancelFunc
}

// Config tunes a Manager. Its zero value is usable.
type Config struct {
	MaxObject    int64 // bytes of an object that is not large; 0 means MaxObject
	AccountQuota int64 // bytes of an account that has no quota of its own; 0 means no limit
}

// New returns a Manager of the one backend in p.
func New(p Params) (*Manager, error) {
	if len(p.Backends) != 1 {
		return nil, fault.Invalid.Errorf("object: %d backends; list one, such as file.Backend", len(p.Backends))
	}
	if p.Config.MaxObject <= 0 {
		p.Config.MaxObject = MaxObject
	}
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	b := p.Backends[0]
	return &Manager{db: p.DB, driver: b.Driver, policy: b.Name, cfg: p.Config, log: p.Log, now: now}, nil
}

// Info implements Content.
func (m *Manager) Info() Info { return Info{Policy: m.policy, MaxObject: m.cfg.MaxObject} }

// Start begins to reconcile, until Stop.
func (m *Manager) Start(ctx context.Context) error {
	ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	m.loops.Go(func() { m.reconcile(ctx) })
	return nil
}

// Stop waits for what Start began.
func (m *Manager) Stop(context.Context) error {
	if m.cancel != nil {
		m.cancel()
	}
	m.loops.Wait()
	return nil
}

// now is the time to the microsecond, which every database keeps.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

func newKey() Key { return Key(strings.ToLower(rand.Text())) }

// lock makes changes of containers take turns, in an order that cannot deadlock.
func lock(ctx context.Context, tx *db.Tx, ids ...ContainerID) error {
	keys := make([]string, 0, len(ids))
	for _, id := range ids {
		keys = append(keys, "object/container/"+id.ProjectID+"/"+string(id.Container))
	}
	slices.Sort(keys)
	for _, k := range slices.Compact(keys) {
		if err := tx.Lock(ctx, k); err != nil {
			return err
		}
	}
	return nil
}

// release deletes a blob that no object has any more. Failing is no failure:
// the reconciler finds what stays behind.
func (m *Manager) release(ctx context.Context, key Key) {
	if key == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if err := m.driver.Delete(ctx, key); err != nil {
		m.log.WarnContext(ctx, "a blob stays until the reconciler comes", "blob", key, "error", err)
	}
}

var (
	_ Service = (*Manager)(nil)
	_ Content = (*Manager)(nil)
)
