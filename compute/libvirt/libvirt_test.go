//go:build libvirt

package libvirt_test

import (
	"context"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/vishvananda/netlink"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computetest"
	"github.com/nacre-cloud/nacre/compute/libvirt"
	"github.com/nacre-cloud/nacre/compute/libvirt/libvirttest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/runtest"
)

// world is a hypervisor with the suite's image and taps.
type world struct {
	host  *libvirttest.Host
	image string
}

func newWorld(t *testing.T) world {
	w := world{host: libvirttest.Start(t), image: libvirttest.Guest(t)}
	for _, name := range computetest.Taps {
		tap := &netlink.Tuntap{LinkAttrs: netlink.LinkAttrs{Name: name}, Mode: netlink.TUNTAP_MODE_TAP}
		if err := netlink.LinkAdd(tap); err != nil {
			t.Fatalf("tap %s: %v", name, err)
		}
		t.Cleanup(func() { _ = netlink.LinkDel(tap) })
	}
	return w
}

// driver is a libvirt.Driver seen from outside its libvirtd's mount namespace.
type driver struct {
	*libvirt.Driver
	host *libvirttest.Host
}

func (d driver) VNC(ctx context.Context, id compute.ServerID) (compute.Endpoint, error) {
	at, err := d.Driver.VNC(ctx, id)
	at.Address = d.host.Path(at.Address)
	return at, err
}

func (w world) driver(t *testing.T, dir string) compute.Driver {
	return w.configured(t, libvirt.Config{Dir: dir})
}

func (w world) configured(t *testing.T, c libvirt.Config) compute.Driver {
	c.URI, c.LogDir, c.Images, c.Log = w.host.URI, w.host.LogDir(), w, slog.New(slog.NewTextHandler(t.Output(), nil))
	d, err := libvirt.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return driver{d.(*libvirt.Driver), w.host}
}

// Open implements compute.ImageSource.
func (w world) Open(_ context.Context, image string) (io.ReadCloser, compute.ImageInfo, error) {
	if image != computetest.Image {
		return nil, compute.ImageInfo{}, fault.NotFound.Errorf("image %s", image)
	}
	content, err := os.ReadFile(w.image)
	if err != nil {
		return nil, compute.ImageInfo{}, err
	}
	sum := sha512.Sum512(content)
	f, err := os.Open(w.image)
	return f, compute.ImageInfo{Size: int64(len(content)), DiskFormat: "qcow2", SHA512: hex.EncodeToString(sum[:])}, err
}

func TestDriver(t *testing.T) {
	w := newWorld(t)
	computetest.TestDriver(t, func(t *testing.T) compute.Driver { return w.driver(t, t.TempDir()) })
}

func TestPowerCut(t *testing.T) {
	w := newWorld(t)
	computetest.TestPowerCut(t, func(t *testing.T) (compute.Driver, func()) {
		return w.driver(t, t.TempDir()), func() { w.host.PowerCut(t, func() {}) }
	})
}

// TestServerLife follows one server whose guest tells on its console what it sees.
func TestServerLife(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	s := start(t, w.driver(t, dir))
	id := uuid.Must(uuid.NewV7()).String()
	g := compute.Guest{
		ID: compute.ServerID(id), Name: "life", VCPUs: 1, MemoryMiB: 128, Image: computetest.Image, RootGiB: 1,
		ConfigDrive: map[string][]byte{
			"openstack/latest/meta_data.json": fmt.Appendf(nil,
				`{"uuid":%q,"hostname":"life.example","public_keys":{"mine":"ssh-ed25519 AAAAC3Nza me"}}`, id),
			"openstack/latest/user_data": []byte("#!/bin/sh\necho the answer is $((6 * 7))\ndd if=/dev/vda of=/dev/null bs=1M count=1 2>/dev/null\n"),
		},
	}
	s.timed("image copied, QEMU started", func() { s.ok(s.d.Spawn(t.Context(), g)) })
	s.timed("then userland", func() { s.says("guest: up after") })
	s.timed("then user data", func() { s.says("guest: ready after") })
	for _, line := range []string{
		"guest: source config drive", "guest: hostname life.example", "guest: ssh key ssh-ed25519 AAAAC3Nza",
		"guest: user data: the answer is 42", "guest: user data: exit 0", "guest: disk vda added, 1024 MiB", "guest: boot 1 ",
	} {
		s.says(line)
	}

	volume := compute.Disk{
		ID: uuid.NewString(), Device: "vdb",
		Source: compute.Source{Kind: compute.SourceFile, Path: filepath.Join(t.TempDir(), "volume"), Format: "raw"},
	}
	s.ok(os.WriteFile(volume.Source.Path, nil, 0o600))
	s.ok(os.Truncate(volume.Source.Path, 64<<20))
	s.timed("disk attached and seen", func() {
		s.ok(s.d.AttachDisk(t.Context(), g.ID, volume))
		s.says("guest: disk vdb added, 64 MiB, serial " + volume.ID[:20])
	})
	s.timed("disk detached", func() { s.ok(s.d.DetachDisk(t.Context(), g.ID, volume.ID)) })
	s.says("guest: disk vdb removed")
	nic := compute.NIC{Port: uuid.NewString(), MAC: "fa:16:3e:00:00:07", Tap: computetest.Taps[1], MTU: 1450}
	s.timed("nic attached and seen", func() {
		s.ok(s.d.AttachNIC(t.Context(), g.ID, nic))
		s.says("guest: nic eth0 added, fa:16:3e:00:00:07")
	})
	s.timed("nic detached", func() { s.ok(s.d.DetachNIC(t.Context(), g.ID, nic.Port)) })
	s.says("guest: nic eth0 removed")

	samples, err := s.d.Samples(t.Context())
	s.ok(err)
	if len(samples) != 1 || samples[0].DiskRead < 1<<20 {
		t.Errorf("samples %+v", samples)
	}

	began := time.Now()
	s.timed("shut down by the power button", func() { s.ok(s.d.SetPower(t.Context(), g.ID, compute.Stopped, time.Minute)) })
	if s.says("guest: power button"); time.Since(began) > 50*time.Second {
		t.Error("the plug was pulled")
	}
	s.timed("started again", func() { s.ok(s.d.SetPower(t.Context(), g.ID, compute.Running, 0)) })
	s.says("guest: boot 2 ")

	w.host.Kill()
	if _, err := s.d.ConsoleLog(t.Context(), g.ID, 10); err != nil {
		t.Errorf("console log without libvirtd: %v", err)
	}
	w.host.Up(t)
	s.timed("found libvirtd again", func() { s.power(compute.Running) })

	s.timed("destroyed", func() { s.ok(s.d.Destroy(t.Context(), g.ID)) })
	s.nothingLeft(w, g.ID, dir)

	s.timed("spawned from the cached image", func() { s.ok(s.d.Spawn(t.Context(), g)) })
	s.timed("then userland", func() { s.says("guest: up after") })
	s.says("guest: boot 1 ")
	s.timed("destroyed", func() { s.ok(s.d.Destroy(t.Context(), g.ID)) })
	s.nothingLeft(w, g.ID, dir)
}

func (s story) nothingLeft(w world, id compute.ServerID, dir string) {
	s.Helper()
	if left := w.host.Leftovers(string(id)); len(left) > 0 {
		s.Errorf("libvirt keeps %v", left)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "servers")); len(left) > 0 {
		s.Errorf("the host keeps %v", left)
	}
}

// TestSpawnRefuses shows that a bad image or a missing tap leaves nothing running.
func TestSpawnRefuses(t *testing.T) {
	w := newWorld(t)
	s := start(t, w.driver(t, t.TempDir()))
	for name, test := range map[string]struct {
		change func(*compute.Guest)
		want   fault.Kind
	}{
		"an unknown image": {func(g *compute.Guest) { g.Image = uuid.NewString() }, fault.NotFound},
		"a tap that is absent": {func(g *compute.Guest) {
			g.NICs = []compute.NIC{{Port: "p", MAC: "fa:16:3e:00:00:09", Tap: "nosuchtap"}}
		}, fault.Unavailable},
		"a path that climbs": {func(g *compute.Guest) { g.ConfigDrive = map[string][]byte{"../../x": nil} }, fault.Invalid},
		"a foreign volume": {func(g *compute.Guest) {
			g.Disks = []compute.Disk{{ID: "v", Device: "vdb", Source: compute.Source{Kind: "magic"}}}
		}, fault.Unsupported},
	} {
		t.Run(name, func(t *testing.T) {
			g := compute.Guest{ID: compute.ServerID(uuid.NewString()), VCPUs: 1, MemoryMiB: 128, Image: computetest.Image}
			test.change(&g)
			if got := fault.Of(s.d.Spawn(t.Context(), g)); got != test.want {
				t.Errorf("Spawn fails with %v, want %v", got, test.want)
			}
			s.ok(s.d.Destroy(t.Context(), g.ID))
		})
	}
	guests, err := s.d.Guests(t.Context())
	if s.ok(err); len(guests) > 0 {
		t.Errorf("left behind: %v", guests)
	}
}

// story is a test around one driver with at most one guest.
type story struct {
	*testing.T
	d compute.Driver
}

func start(t *testing.T, d compute.Driver) story {
	return story{t, runtest.Start(t, d)}
}

func (s story) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s story) timed(what string, f func()) {
	began := time.Now()
	f()
	s.Logf("%6.2f s  %s", time.Since(began).Seconds(), what)
}

// says waits until the guest has written the text to its console.
func (s story) says(text string) {
	s.Helper()
	var log []byte
	s.poll(func() bool {
		guests, _ := s.d.Guests(s.Context())
		for _, g := range guests {
			log, _ = s.d.ConsoleLog(s.Context(), g.ID, 1<<20)
		}
		return strings.Contains(string(log), text)
	}, func() string { return fmt.Sprintf("the console lacks %q:\n%s", text, log) })
}

func (s story) power(want compute.Power) {
	s.Helper()
	var guests []compute.GuestState
	s.poll(func() bool {
		guests, _ = s.d.Guests(s.Context())
		return len(guests) == 1 && guests[0].Power == want
	}, func() string { return fmt.Sprintf("guests are %v", guests) })
}

func (s story) poll(done func() bool, why func() string) {
	s.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(90 * time.Second); !done(); <-ticker.C {
		if time.Now().After(end) {
			s.Fatal(why())
		}
	}
}

func TestStopLeavesNoConnection(t *testing.T) {
	host := libvirttest.Start(t)
	sockets := func() (n int) {
		files, _ := os.ReadDir("/proc/self/fd")
		for _, f := range files {
			if to, _ := os.Readlink("/proc/self/fd/" + f.Name()); strings.HasPrefix(to, "socket:") {
				n++
			}
		}
		return n
	}
	before := sockets()
	for range 3 {
		d := world{host: host}.driver(t, t.TempDir()).(driver)
		if err := d.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := d.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	story{t, nil}.poll(func() bool { return sockets() <= before }, func() string {
		return fmt.Sprintf("%d sockets before, %d after", before, sockets())
	})
}
