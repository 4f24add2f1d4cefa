package network

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// A change says which parts of a host's view may be different now.
type change struct {
	ports    []PortID // their rows, or their membership in groups that the host asks about
	topology bool     // networks, subnets and routers
	whole    bool
}

// An attempt is one Apply, and all the changes that it takes in.
type attempt struct {
	ports    map[PortID]bool
	topology bool
	whole    bool

	done chan struct{}
	err  error // read it after done
}

// An applier keeps one host as the tables say. Changes that come while the host
// is being told wait for one next Apply together, so that many ports plugged in at
// once cost few. It remembers what the host carries and reads only what changed.
type applier struct {
	m    *Manager
	host Host

	mu       sync.Mutex
	next     *attempt
	groups   map[SecurityGroupID]bool // that the host's rules depend on
	networks map[ID]bool              // that it carries

	wake   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	loop   sync.WaitGroup

	known *carried // only the loop touches it; nil: read everything
}

func newApplier(m *Manager, h Host) *applier {
	a := &applier{m: m, host: h, wake: make(chan struct{}, 1), groups: map[SecurityGroupID]bool{}, networks: map[ID]bool{}}
	a.ctx, a.cancel = context.WithCancel(identity.With(context.Background(), identity.System("network.apply")))
	return a
}

func (a *applier) start() { a.loop.Go(a.run) }

func (a *applier) stop() {
	a.cancel()
	a.loop.Wait()
}

// poke asks for an Apply that takes c in, and returns at once.
func (a *applier) poke(c change) *attempt {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil {
		a.next = &attempt{ports: map[PortID]bool{}, done: make(chan struct{})}
	}
	for _, p := range c.ports {
		a.next.ports[p] = true
	}
	a.next.topology = a.next.topology || c.topology
	a.next.whole = a.next.whole || c.whole
	select {
	case a.wake <- struct{}{}:
	default:
	}
	return a.next
}

// await returns what became of an attempt.
func (a *applier) await(ctx context.Context, at *attempt) error {
	select {
	case <-at.done:
		return at.err
	case <-a.ctx.Done():
		return fault.Unavailable.Errorf("host %s: this process stops", a.host.Name)
	case <-ctx.Done():
		return fault.Unavailable.Errorf("host %s has not answered yet: %w", a.host.Name, ctx.Err())
	}
}

// applyLimit is how long a host may take for one Apply.
const applyLimit = time.Minute

func (a *applier) run() {
	var pause time.Duration
	for {
		var retry <-chan time.Time
		if pause > 0 {
			retry = time.After(pause)
		}
		select {
		case <-a.ctx.Done():
			return
		case <-a.wake:
		case <-retry:
			a.poke(change{whole: true})
		}
		a.mu.Lock()
		at := a.next
		a.next = nil
		a.mu.Unlock()
		if at == nil {
			continue
		}
		if at.err = a.try(at); at.err != nil {
			a.known, pause = nil, min(max(2*pause, time.Second), time.Minute)
			a.m.log.WarnContext(a.ctx, "host does not carry its networks", "host", a.host.Name, "error", at.err, "again in", pause)
		} else {
			pause = 0
		}
		close(at.done)
	}
}

func (a *applier) try(at *attempt) error {
	ctx, cancel := context.WithTimeout(a.ctx, applyLimit)
	defer cancel()
	c := a.known
	if at.whole || c == nil {
		c, at.topology = newCarried(a), true
	}
	if err := c.refresh(ctx, at, a.known != c); err != nil {
		return err
	}
	if err := a.host.Driver.Apply(ctx, c.view()); err != nil {
		return fault.Unavailable.Wrap(err, "host %s", a.host.Name)
	}
	a.known = c
	if len(c.waiting) == 0 {
		return nil
	}
	ready := slices.Collect(maps.Keys(c.waiting))
	err := a.m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return markActive(ctx, tx, a.host.Name, ready) })
	if err == nil {
		clear(c.waiting)
	}
	return err
}

// watch makes changes of groups reach the host from now on.
func (a *applier) watch(groups ...SecurityGroupID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, g := range groups {
		a.groups[g] = true
	}
}

func (a *applier) watchNetworks(ids ...ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, id := range ids {
		a.networks[id] = true
	}
}

func (a *applier) watches(groups []SecurityGroupID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.ContainsFunc(groups, func(g SecurityGroupID) bool { return a.groups[g] })
}

// portChanged tells the hosts that a port concerns: those it is or was plugged
// into, and those whose rules ask who is in its groups. It returns the attempt of
// the host that the port is plugged into.
func (m *Manager) portChanged(p Port, was Port) (own *attempt) {
	groups := slices.Concat(p.Groups, was.Groups)
	for name, a := range m.hosts {
		if name == p.Host || name == was.Host || (p.Host != "" || was.Host != "") && a.watches(groups) {
			if at := a.poke(change{ports: []PortID{p.ID}}); name == p.Host {
				own = at
			}
		}
	}
	return own
}

// groupChanged tells the hosts that have ports with the group.
func (m *Manager) groupChanged(g SecurityGroupID) {
	for _, a := range m.hosts {
		if a.watches([]SecurityGroupID{g}) {
			a.poke(change{whole: true})
		}
	}
}

// networkChanged tells the hosts that carry the network.
func (m *Manager) networkChanged(id ID) {
	for _, a := range m.hosts {
		a.mu.Lock()
		carries := a.networks[id]
		a.mu.Unlock()
		if carries {
			a.poke(change{topology: true})
		}
	}
}

// routersChanged tells the host that carries the routers.
func (m *Manager) routersChanged() { m.hosts[m.config.RouterHost].poke(change{topology: true}) }

// hostOf returns the applier of a host.
func (m *Manager) hostOf(name string) (*applier, error) {
	a, ok := m.hosts[name]
	if !ok {
		return nil, ErrNoHost.Errorf("host %q carries no networks: list it with network.AddHost", name)
	}
	return a, nil
}
