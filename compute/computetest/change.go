package computetest

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

func powerTable(_ *testing.T, s *suite) {
	g := s.spawn()
	for _, next := range []compute.Power{
		compute.Running, compute.Paused, compute.Paused, compute.Running, compute.Suspended, compute.Suspended,
		compute.Running, compute.Paused, compute.Suspended, compute.Stopped, compute.Stopped,
		compute.Running, compute.Stopped, compute.Running, compute.Paused, compute.Stopped,
	} {
		s.setPower(g.ID, next)
	}
}

func powerRefused(_ *testing.T, s *suite) {
	g := s.spawn()
	s.setPower(g.ID, compute.Stopped)
	s.fails(s.d.SetPower(s.Context(), g.ID, compute.Paused, 0), fault.Conflict)
	s.fails(s.d.SetPower(s.Context(), g.ID, compute.Suspended, 0), fault.Conflict)
	s.fails(s.d.SetPower(s.Context(), g.ID, compute.Crashed, 0), fault.Conflict)
	s.isNow(g.ID, compute.Stopped)
	s.setPower(g.ID, compute.Running)
	s.setPower(g.ID, compute.Suspended)
	s.fails(s.d.SetPower(s.Context(), g.ID, compute.Paused, 0), fault.Conflict)
}

func stopSoft(_ *testing.T, s *suite) {
	g := s.spawn()
	s.console(g.ID)
	s.ok(s.d.SetPower(s.Context(), g.ID, compute.Stopped, 5*time.Second))
	s.isNow(g.ID, compute.Stopped)
}

func disksRunning(_ *testing.T, s *suite) {
	g := s.spawn()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	b, c := s.disk("vdb"), s.disk("vdc")
	s.ok(s.d.AttachDisk(ctx, g.ID, b))
	s.ok(s.d.AttachDisk(ctx, g.ID, b))
	s.ok(s.d.AttachDisk(ctx, g.ID, c))
	s.ok(s.d.DetachDisk(ctx, g.ID, b.ID))
	s.ok(s.d.DetachDisk(ctx, g.ID, b.ID))
	s.setPower(g.ID, compute.Stopped)
	s.setPower(g.ID, compute.Running)
	s.ok(s.d.DetachDisk(ctx, g.ID, c.ID))
	s.ok(s.d.AttachDisk(ctx, g.ID, b))
}

func disksStopped(_ *testing.T, s *suite) {
	g := s.spawn()
	s.setPower(g.ID, compute.Stopped)
	b := s.disk("vdb")
	s.ok(s.d.AttachDisk(s.Context(), g.ID, b))
	s.ok(s.d.AttachDisk(s.Context(), g.ID, b))
	s.setPower(g.ID, compute.Running)
	s.setPower(g.ID, compute.Stopped)
	s.ok(s.d.DetachDisk(s.Context(), g.ID, b.ID))
	s.ok(s.d.DetachDisk(s.Context(), g.ID, b.ID))
	s.setPower(g.ID, compute.Running)
}

func nicsRunning(_ *testing.T, s *suite) {
	g := s.spawn()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	nic := compute.NIC{Port: "port-1", MAC: "fa:16:3e:00:00:02", Tap: Taps[1]}
	s.ok(s.d.AttachNIC(ctx, g.ID, nic))
	s.ok(s.d.AttachNIC(ctx, g.ID, nic))
	s.ok(s.d.DetachNIC(ctx, g.ID, nic.Port))
	s.ok(s.d.DetachNIC(ctx, g.ID, nic.Port))
	s.ok(s.d.DetachNIC(ctx, g.ID, g.NICs[0].Port))
}

func suspendedDevices(_ *testing.T, s *suite) {
	g := s.spawn()
	b := s.disk("vdb")
	s.ok(s.d.AttachDisk(s.Context(), g.ID, b))
	s.setPower(g.ID, compute.Suspended)
	s.ok(s.d.AttachDisk(s.Context(), g.ID, b))
	s.fails(s.d.AttachDisk(s.Context(), g.ID, s.disk("vdc")), fault.Conflict)
	s.fails(s.d.DetachDisk(s.Context(), g.ID, b.ID), fault.Conflict)
	s.ok(s.d.DetachDisk(s.Context(), g.ID, "another"))
}

func screen(t *testing.T, s *suite) {
	console, ok := s.d.(compute.Console)
	if !ok {
		return
	}
	g := s.spawn()
	at, err := console.VNC(s.Context(), g.ID)
	s.ok(err)
	conn, err := net.Dial(at.Network, at.Address)
	s.ok(err)
	defer conn.Close()
	banner := make([]byte, 4)
	if _, err := conn.Read(banner); err != nil || string(banner) != "RFB " {
		t.Errorf("the screen answers %q, %v", banner, err)
	}
	s.setPower(g.ID, compute.Stopped)
	_, err = console.VNC(s.Context(), g.ID)
	s.fails(err, fault.Conflict)
}

func watching(t *testing.T, s *suite) {
	watcher, ok := s.d.(compute.Watcher)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	seen := make(chan compute.GuestState)
	ended := make(chan error)
	go func() {
		ended <- watcher.Watch(ctx, func(g compute.GuestState) {
			select {
			case seen <- g:
			case <-ctx.Done():
			}
		})
	}()
	g := s.spawn()
	await := func(want compute.Power) {
		for {
			select {
			case got := <-seen:
				if got == (compute.GuestState{ID: g.ID, Power: want}) {
					return
				}
			case <-time.After(time.Second): // the change may have come before Watch was listening
				s.setPower(g.ID, compute.Running)
				s.setPower(g.ID, want)
			case <-ctx.Done():
				t.Fatalf("nobody told that the guest is %s", want)
			}
		}
	}
	for _, want := range []compute.Power{compute.Paused, compute.Suspended, compute.Stopped} {
		s.setPower(g.ID, want)
		await(want)
	}
	cancel()
	for {
		select {
		case <-seen:
		case err := <-ended:
			s.ok(err)
			return
		}
	}
}
