package image

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/image/inspect"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/driver"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// Config tunes a Manager. Its zero value is right for most.
type Config struct {
	// DefaultStore keeps images that ask for none; empty means the first by name.
	DefaultStore string
	// MaxBytes is the size of the largest image; 0 means 1 TiB.
	MaxBytes int64
	// Policy says which images are accepted beyond what is always safe.
	Policy inspect.Policy
	// AcceptUnknown accepts bytes that are of no known format whatever the image
	// says, as image services of old did. They hurt nobody and boot nowhere.
	AcceptUnknown bool
	// Lease is how long an upload whose process does not answer keeps its image; 0 means a minute.
	Lease time.Duration
	// URL is where hosts reach the bytes that this very process serves; empty
	// means what the HTTP face says of itself. Set it where several processes
	// stand behind one public URL.
	URL string
	// Quota replaces default limits of a project.
	Quota quota.Amount
}

// DefaultQuota is what a project may use unless Config or an administrator says otherwise.
var DefaultQuota = quota.Amount{ResourceImages: 1000, ResourceSizeMiB: 1 << 20}

// Manager is the Service and Content of the process that owns the tables.
type Manager struct {
	db     *db.DB
	log    *slog.Logger
	config Config
	stores map[string]Driver
	quota  *quota.Keeper
	seal   seal

	reconciler *flow.Reconciler
	remove     *flow.Flow[Image]
}

// New returns a Manager. It does no I/O. No store, two of one name, or a default
// that is not there are fault.Invalid.
func New(p Params) (*Manager, error) {
	if len(p.Stores) == 0 {
		return nil, fault.Invalid.Errorf("image: no store; add one, such as file.Store or memory.Store")
	}
	stores, err := driver.ByName("image store", p.Stores, func(s Store) (string, Driver) { return s.Name, s.Driver })
	if err != nil {
		return nil, err
	}
	m := &Manager{
		db: p.DB, log: p.Log, config: p.Config, stores: stores,
		quota: quota.New("image", DefaultQuota, p.Config.Quota),
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.config.DefaultStore, err = driver.Default("image store", stores, m.config.DefaultStore); err != nil {
		return nil, err
	}
	if m.config.MaxBytes <= 0 {
		m.config.MaxBytes = 1 << 40
	}
	if m.config.Lease <= 0 {
		m.config.Lease = time.Minute
	}
	_, _ = rand.Read(m.seal.key[:]) // never fails
	m.remove = flow.Register(p.Flows, m.deleteFlow())
	m.reconciler = flow.NewReconciler(m.log, "image", 0, m.Reconcile)
	return m, nil
}

// Start begins to reconcile.
func (m *Manager) Start(ctx context.Context) error { return m.reconciler.Start(ctx) }

// Stop ends the reconciler.
func (m *Manager) Stop(ctx context.Context) error { return m.reconciler.Stop(ctx) }

// Stores implements Service.
func (m *Manager) Stores(ctx context.Context) ([]string, error) {
	if err := identity.Allow(ctx, "image:store:list", nil); err != nil {
		return nil, err
	}
	rest := slices.DeleteFunc(slices.Sorted(maps.Keys(m.stores)), func(s string) bool { return s == m.config.DefaultStore })
	return append([]string{m.config.DefaultStore}, rest...), nil
}

func (m *Manager) driver(store string) (Driver, error) {
	d, ok := m.stores[store]
	if !ok {
		return nil, fault.Unavailable.Errorf("store %q is not part of this program: list it again", store)
	}
	return d, nil
}

// placeable returns the store that a caller asked for.
func (m *Manager) placeable(store string) (string, error) {
	if store == "" {
		return m.config.DefaultStore, nil
	}
	if _, ok := m.stores[store]; !ok {
		return "", fault.Invalid.Errorf("there is no image store %q", store)
	}
	return store, nil
}

var (
	_ Service = (*Manager)(nil)
	_ Content = (*Manager)(nil)
)
