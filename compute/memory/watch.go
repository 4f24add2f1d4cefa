package memory

import (
	"context"
	"sync"

	"github.com/nacre-cloud/nacre/compute"
)

// A watcher is a queue without end, so that a slow listener holds up no guest.
type watcher struct {
	mu    sync.Mutex
	queue []compute.GuestState
	wake  chan struct{}
}

func (w *watcher) tell(s compute.GuestState) {
	w.mu.Lock()
	w.queue = append(w.queue, s)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []compute.GuestState {
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.queue
	w.queue = nil
	return taken
}

// Watch implements compute.Watcher.
func (d *Driver) Watch(ctx context.Context, changed func(compute.GuestState)) error {
	w := &watcher{wake: make(chan struct{}, 1)}
	d.mu.Lock()
	d.watchers[w] = struct{}{}
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		delete(d.watchers, w)
		d.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
			for _, s := range w.take() {
				changed(s)
			}
		}
	}
}
