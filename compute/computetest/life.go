package computetest

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// detached is for cleaning up, when the test's own context has ended.
func detached(t *testing.T) context.Context { return context.WithoutCancel(t.Context()) }

func inventory(_ *testing.T, s *suite) {
	inv, err := s.d.Inventory(s.Context())
	s.ok(err)
	if inv.VCPUs < 1 || inv.MemoryMiB < 1 || inv.DiskGiB < 1 || inv.Hypervisor == "" || inv.Version == "" {
		s.Errorf("inventory has gaps: %+v", inv)
	}
	if slices.Contains(inv.Traits, compute.TraitKVM) == slices.Contains(inv.Traits, compute.TraitTCG) {
		s.Errorf("traits %v: want one accelerator", inv.Traits)
	}
	if !slices.IsSorted(inv.Traits) {
		s.Errorf("traits %v are not sorted", inv.Traits)
	}
}

func spawned(_ *testing.T, s *suite) {
	g := s.spawn()
	s.isNow(g.ID, compute.Running)
}

func spawnTwice(_ *testing.T, s *suite) {
	g := s.spawn()
	s.ok(s.d.Spawn(s.Context(), g))
	guests, err := s.d.Guests(s.Context())
	s.ok(err)
	if len(guests) != 1 {
		s.Errorf("guests: %v", guests)
	}
}

func spawnStopped(_ *testing.T, s *suite) {
	g := s.spawn()
	s.setPower(g.ID, compute.Stopped)
	s.ok(s.d.Spawn(s.Context(), g))
	s.isNow(g.ID, compute.Running)
}

func spawnNonsense(_ *testing.T, s *suite) {
	for _, id := range []compute.ServerID{"", "..", "../../etc", "not-a-uuid"} {
		g := s.guest()
		g.ID = id
		s.fails(s.d.Spawn(s.Context(), g), fault.Invalid)
		s.ok(s.d.Destroy(s.Context(), id))
	}
	g := s.guest()
	g.VCPUs = 0
	s.fails(s.d.Spawn(s.Context(), g), fault.Invalid)
	g = s.guest()
	g.MemoryMiB = 0
	s.fails(s.d.Spawn(s.Context(), g), fault.Invalid)
	g = s.guest()
	g.Image = ""
	s.fails(s.d.Spawn(s.Context(), g), fault.Invalid)
	guests, err := s.d.Guests(s.Context())
	s.ok(err)
	if len(guests) != 0 {
		s.Errorf("nonsense left guests: %v", guests)
	}
}

func spawnMany(_ *testing.T, s *suite) {
	const n = 4
	var described [n]compute.Guest
	for i := range described {
		described[i] = s.guest()
		described[i].NICs = nil
	}
	s.Cleanup(func() {
		together(n, func(i int) {
			if err := s.d.Destroy(detached(s.T), described[i].ID); err != nil {
				s.Error(err)
			}
		})
	})
	together(2*n, func(i int) {
		if err := s.d.Spawn(s.Context(), described[i%n]); err != nil {
			s.Error(err)
		}
	})
	for _, g := range described {
		s.isNow(g.ID, compute.Running)
	}
}

func destroyed(_ *testing.T, s *suite) {
	for _, power := range []compute.Power{compute.Running, compute.Paused, compute.Suspended, compute.Stopped} {
		g := s.spawn()
		s.setPower(g.ID, power)
		s.ok(s.d.Destroy(s.Context(), g.ID))
		s.ok(s.d.Destroy(s.Context(), g.ID))
		s.isNow(g.ID, "")
		_, err := s.d.ConsoleLog(s.Context(), g.ID, 10)
		s.fails(err, fault.NotFound)
	}
}

func unknown(_ *testing.T, s *suite) {
	ctx, id := s.Context(), compute.ServerID(uuid.NewString())
	_, err := s.d.ConsoleLog(ctx, id, 10)
	s.fails(err, fault.NotFound)
	s.fails(s.d.SetPower(ctx, id, compute.Running, 0), fault.NotFound)
	s.fails(s.d.SetPower(ctx, id, compute.Stopped, time.Second), fault.NotFound)
	s.fails(s.d.AttachDisk(ctx, id, s.disk("vdb")), fault.NotFound)
	s.fails(s.d.AttachNIC(ctx, id, compute.NIC{Port: "p", MAC: "fa:16:3e:00:00:02", Tap: Taps[1]}), fault.NotFound)
	s.ok(s.d.DetachDisk(ctx, id, "v"))
	s.ok(s.d.DetachNIC(ctx, id, "p"))
	s.ok(s.d.Destroy(ctx, id))
}

func consoleLog(_ *testing.T, s *suite) {
	g := s.spawn()
	log := s.console(g.ID)
	s.setPower(g.ID, compute.Stopped)
	all, err := s.d.ConsoleLog(s.Context(), g.ID, 64<<10)
	s.ok(err)
	if !bytes.HasPrefix(all, log) {
		s.Errorf("the log of a stopped guest begins %q, not with %q", all, log)
	}
	end, err := s.d.ConsoleLog(s.Context(), g.ID, 3)
	s.ok(err)
	if len(end) != 3 || !bytes.HasSuffix(all, end) {
		s.Errorf("the last 3 bytes are %q", end)
	}
	s.setPower(g.ID, compute.Running)
	again, err := s.d.ConsoleLog(s.Context(), g.ID, 64<<10)
	s.ok(err)
	if !bytes.HasPrefix(again, all) {
		s.Error("the next boot lost the log of the first")
	}
}

func samples(_ *testing.T, s *suite) {
	g := s.spawn()
	s.console(g.ID)
	first := s.sample(g.ID)
	if first.MemoryMiB <= 0 || first.At.IsZero() {
		s.Errorf("sample has gaps: %+v", first)
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for end := time.Now().Add(patience); s.sample(g.ID).CPU <= first.CPU; <-ticker.C {
		if time.Now().After(end) {
			s.Fatal("a running guest uses no processor time")
		}
	}
	s.setPower(g.ID, compute.Stopped)
	if got := s.sample(g.ID); got.ID != "" {
		s.Errorf("a stopped guest has a sample: %+v", got)
	}
}

func (s *suite) sample(id compute.ServerID) compute.Sample {
	s.Helper()
	all, err := s.d.Samples(s.Context())
	s.ok(err)
	for _, sample := range all {
		if sample.ID == id {
			return sample
		}
	}
	return compute.Sample{}
}

func deadContext(_ *testing.T, s *suite) {
	g := s.spawn()
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	for range 3 {
		if err := s.d.SetPower(ctx, g.ID, compute.Paused, 0); err != nil {
			s.fails(err, fault.Unavailable)
		}
		if err := s.d.Spawn(ctx, g); err != nil {
			s.fails(err, fault.Unavailable)
		}
	}
	s.ok(s.d.SetPower(s.Context(), g.ID, compute.Running, 0))
	s.isNow(g.ID, compute.Running)
}
