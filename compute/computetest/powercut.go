package computetest

import (
	"os"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/runtest"
)

// TestPowerCut proves that a driver tells what a power cut did to its guests and
// can start them again. Its host returns a driver without guests, and what makes
// that host lose its power and come back.
func TestPowerCut(t *testing.T, host func(*testing.T) (d compute.Driver, cut func())) {
	d, cut := host(t)
	s := &suite{T: t, d: runtest.Start(t, d)}
	ran, stopped, asleep := s.spawn(), s.unplugged(), s.unplugged()
	s.setPower(stopped.ID, compute.Stopped)
	s.setPower(asleep.ID, compute.Suspended)

	cut()
	s.becomes(ran.ID, compute.Cut)
	s.isNow(asleep.ID, compute.Suspended)
	if p := s.power(stopped.ID); p != compute.Stopped && p != compute.Cut {
		s.Errorf("what was stopped is %q", p)
	}
	for _, g := range []compute.Guest{stopped, asleep, ran} {
		s.setPower(g.ID, compute.Running)
	}
	s.console(ran.ID)

	cut()
	s.becomes(ran.ID, compute.Cut)
	s.ok(s.d.SetPower(s.Context(), ran.ID, compute.Stopped, time.Second))
	disk := s.disk("vdb")
	s.ok(s.d.AttachDisk(s.Context(), ran.ID, disk))
	s.ok(os.Rename(disk.Source.Path, disk.Source.Path+".away"))
	// A driver that opens files says "not yet" while the storage of one is not there.
	if err := s.d.Spawn(s.Context(), ran); err != nil {
		s.fails(err, fault.Unavailable)
	}
	s.ok(os.Rename(disk.Source.Path+".away", disk.Source.Path))
	s.ok(s.d.Spawn(s.Context(), ran))
	s.isNow(ran.ID, compute.Running)
	s.ok(s.d.Destroy(s.Context(), asleep.ID))
	s.isNow(asleep.ID, "")
}

// unplugged spawns a guest without a network.
func (s *suite) unplugged() compute.Guest {
	s.Helper()
	g := s.guest()
	g.NICs = nil
	s.Cleanup(func() { s.ok(s.d.Destroy(detached(s.T), g.ID)) })
	s.ok(s.d.Spawn(s.Context(), g))
	return g
}

// becomes waits until the driver answers and the guest is as wanted.
func (s *suite) becomes(id compute.ServerID, want compute.Power) {
	s.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-ticker.C {
		guests, err := s.d.Guests(s.Context())
		for _, g := range guests {
			if err == nil && g == (compute.GuestState{ID: id, Power: want}) {
				return
			}
		}
	}
	s.isNow(id, want)
}
