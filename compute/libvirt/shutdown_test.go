//go:build libvirt

package libvirt_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computetest"
	"github.com/nacre-cloud/nacre/compute/libvirt"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// TestAHostThatShutsDownTellsOfNoStop stops a guest as libvirt-guests does.
func TestAHostThatShutsDownTellsOfNoStop(t *testing.T) {
	w := newWorld(t)
	var down atomic.Bool
	s := start(t, w.configured(t, libvirt.Config{Dir: t.TempDir(), GoingDown: func(context.Context) bool { return down.Load() }}))
	g := compute.Guest{ID: compute.ServerID(uuid.Must(uuid.NewV7()).String()), VCPUs: 1, MemoryMiB: 128, Image: computetest.Image, RootGiB: 1}
	s.ok(s.d.Spawn(t.Context(), g))
	told, watched := make(chan compute.Power, 1<<10), make(chan error)
	ctx, stop := context.WithCancel(t.Context())
	go func() {
		watched <- s.d.(compute.Watcher).Watch(ctx, func(g compute.GuestState) { told <- g.Power })
	}()
	become := func(states ...compute.Power) {
		for _, p := range states {
			s.ok(s.d.SetPower(t.Context(), g.ID, p, 0))
		}
	}
	for len(told) == 0 { // until it is watched
		become(compute.Paused, compute.Running)
	}

	down.Store(true)
	become(compute.Stopped)
	if all, err := s.d.Guests(t.Context()); fault.Of(err) != fault.Unavailable {
		t.Errorf("a list while the host shuts down: %v, %v", all, err)
	}
	become(compute.Running)
	down.Store(false)
	become(compute.Suspended)
	for p := range told {
		if p == compute.Stopped {
			t.Error("the stop is told")
		}
		if p == compute.Suspended {
			break
		}
	}
	stop()
	s.ok(<-watched)
	s.ok(s.d.Destroy(t.Context(), g.ID))
}
