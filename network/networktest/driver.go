// Package networktest holds the conformance suites of package network: whoever writes a driver
// runs TestDriver on it. The suites know no driver by name.
package networktest

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/network"
)

// TestDriver checks the promises of network.Driver that can be seen without traffic. open returns
// a driver whose host carries nothing; the suite leaves it so.
func TestDriver(t *testing.T, open func(*testing.T) network.Driver) {
	for name, test := range map[string]func(*testing.T, network.Driver){
		"an empty view leaves nothing":                 emptyView,
		"applying twice is applying once":              twice,
		"order does not matter":                        order,
		"what is no longer in the view is gone":        removal,
		"a port moves to another network":              move,
		"any view follows any other":                   transitions,
		"a view that cannot be true changes nothing":   impossible,
		"a cancelled apply can be repeated":            cancelled,
		"calls from several goroutines are serialised": concurrent,
	} {
		t.Run(name, func(t *testing.T) {
			d := runtest.Start(t, open(t))
			t.Cleanup(func() { drain(t, d) })
			test(t, d)
		})
	}
}

func emptyView(t *testing.T, d network.Driver) {
	apply(t, d, network.View{})
	apply(t, d, Sample())
	apply(t, d, network.View{})
}

func twice(t *testing.T, d network.Driver) {
	apply(t, d, Sample())
	apply(t, d, Sample())
}

func order(t *testing.T, d network.Driver) {
	apply(t, d, Sample())
	v := Sample()
	slices.Reverse(v.Networks)
	slices.Reverse(v.Ports)
	slices.Reverse(v.Routers)
	slices.Reverse(v.Ports[0].Rules)
	apply(t, d, v)
}

func removal(t *testing.T, d network.Driver) {
	v := Sample()
	apply(t, d, v)
	v.Ports = v.Ports[1:]
	apply(t, d, v)
	v.Routers[0].Floating = nil
	apply(t, d, v)
	v.Routers = nil
	apply(t, d, v)
	v.Ports = nil
	apply(t, d, v)
	v.Networks = v.Networks[1:]
	apply(t, d, v)
}

func move(t *testing.T, d network.Driver) {
	v := Sample()
	apply(t, d, v)
	v.Ports[0].Network = v.Networks[1].ID
	apply(t, d, v)
}

func transitions(t *testing.T, d network.Driver) {
	var views []network.View
	for i := range 8 {
		v := Sample()
		if i&1 != 0 {
			v.Routers = nil
		}
		if i&2 != 0 {
			v.Ports = v.Ports[:1]
			v.Ports[0].Rules = nil
		}
		if i&4 != 0 {
			v.Networks[0].Subnets[0].DHCP = netip.Addr{}
			v.Networks[0].MTU = 1400
		}
		views = append(views, v)
	}
	for i := range views {
		apply(t, d, views[i])
		apply(t, d, views[(i*3+5)%len(views)])
	}
}

func impossible(t *testing.T, d network.Driver) {
	apply(t, d, Sample())
	before := Sample()
	for name, spoil := range map[string]func(*network.View){
		"port without network":   func(v *network.View) { v.Networks = v.Networks[:1] },
		"two ports with one tap": func(v *network.View) { v.Ports[1].Tap = v.Ports[0].Tap },
		"no MAC":                 func(v *network.View) { v.Ports[0].MAC = "tap" },
		"an id that is a path":   func(v *network.View) { v.Routers[0].ID = "../../etc" },
		"unknown group":          func(v *network.View) { v.Groups = nil },
		"one id twice":           func(v *network.View) { v.Networks = append(v.Networks, v.Networks[0]) },
		"floating, no gateway":   func(v *network.View) { v.Routers[0].Gateway = nil },
	} {
		v := Sample()
		spoil(&v)
		if err := d.Apply(t.Context(), v); !errors.Is(err, fault.Invalid) {
			t.Errorf("%s: Apply answered %v, want fault.Invalid", name, err)
		}
		check(t, d, before)
	}
}

func cancelled(t *testing.T, d network.Driver) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Apply(ctx, Sample()); err == nil {
		t.Error("Apply with a cancelled context answered nil")
	}
	apply(t, d, Sample())
}

func concurrent(t *testing.T, d network.Driver) {
	errs := make(chan error)
	for i := range 8 {
		go func() {
			v := Sample()
			if i%2 == 0 {
				v.Ports = v.Ports[:1]
			}
			_, lerr := d.List(t.Context())
			errs <- errors.Join(d.Apply(t.Context(), v), lerr)
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	apply(t, d, Sample())
}

func apply(t *testing.T, d network.Driver, v network.View) {
	t.Helper()
	if err := d.Apply(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	check(t, d, v)
}

func check(t *testing.T, d network.Driver, v network.View) {
	t.Helper()
	got, err := d.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var want network.Carried
	for _, n := range v.Networks {
		want.Networks = append(want.Networks, n.ID)
	}
	for _, p := range v.Ports {
		want.Ports = append(want.Ports, p.ID)
	}
	for _, r := range v.Routers {
		want.Routers = append(want.Routers, r.ID)
	}
	for _, ids := range [][]string{want.Networks, want.Ports, want.Routers} {
		slices.Sort(ids)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || !reflect.DeepEqual(got.Leftovers, want.Leftovers) {
		t.Errorf("the host carries\n%+v, want\n%+v", got, want)
	}
}
