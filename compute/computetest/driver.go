// Package computetest proves implementations of package compute's contracts.
//
// An author of a driver calls TestDriver from a test. The suite asks for nothing
// that the contract does not promise, and finds optional interfaces by itself.
package computetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/runtest"
)

// Image is the image that the suite's guests boot from. A driver that really boots
// must be given an ImageSource that has it: any small system will do that obeys the
// power button, gives back a hot-plugged device, and writes to its serial console.
const Image = "11111111-2222-4333-8444-555555555555"

// Taps are the tap devices that the suite's guests are plugged into. A driver that
// really boots must find them. Two runs of the suite do not meet at one.
var Taps = []string{fmt.Sprintf("nct%da", os.Getpid()), fmt.Sprintf("nct%db", os.Getpid())}

const (
	patience = 90 * time.Second // with what needs the guest's help, under emulation
	tick     = 20 * time.Millisecond
)

// TestDriver runs the conformance suite on the drivers that host returns. Each
// call must return a driver without guests; the suite destroys what it makes.
func TestDriver(t *testing.T, host func(*testing.T) compute.Driver) {
	for name, test := range map[string]func(*testing.T, *suite){
		"inventory says what there is":           inventory,
		"spawned is running":                     spawned,
		"spawn twice is spawn once":              spawnTwice,
		"spawn starts what is stopped":           spawnStopped,
		"spawn of nonsense is invalid":           spawnNonsense,
		"spawns run side by side":                spawnMany,
		"destroyed is gone":                      destroyed,
		"unknown is not found":                   unknown,
		"power goes where the table says":        powerTable,
		"power refuses what the table lacks":     powerRefused,
		"stopping asks the guest first":          stopSoft,
		"console log ends where the guest is":    consoleLog,
		"samples grow":                           samples,
		"disks come and go while running":        disksRunning,
		"disks come and go while stopped":        disksStopped,
		"nics come and go while running":         nicsRunning,
		"suspended devices do not change":        suspendedDevices,
		"a dead context is unavailable, not bad": deadContext,
		"the screen of a running guest":          screen,
		"watching sees changes":                  watching,
	} {
		t.Run(name, func(t *testing.T) { test(t, &suite{T: t, d: runtest.Start(t, host(t))}) })
	}
}

// suite is a test with a driver and the few verbs all tests share.
type suite struct {
	*testing.T
	d compute.Driver
}

// guest describes a small server that boots from Image.
func (s *suite) guest() compute.Guest {
	id := uuid.Must(uuid.NewV7()).String()
	return compute.Guest{
		ID: compute.ServerID(id), Name: "conformance <&> " + id[:8],
		VCPUs: 1, MemoryMiB: 128, Image: Image, RootGiB: 1,
		NICs: []compute.NIC{{Port: "port-0", MAC: "fa:16:3e:00:00:01", Tap: Taps[0], MTU: 1400}},
		ConfigDrive: map[string][]byte{
			"openstack/latest/meta_data.json": fmt.Appendf(nil, `{"uuid": %q, "hostname": "conformance"}`, id),
		},
	}
}

func (s *suite) spawn() compute.Guest {
	s.Helper()
	g := s.guest()
	s.Cleanup(func() { s.ok(s.d.Destroy(detached(s.T), g.ID)) })
	s.ok(s.d.Spawn(s.Context(), g))
	return g
}

// disk makes a file that can be a guest's disk.
func (s *suite) disk(device string) compute.Disk {
	s.Helper()
	path := filepath.Join(s.TempDir(), device)
	s.ok(os.WriteFile(path, nil, 0o600))
	s.ok(os.Truncate(path, 16<<20))
	return compute.Disk{
		ID: uuid.NewString(), Device: device,
		Source: compute.Source{Kind: compute.SourceFile, Path: path, Format: "raw"},
	}
}

func (s *suite) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) fails(err error, want fault.Kind) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("error is %v, want: %v", err, want)
	}
}

func (s *suite) setPower(id compute.ServerID, want compute.Power) {
	s.Helper()
	s.ok(s.d.SetPower(s.Context(), id, want, 0))
	s.isNow(id, want)
}

func (s *suite) isNow(id compute.ServerID, want compute.Power) {
	s.Helper()
	if got := s.power(id); got != want {
		s.Fatalf("the guest is %q, want %q", got, want)
	}
}

// power returns "" for a guest that is not on the host.
func (s *suite) power(id compute.ServerID) compute.Power {
	s.Helper()
	guests, err := s.d.Guests(s.Context())
	s.ok(err)
	i := slices.IndexFunc(guests, func(g compute.GuestState) bool { return g.ID == id })
	if i < 0 {
		return ""
	}
	return guests[i].Power
}

// console waits until the guest has written something.
func (s *suite) console(id compute.ServerID) []byte {
	s.Helper()
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-ticker.C {
		log, err := s.d.ConsoleLog(s.Context(), id, 64<<10)
		s.ok(err)
		if len(log) > 0 {
			return log
		}
	}
	s.Fatal("the guest wrote nothing to its console")
	return nil
}

// together runs f n times at once.
func together(n int, f func(int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
