package bridge_test

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/bridge"
	"github.com/nacre-cloud/nacre/network/networktest"
)

func TestDriver(t *testing.T) {
	networktest.TestDriver(t, func(t *testing.T) network.Driver {
		host := newSite(t)
		d := host.open(bridge.Config{})
		t.Cleanup(host.isBare)
		return d
	})
}

func TestWhatAHandBrokeIsMended(t *testing.T) {
	a := network.Tail(networktest.Sample().Networks[0].ID)
	del := func(name string) func(*world) {
		return func(w *world) {
			l, err := w.host.nl.LinkByName(name)
			if err != nil {
				w.host.t.Fatal(err)
			}
			if err := w.host.nl.LinkDel(l); err != nil {
				w.host.t.Fatal(err)
			}
		}
	}
	space := func(what, id string) func(*world) {
		return func(w *world) {
			path := filepath.Join("/run/netns", fmt.Sprintf("nc-%d-%s-%s", w.host.inode(), what, id))
			if err := unix.Unmount(path, unix.MNT_DETACH); err != nil {
				w.host.t.Fatal(err)
			}
		}
	}
	for name, breakIt := range map[string]func(*world){
		"bridge deleted":           del("ncb" + a),
		"DHCP cable deleted":       del("ncd" + a),
		"router cable deleted":     del("ncr000000000f1"),
		"DHCP namespace is gone":   space("net", networktest.Sample().Networks[0].ID),
		"router namespace is gone": space("router", networktest.Sample().Routers[0].ID),
		"rules flushed":            func(w *world) { w.host.flush() },
		"tap unplugged": func(w *world) {
			l, err := w.host.nl.LinkByName(w.view.Ports[1].Tap)
			if err == nil {
				err = w.host.nl.LinkSetNoMaster(l)
			}
			if err != nil {
				w.host.t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := leased(t)
			w.one.listen(":22")
			w.one.listen(":23")
			w.host.listen("0.0.0.0:80")
			breakIt(w)
			w.apply()
			w.two.lease()
			w.two.reaches("10.0.0.11:22", "10.0.0.12")
			w.two.cannotReach("10.0.0.11:23")
			w.host.reaches("198.51.100.50:22", "198.51.100.1")
			w.two.reaches("198.51.100.1:80", "198.51.100.10")
		})
	}
}

func TestOthersDevicesAreLeftAlone(t *testing.T) {
	host := newSite(t)
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "br-ex"
	if err := host.nl.LinkAdd(&netlink.Bridge{LinkAttrs: attrs}); err != nil {
		t.Fatal(err)
	}
	openTap(host, "tap0")
	d := host.open(bridge.Config{Bridges: map[string]string{"public": "br-ex"}})
	second := host.open(bridge.Config{Prefix: "zz"})
	v := networktest.Sample()
	v.Networks[2].Physical = "public"
	mine := network.View{Networks: []network.HostNetwork{{ID: "mine"}}}
	for _, apply := range []func() error{
		func() error { return second.Apply(t.Context(), mine) },
		func() error { return d.Apply(t.Context(), v) },
		func() error { return second.Apply(t.Context(), mine) },
		func() error { return d.Apply(t.Context(), network.View{}) },
	} {
		if err := apply(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"br-ex", "tap0", "zzbmine"} {
		if _, err := host.nl.LinkByName(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	drain(t, second)
}

// TestApplyIsCheap prints what Apply costs, and bounds it loosely.
func TestApplyIsCheap(t *testing.T) {
	host := newSite(t)
	d := host.open(bridge.Config{})
	t.Cleanup(func() { drain(t, d) })
	timed := func(what string, most time.Duration, v network.View) {
		t.Helper()
		start := time.Now()
		if err := d.Apply(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		t.Logf("%-40s %v", what, took.Round(10*time.Microsecond))
		if took > most {
			t.Errorf("%s took %v, want less than %v", what, took, most)
		}
	}
	v := networktest.Sample()
	port := v.Ports[0]
	v.Ports = nil
	add := func(n int) {
		i := len(v.Ports)
		for ; n > 0; n-- {
			p := port
			p.ID, p.MAC = fmt.Sprintf("01980000-0000-7000-8000-0000000a%04x", i), fmt.Sprintf("fa:16:3e:01:00:%02x", i)
			p.Tap, p.Addresses = network.TapName(p.ID), []netip.Addr{netip.AddrFrom4([4]byte{10, 0, 0, byte(20 + i)})}
			v.Ports = append(v.Ports, p)
			i++
		}
	}
	one := network.View{Networks: v.Networks[:1]}
	timed("first network with DHCP", 5*time.Second, one)
	timed("the rest: network, external, router", 5*time.Second, v)
	add(1)
	timed("first port", 5*time.Second, v)
	add(98)
	timed("98 ports", 20*time.Second, v)
	add(1)
	timed("one more port of 100", time.Second, v)
	timed("unchanged view of 100 ports", time.Second, v)
	v.Groups[0].Addresses = append(v.Groups[0].Addresses, netip.MustParsePrefix("10.0.0.200/32"))
	timed("one more member of a group", time.Second, v)
	v.Ports = v.Ports[:99]
	timed("one port less", time.Second, v)
	host.flush()
	timed("all rules of 99 ports anew", 5*time.Second, v)
	timed("nothing", 20*time.Second, network.View{})
}
