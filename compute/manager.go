package compute

import (
	"context"
	"log/slog"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/driver"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/volume"
)

// Config tunes a Manager. Its zero value is right for most.
type Config struct {
	// Grace is how long a guest may take to shut down before its plug is pulled; 0 means a minute.
	Grace time.Duration
	// AvailabilityZone is where servers go that ask for none; empty means any.
	AvailabilityZone string
	// LeaveOff leaves servers off that ran when their host lost power, instead of
	// starting them when it is back.
	LeaveOff bool
	// Quota replaces default limits of a project.
	Quota quota.Amount
}

// DefaultQuota is what a project may use unless Config or an administrator says
// otherwise.
var DefaultQuota = quota.Amount{
	ResourceServers: 100, ResourceCores: 200, ResourceMemoryMiB: 512000,
	ResourceKeypairs: 100, ResourceMetadata: 128,
}

// Manager is the Service of the process that owns the tables.
type Manager struct {
	db     *db.DB
	flows  *flow.Engine
	log    *slog.Logger
	config Config
	quota  *quota.Keeper

	images    image.Service
	networks  network.Service
	volumes   volume.Service
	scheduler scheduler.Service

	hosts     map[string]Driver
	remote    func(host string) Driver
	zoneCache zoneCache

	reconciler   *flow.Reconciler
	boot         *flow.Flow[bootState]
	remove       *flow.Flow[deleteState]
	power        map[Order]*flow.Flow[powerState]
	attachVolume *flow.Flow[diskState]
	detachVolume *flow.Flow[diskState]
	attachNIC    *flow.Flow[nicState]
	detachNIC    *flow.Flow[nicState]
	pull         *flow.Flow[pullState]
	observe      *flow.Flow[observeState]
	revive       *flow.Flow[powerState]
}

// New returns a Manager. It does no I/O. Two hosts of one name, or no host and no
// way to reach others, are fault.Invalid.
func New(p Params) (*Manager, error) {
	if len(p.Hosts) == 0 && p.Remote == nil {
		return nil, fault.Invalid.Errorf("compute: no host; add one, such as libvirt.Host or memory.Host, or list computerpc.Remote")
	}
	hosts, err := driver.ByName("compute host", p.Hosts, func(h Host) (string, Driver) { return h.Name, h.Driver })
	if err != nil {
		return nil, err
	}
	m := &Manager{
		db: p.DB, flows: p.Flows, log: p.Log, config: p.Config, quota: quota.New("compute", DefaultQuota, p.Config.Quota),
		images: p.Images, networks: p.Networks, volumes: p.Volumes, scheduler: p.Scheduler,
		hosts: hosts, remote: p.Remote, power: map[Order]*flow.Flow[powerState]{},
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	if m.config.Grace <= 0 {
		m.config.Grace = time.Minute
	}
	m.boot = flow.Register(p.Flows, m.bootFlow())
	m.remove = flow.Register(p.Flows, m.deleteFlow())
	for order := range orders {
		m.power[order] = flow.Register(p.Flows, m.powerFlow(order))
	}
	m.attachVolume = flow.Register(p.Flows, m.attachVolumeFlow())
	m.detachVolume = flow.Register(p.Flows, m.detachVolumeFlow())
	m.attachNIC = flow.Register(p.Flows, m.attachNICFlow())
	m.detachNIC = flow.Register(p.Flows, m.detachNICFlow())
	m.pull = flow.Register(p.Flows, m.pullFlow())
	m.observe = flow.Register(p.Flows, m.observeFlow())
	m.revive = flow.Register(p.Flows, m.reviveFlow())
	if p.Bus != nil {
		m.listen(p.Bus)
	}
	m.reconciler = flow.NewReconciler(m.log, "compute", 0, m.Reconcile)
	return m, nil
}

// Start begins to reconcile.
func (m *Manager) Start(ctx context.Context) error { return m.reconciler.Start(ctx) }

// Stop ends the reconciler.
func (m *Manager) Stop(ctx context.Context) error { return m.reconciler.Stop(ctx) }

// driver returns the driver of a host, in this process or in another.
func (m *Manager) driver(host string) (Driver, error) {
	if d, ok := m.hosts[host]; ok {
		return d, nil
	}
	if m.remote != nil {
		return m.remote(host), nil
	}
	return nil, fault.Unavailable.Errorf("host %q is not part of this program: list it again", host)
}

// asService returns ctx in which other domains let compute do what users may not.
func asService(ctx context.Context) context.Context { return identity.AsService(ctx, "compute") }

func subject(id ServerID) string { return "server/" + string(id) }

var _ Service = (*Manager)(nil)
