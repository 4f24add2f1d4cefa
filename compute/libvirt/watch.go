//go:build libvirt

package libvirt

import (
	"context"
	"sync"

	"libvirt.org/go/libvirt"

	"github.com/nacre-cloud/nacre/compute"
)

// A watcher collects what happened until its listener takes it, so that a slow
// listener holds up nobody.
type watcher struct {
	mu    sync.Mutex
	queue []compute.GuestState
	again bool
	wake  chan struct{}
}

func (w *watcher) tell(s compute.GuestState) {
	w.mu.Lock()
	w.queue = append(w.queue, s)
	w.mu.Unlock()
	w.wakeUp()
}

// lookAgain makes the listener hear of every guest: events were lost.
func (w *watcher) lookAgain() {
	w.mu.Lock()
	w.again = true
	w.mu.Unlock()
	w.wakeUp()
}

func (w *watcher) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

func (w *watcher) take() (queue []compute.GuestState, again bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue, again = w.queue, w.again
	w.queue, w.again = nil, false
	return queue, again
}

// Watch implements compute.Watcher.
func (d *Driver) Watch(ctx context.Context, changed func(compute.GuestState)) error {
	w := &watcher{wake: make(chan struct{}, 1)}
	d.link.mu.Lock()
	d.link.watchers[w] = struct{}{}
	d.link.mu.Unlock()
	defer func() {
		d.link.mu.Lock()
		delete(d.link.watchers, w)
		d.link.mu.Unlock()
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.wake:
		}
		states, again := w.take()
		if again {
			// A list that fails is asked for again when the connection is back.
			all, _ := d.Guests(ctx)
			states = append(states, all...)
		}
		down := sync.OnceValue(func() bool { return d.config.GoingDown(ctx) })
		for _, s := range states {
			if !off(s) || !down() {
				changed(s)
			}
		}
	}
}

// powerAfter returns the state that an event leads to, "" for events that change none.
func powerAfter(e *libvirt.DomainEventLifecycle) compute.Power {
	switch e.Event {
	case libvirt.DOMAIN_EVENT_STARTED, libvirt.DOMAIN_EVENT_RESUMED:
		return compute.Running
	case libvirt.DOMAIN_EVENT_SUSPENDED:
		return compute.Paused
	case libvirt.DOMAIN_EVENT_CRASHED:
		return compute.Crashed
	case libvirt.DOMAIN_EVENT_STOPPED:
		switch libvirt.DomainEventStoppedDetailType(e.Detail) {
		case libvirt.DOMAIN_EVENT_STOPPED_SAVED:
			return compute.Suspended
		case libvirt.DOMAIN_EVENT_STOPPED_CRASHED, libvirt.DOMAIN_EVENT_STOPPED_FAILED:
			return compute.Crashed
		}
		return compute.Stopped
	}
	return ""
}
