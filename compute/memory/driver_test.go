package memory_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computetest"
	"github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/kit/fault"
)

func TestDriver(t *testing.T) {
	computetest.TestDriver(t, func(*testing.T) compute.Driver { return memory.New(memory.Config{}) })
}

func TestPowerCut(t *testing.T) {
	computetest.TestPowerCut(t, func(*testing.T) (compute.Driver, func()) {
		d := memory.New(memory.Config{})
		return d, d.PowerCut
	})
}

func TestFailsWhenTold(t *testing.T) {
	full := fault.Exhausted.Errorf("told to")
	d := memory.New(memory.Config{Before: func(_ context.Context, method string, _ compute.ServerID) error {
		if method == "Spawn" {
			return full
		}
		return nil
	}})
	g := guest(1)
	if err := d.Spawn(t.Context(), g); !errors.Is(err, full) {
		t.Errorf("Spawn fails with %v", err)
	}
	if _, ok := d.Guest(g.ID); ok {
		t.Error("the guest was made all the same")
	}
}

func TestThousandsAtOnce(t *testing.T) {
	d := memory.New(memory.Config{})
	var wg sync.WaitGroup
	for i := range 5000 {
		wg.Go(func() {
			if err := d.Spawn(t.Context(), guest(i%4000)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if guests, err := d.Guests(t.Context()); err != nil || len(guests) != 4000 {
		t.Errorf("%d guests, %v", len(guests), err)
	}
}

func BenchmarkSpawn(b *testing.B) {
	d := memory.New(memory.Config{})
	for i := range b.N {
		if err := d.Spawn(b.Context(), guest(i)); err != nil {
			b.Fatal(err)
		}
	}
}

func guest(i int) compute.Guest {
	id := compute.ServerID(fmt.Sprintf("00000000-0000-4000-8000-%012d", i))
	return compute.Guest{ID: id, Name: "server", VCPUs: 1, MemoryMiB: 128, Image: "any"}
}
