package scheduler

import (
	"sync"
	"time"
)

// index is what this process believes of every host. It may be wrong in both
// directions; the claim in the database finds out and corrects it.
type index struct {
	mu     sync.Mutex
	view   *View
	loaded time.Time // when view was read from the database
}

// replace swaps in what was read from the database at now.
func (x *index) replace(hosts []Host, now time.Time) {
	view := newView(len(hosts))
	for _, h := range hosts {
		view.put(h)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.view, x.loaded = view, now
}

// put takes in what the database says of one host.
func (x *index) put(h Host) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.view != nil {
		x.view.put(h)
	}
}

// seen notes that a host reported.
func (x *index) seen(id HostID, at time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, ok := x.known(id); ok {
		x.view.Seen[i] = at
	}
}

// stale makes the next search read the database first.
func (x *index) stale() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.loaded = time.Time{}
}

// age returns how long ago the database was read.
func (x *index) age(now time.Time) time.Duration {
	x.mu.Lock()
	defer x.mu.Unlock()
	return now.Sub(x.loaded)
}

// give returns room to a host.
func (x *index) give(id HostID, r Resources) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if i, ok := x.known(id); ok {
		x.view.take(i, r, -1)
	}
}

func (x *index) known(id HostID) (int, bool) {
	if x.view == nil {
		return 0, false
	}
	i, ok := x.view.at[id]
	return i, ok
}

// pick runs a search and takes the room at once, so that the searches that
// follow see it gone before the database does.
func (x *index) pick(spec PlaceSpec, now time.Time, how rules) (id HostID, name string, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := newSearch(spec, x.view, now)
	i, ok := choose(s, filters(s, how.deadAfter, how.filters), how.weighers(spec))
	if !ok {
		return "", "", false
	}
	x.view.take(i, spec.Resources, 1)
	return x.view.ids[i], x.view.Name[i], true
}

// explain says why pick finds nothing.
func (x *index) explain(spec PlaceSpec, now time.Time, how rules) string {
	x.mu.Lock()
	defer x.mu.Unlock()
	s := newSearch(spec, x.view, now)
	return explain(s, filters(s, how.deadAfter, how.filters))
}
