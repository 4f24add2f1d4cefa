package network

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/driver"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// domain is the name of this domain where several share a table.
const domain = "network"

// Config tunes a Manager. Its zero value is right for most.
type Config struct {
	// RouterHost carries the routers; empty means the host that has been there for longest, of
	// several the first by name.
	RouterHost string
	// DeadAfter is how long a host elsewhere may be silent before it counts as down; 0 means 3 minutes.
	DeadAfter time.Duration
	// MTU is that of the largest packet networks carry, in bytes; 0 means 1500.
	MTU int
	// AvailabilityZone is the zone of everything; empty means "nova", which clients expect.
	AvailabilityZone string
	// Quota replaces default limits of a project.
	Quota quota.Amount
}

// Manager is the Service of the process that owns the tables.
type Manager struct {
	db      *db.DB
	log     *slog.Logger
	config  Config
	local   []string                 // names of the hosts in this process
	remote  func(host string) Driver // nil: there are no others
	quota   *quota.Keeper
	cursors cursors
	began   time.Time

	mu       sync.Mutex
	running  bool
	appliers map[string]*applier // by host, as they are needed

	reconciler *flow.Reconciler
}

// New returns a Manager. It does no I/O. Neither a host nor a way to reach others,
// two hosts of one name, or a router host that is not there are fault.Invalid.
func New(p Params) (*Manager, error) {
	if len(p.Hosts) == 0 && p.Remote == nil {
		return nil, fault.Invalid.Errorf("network: no host; add one, such as bridge.Host or memory.Host, or list networkrpc.Remote")
	}
	m := &Manager{
		db: p.DB, log: p.Log, config: p.Config, remote: p.Remote, quota: quota.New(domain, DefaultQuota, p.Config.Quota),
	}
	if m.log == nil {
		m.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if m.appliers, err = driver.ByName("network host", p.Hosts, func(h Host) (string, *applier) { return h.Name, newApplier(m, h) }); err != nil {
		return nil, err
	}
	for name, a := range m.appliers {
		a.local, m.local = true, append(m.local, name)
	}
	if r := m.config.RouterHost; r != "" && m.appliers[r] == nil && m.remote == nil {
		return nil, fault.Invalid.Errorf("network: the router host %q is not listed: there are %q", r, m.local)
	}
	if m.config.MTU <= 0 {
		m.config.MTU = 1500
	}
	if m.config.AvailabilityZone == "" {
		m.config.AvailabilityZone = "nova"
	}
	if m.config.DeadAfter <= 0 {
		m.config.DeadAfter = 3 * time.Minute
	}
	m.reconciler = flow.NewReconciler(m.log, domain, 0, m.Reconcile)
	return m, nil
}

// Start begins to tell hosts what to carry.
func (m *Manager) Start(ctx context.Context) error {
	m.began = db.Now()
	if err := m.sight(ctx, m.local...); err != nil {
		return err
	}
	m.mu.Lock()
	m.running = true
	for _, a := range m.appliers {
		a.start()
	}
	m.mu.Unlock()
	return m.reconciler.Start(ctx)
}

// Stop ends that. What hosts carry stays.
func (m *Manager) Stop(ctx context.Context) error {
	err := m.reconciler.Stop(ctx)
	m.mu.Lock()
	m.running = false
	m.mu.Unlock()
	for _, a := range m.appliers { // there come no more
		a.stop()
	}
	return err
}

// owner returns the project that a new thing belongs to.
func (m *Manager) owner(ctx context.Context, action, project string) (string, error) {
	if c := identity.CallerOf(ctx); project == "" || project == c.ProjectID {
		c, err := identity.Own(ctx, action)
		return c.ProjectID, err
	}
	return project, identity.Allow(ctx, "network:create:other", nil)
}

// seen returns the project whose things the caller may list, or "" for those of all.
func seen(ctx context.Context) (string, error) {
	err := identity.Allow(ctx, "network:list-all", nil)
	if !errors.Is(err, fault.Forbidden) {
		return "", err
	}
	c := identity.CallerOf(ctx)
	if c.ProjectID == "" {
		return "", fault.Forbidden.Errorf("network:list needs a token for a project")
	}
	return c.ProjectID, identity.Allow(ctx, "network:list", identity.InProject(c.ProjectID))
}

// Limits of what a user may write about a thing.
const (
	maxText = 255
	maxTags = 50
	maxTag  = 255
	maxList = 100 // of routes, pools, address pairs and so on
)

// identify makes the id of a new thing whose caller chose none. What hosts are told is named
// by ids, so one that was chosen must look like those made here.
func identify[I ~string](id *I) error {
	if *id == "" {
		*id = I(db.NewID())
		return nil
	}
	if u, err := uuid.Parse(string(*id)); err != nil || u.String() != string(*id) {
		return fault.Invalid.Errorf("%.64q is not an id: choose a UUID in lower case, such as %s, or none", *id, db.NewID())
	}
	return nil
}

// attributes makes the id and the attributes of a new thing out of a spec.
func attributes[I ~string](id *I, project string, b Base) (Attributes, error) {
	if err := identify(id); err != nil {
		return Attributes{}, err
	}
	now := db.Now()
	a := Attributes{ProjectID: project, Name: b.Name, Description: b.Description, Revision: 0, CreatedAt: now, UpdatedAt: now}
	if err := a.check(); err != nil {
		return a, err
	}
	var err error
	a.Tags, err = checkTags(b.Tags)
	return a, err
}

func (a *Attributes) check() error {
	if len(a.Name) > maxText || len(a.Description) > maxText {
		return fault.Invalid.Errorf("name and description have at most %d characters", maxText)
	}
	return nil
}

// change applies p and counts the change.
func (a *Attributes) change(p BasePatch) error {
	if p.IfRevision != nil && *p.IfRevision != a.Revision {
		return ErrRevision.Errorf("the thing has revision %d, not %d: read it again", a.Revision, *p.IfRevision)
	}
	set(&a.Name, p.Name)
	set(&a.Description, p.Description)
	a.touch()
	return a.check()
}

func (a *Attributes) touch() { a.Revision, a.UpdatedAt = a.Revision+1, db.Now() }

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func checkTags(tags []string) ([]string, error) {
	tags = slices.Clone(tags)
	slices.Sort(tags)
	tags = slices.Compact(tags)
	if len(tags) > maxTags {
		return nil, fault.Invalid.Errorf("a thing has at most %d tags, not %d", maxTags, len(tags))
	}
	for _, t := range tags {
		if t == "" || len(t) > maxTag || strings.ContainsAny(t, ",/") {
			return nil, fault.Invalid.Errorf("tag %.40q: it has from 1 to %d characters and neither comma nor slash", t, maxTag)
		}
	}
	return tags, nil
}

// asMissing words the denial of a thing like its absence.
func asMissing[T any](thing T, err error, what, id string) (T, error) {
	if err = identity.Hide(err, what, id); err != nil {
		var none T
		return none, err
	}
	return thing, nil
}

var _ Service = (*Manager)(nil)
