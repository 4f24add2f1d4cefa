package computerpc_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computerpc"
	"github.com/nacre-cloud/nacre/compute/computetest"
	"github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/fault"
)

func TestHostIsADriver(t *testing.T) {
	for _, kind := range bustest.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			computetest.TestDriver(t, func(t *testing.T) compute.Driver {
				server, client := bustest.Pair(t, kind, nil)
				computerpc.ServeHost(server, "node 1.example", memory.New(memory.Config{}))
				return computerpc.Host(client, "node 1.example")
			})
		})
	}
}

func TestHostsAreToldApart(t *testing.T) {
	bustest.Each(t, func(t *testing.T, server, client *bus.Bus) {
		a, b := memory.New(memory.Config{}), memory.New(memory.Config{})
		computerpc.ServeHost(server, "a", a)
		computerpc.ServeHost(server, "b", b)
		id := compute.ServerID(uuid.Must(uuid.NewV7()).String())
		if err := computerpc.Host(client, "b").Spawn(t.Context(), compute.Guest{ID: id, Image: "i", VCPUs: 1, MemoryMiB: 64}); err != nil {
			t.Fatal(err)
		}
		onA, errA := a.Guests(t.Context())
		onB, errB := b.Guests(t.Context())
		if err := errors.Join(errA, errB); err != nil || len(onA) != 0 || len(onB) != 1 {
			t.Errorf("%v on a and %v on b, %v", onA, onB, err)
		}
	})
}

// A keen driver is one that shows what it was given.
type keen struct {
	*memory.Driver
	got chan compute.Guest
}

func (k keen) Spawn(ctx context.Context, g compute.Guest) error {
	k.got <- g
	return k.Driver.Spawn(ctx, g)
}

func TestConfigDriveCrossesWhole(t *testing.T) {
	server, client := bustest.Pair(t, bustest.NATS, nil)
	d := keen{memory.New(memory.Config{}), make(chan compute.Guest, 1)}
	computerpc.ServeHost(server, "a", d)
	files := map[string][]byte{"openstack/latest/vendor_data.json": []byte("{}")}
	userData := bytes.Repeat([]byte("x"), 48<<10)
	for _, dir := range strings.Fields("2012-08-10 2013-04-04 2013-10-17 2015-10-15 2016-06-30 2016-10-06 2017-02-22 2018-08-27 2020-10-14 latest") {
		files["openstack/"+dir+"/user_data"] = userData
	}
	g := compute.Guest{ID: compute.ServerID(uuid.Must(uuid.NewV7()).String()), Image: "i", VCPUs: 1, MemoryMiB: 64, ConfigDrive: files}
	if err := computerpc.Host(client, "a").Spawn(t.Context(), g); err != nil {
		t.Fatal(err)
	}
	got := <-d.got
	if len(got.ConfigDrive) != len(files) || !bytes.Equal(got.ConfigDrive["openstack/latest/user_data"], userData) {
		t.Errorf("%d files arrived, not %d", len(got.ConfigDrive), len(files))
	}
}

func TestHostThatIsNotThereIsUnavailable(t *testing.T) {
	b := bustest.New(t, nil)
	err := computerpc.Host(b, "nowhere").Destroy(t.Context(), "x")
	if !errors.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
}
