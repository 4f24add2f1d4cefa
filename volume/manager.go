package volume

import (
	"context"
	"log/slog"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/driver"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// Config tunes a Manager. Its zero value is right for most.
type Config struct {
	// DefaultBackend keeps volumes whose type names none; empty means the first by name.
	DefaultBackend string
	// MaxSizeGiB is the size of the largest volume; 0 means 64 TiB.
	MaxSizeGiB int
	// AvailabilityZone is the zone of every volume; empty means "nova", which clients expect.
	AvailabilityZone string
	// Quota replaces default limits of a project.
	Quota quota.Amount
}

// DefaultQuota is what a project may use unless Config or an administrator says otherwise.
// The last three count nothing here; clients expect that they can be set.
var DefaultQuota = quota.Amount{
	ResourceVolumes: 100, ResourceGigabytes: 10000, ResourceSnapshots: 100, ResourceSize: quota.Unlimited,
	"backups": 0, "backup_gigabytes": 0, "groups": 0,
}

// Manager is the Service of the process that owns the tables.
type Manager struct {
	db       *db.DB
	log      *slog.Logger
	config   Config
	backends map[string]Driver
	images   ImageSource
	sink     ImageSink
	quota    *quota.Keeper

	reconciler *flow.Reconciler
	create     *flow.Flow[createState]
	extend     *flow.Flow[extendState]
	upload     *flow.Flow[Upload]
	remove     *flow.Flow[deleteState]
	snap       *flow.Flow[Snapshot]
	unsnap     *flow.Flow[Snapshot]
}

// New returns a Manager. It does no I/O. No backend, two of one name, or a
// default that is not there are fault.Invalid.
func New(p Params) (*Manager, error) {
	if len(p.Backends) == 0 {
		return nil, fault.Invalid.Errorf("volume: no backend; add one, such as file.Backend or memory.Backend")
	}
	backends, err := driver.ByName("volume backend", p.Backends, func(b Backend) (string, Driver) { return b.Name, b.Driver })
	if err != nil {
		return nil, err
	}
	m := &Manager{
		db: p.DB, log: p.Log, config: p.Config, backends: backends,
		images: p.Images, sink: p.Sink, quota: quota.New("volume", DefaultQuota, p.Config.Quota),
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.config.DefaultBackend, err = driver.Default("volume backend", backends, m.config.DefaultBackend); err != nil {
		return nil, err
	}
	if m.config.MaxSizeGiB <= 0 {
		m.config.MaxSizeGiB = 64 << 10
	}
	if m.config.AvailabilityZone == "" {
		m.config.AvailabilityZone = "nova"
	}
	m.create = flow.Register(p.Flows, m.createFlow())
	m.extend = flow.Register(p.Flows, m.extendFlow())
	m.upload = flow.Register(p.Flows, m.uploadFlow())
	m.remove = flow.Register(p.Flows, m.deleteFlow())
	m.snap = flow.Register(p.Flows, m.snapshotFlow())
	m.unsnap = flow.Register(p.Flows, m.deleteSnapshotFlow())
	m.reconciler = flow.NewReconciler(m.log, "volume", 0, m.Reconcile)
	return m, nil
}

// Start makes sure that the default type exists, and begins to reconcile.
func (m *Manager) Start(ctx context.Context) error {
	if err := m.seed(ctx); err != nil {
		return err
	}
	return m.reconciler.Start(ctx)
}

// Stop ends the reconciler.
func (m *Manager) Stop(ctx context.Context) error { return m.reconciler.Stop(ctx) }

func (m *Manager) driver(backend string) (Driver, error) {
	d, ok := m.backends[backend]
	if !ok {
		return nil, fault.Unavailable.Errorf("backend %q is not part of this program: list it again", backend)
	}
	return d, nil
}

// power returns the optional interface P of a backend, to do what.
func power[P any](m *Manager, backend, what string) (P, error) {
	var none P
	d, err := m.driver(backend)
	if err != nil {
		return none, err
	}
	p, ok := d.(P)
	if !ok {
		return none, fault.Unsupported.Errorf("backend %q cannot %s", backend, what)
	}
	return p, nil
}

var _ Service = (*Manager)(nil)
