package network

import (
	"context"
	"errors"
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

	done    chan struct{}
	err     error            // read these two after done
	leftOut map[PortID]error // ports that no host can carry as they are, and why
}

// An applier keeps one host as the tables say. Changes that come while the host
// is being told wait for one next Apply together, so that many ports plugged in at
// once cost few. It remembers what the host carries and reads only what changed.
//
// Other processes may tell the same host. Each View has a number, taken from the
// host's row before the View is read: so it holds all that was committed before,
// and of two Views the one with the higher number is the newer. The host refuses
// the older. A number that does not follow one's own says that what is remembered
// may be old.
type applier struct {
	m     *Manager
	host  Host
	local bool // in this process

	mu   sync.Mutex
	next *attempt

	wake   chan struct{}
	ctx    context.Context
	cancel context.CancelFunc
	loop   sync.WaitGroup

	known      *carried // what the host carries, of generation; nil: read everything. Only the loop touches it
	generation int64
}

func newApplier(m *Manager, h Host) *applier {
	a := &applier{m: m, host: h, wake: make(chan struct{}, 1)}
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
		at.err = a.try(at)
		switch {
		case at.err == nil:
			pause = 0
		case errors.Is(at.err, ErrNoHost):
			pause = 0 // it asks when it is back
		default:
			pause = min(max(2*pause, time.Second), time.Minute)
			a.m.log.WarnContext(a.ctx, "host does not carry its networks", "host", a.host.Name, "error", at.err, "again in", pause)
		}
		close(at.done)
	}
}

// try tells the host what it should carry. What another process overtook is
// computed anew.
func (a *applier) try(at *attempt) (err error) {
	const tries = 5
	ctx, cancel := context.WithTimeout(a.ctx, applyLimit)
	defer cancel()
	for range tries {
		if err = a.tell(ctx, at); err != nil {
			a.known = nil
		}
		if !errors.Is(err, ErrStale) {
			break
		}
	}
	return err
}

func (a *applier) tell(ctx context.Context, at *attempt) error {
	generation, mine, err := a.number(ctx)
	if err != nil {
		return err
	}
	c, whole := a.known, at.whole || !mine || a.known == nil
	if whole {
		c = newCarried(a)
	}
	if err := c.refresh(ctx, at, whole); err != nil {
		return err
	}
	view, wrong := c.view()
	for _, err := range wrong.all {
		a.m.log.ErrorContext(ctx, "host is not told what cannot be true", "host", a.host.Name, "error", err)
	}
	at.leftOut = wrong.ports
	for id := range wrong.ports {
		delete(c.waiting, id)
	}
	view.Generation = generation
	if err := a.host.Driver.Apply(ctx, view); err != nil {
		return fault.Unavailable.Wrap(err, "host %s", a.host.Name)
	}
	a.known, a.generation = c, generation
	if err := a.confirm(ctx, c); err != nil || !whole {
		return err
	}
	return a.unfollow(ctx, c)
}

// number takes the number of the next View, and reports whether it follows the
// last one of this applier. A host elsewhere that is silent is ErrNoHost.
func (a *applier) number(ctx context.Context) (next int64, mine bool, err error) {
	since := a.m.silentBefore()
	if a.local {
		since = time.Time{}
	}
	err = a.m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		next, mine, err = nextGeneration(ctx, tx, HostState{Name: a.host.Name, Generation: a.generation, SeenAt: since})
		return err
	})
	if errors.Is(err, fault.NotFound) {
		err = noHost(a.host.Name)
	}
	return next, mine, err
}

// confirm calls the ports active that the host carries now.
func (a *applier) confirm(ctx context.Context, c *carried) error {
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

// unfollow forgets groups that the host no longer depends on, unless another
// process has begun to tell it: that one may need them.
func (a *applier) unfollow(ctx context.Context, c *carried) error {
	idle := c.idle()
	if len(idle) == 0 {
		return nil
	}
	return a.m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return dropFollowed(ctx, tx, HostState{Name: a.host.Name, Generation: a.generation}, idle)
	})
}
