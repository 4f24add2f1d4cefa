package computerpc_test

import (
	"bytes"
	"context"
	"io"
	"net/netip"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computerpc"
	"github.com/nacre-cloud/nacre/compute/computetest"
	computememory "github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/image"
	imagememory "github.com/nacre-cloud/nacre/image/memory"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/network"
	networkmemory "github.com/nacre-cloud/nacre/network/memory"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/volume"
	volumememory "github.com/nacre-cloud/nacre/volume/memory"
)

// TestClientIsAService runs the suite on a client of a Manager whose only host is
// across the bus too.
func TestClientIsAService(t *testing.T) {
	for _, kind := range []bustest.Kind{bustest.GoChannel, bustest.NATS} {
		t.Run(string(kind), func(t *testing.T) {
			computetest.TestService(t, func(t *testing.T) computetest.Cloud { return newCloud(t, kind) })
		})
	}
}

func newCloud(t *testing.T, kind bustest.Kind) computetest.Cloud {
	t.Helper()
	d := dbtest.SQLite(t, bus.Migrations, flow.Migrations, quota.Migrations, image.Migrations, network.Migrations,
		volume.Migrations, scheduler.Migrations, compute.Migrations)
	server, client := bustest.Pair(t, kind, d)
	e := flow.NewEngine(d, nil, flow.Config{})
	images, err := image.New(image.Params{DB: d, Flows: e, Stores: []image.Store{{Name: "memory", Driver: imagememory.New(imagememory.Config{})}}})
	must(t, err)
	networks, err := network.New(network.Params{DB: d, Hosts: []network.Host{{Name: "host1", Driver: networkmemory.New()}}})
	must(t, err)
	volumes, err := volume.New(volume.Params{
		DB: d, Flows: e, Images: volumeImages{images}, Backends: []volume.Backend{{Name: "memory", Driver: volumememory.New()}},
	})
	must(t, err)
	placer, err := scheduler.New(scheduler.Params{DB: d})
	must(t, err)
	servers, err := compute.New(compute.Params{
		DB: d, Flows: e, Images: images, Networks: networks, Volumes: volumes, Scheduler: placer,
		Remote: func(host string) compute.Driver { return computerpc.Host(server, host) },
	})
	must(t, err)
	computerpc.Serve(server, servers)
	host := computememory.New(computememory.Config{})
	computerpc.ServeHost(client, "host1", host)
	agent := compute.NewAgent(compute.Host{Name: "host1", Driver: host}, placer, computerpc.Client{Bus: client}, nil)
	for _, p := range []any{images, networks, volumes, placer, servers, agent, e} {
		runtest.Start(t, p)
	}
	return seeded(t, computetest.Cloud{Service: computerpc.Client{Bus: client}, Volumes: volumes, Networks: networks}, images, networks)
}

func seeded(t *testing.T, c computetest.Cloud, images *image.Manager, networks network.Service) computetest.Cloud {
	t.Helper()
	admin, member := identitytest.In(t, "admin", identity.RoleAdmin), identitytest.In(t, computetest.Project, identity.RoleMember)
	i, err := images.CreateImage(admin, image.CreateSpec{Name: "image", Visibility: image.Public, DiskFormat: "raw", ContainerFormat: "bare"})
	must(t, err)
	_, err = images.Upload(admin, i.ID, bytes.NewReader(make([]byte, 4096)))
	must(t, err)
	n, err := networks.CreateNetwork(member, network.Spec{Base: network.Base{Name: "net"}})
	must(t, err)
	_, err = networks.CreateSubnet(member, network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.0.0.0/16")})
	must(t, err)
	c.Image, c.Network = string(i.ID), string(n.ID)
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// volumeImages gives volumes the bytes of images.
type volumeImages struct{ images *image.Manager }

func (v volumeImages) Image(ctx context.Context, id string) (volume.Image, error) {
	i, err := v.images.Image(ctx, image.ID(id))
	return volume.Image{ID: id, DiskFormat: i.DiskFormat, SizeBytes: i.SizeBytes}, err
}

func (v volumeImages) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	r, _, err := v.images.Open(ctx, image.ID(id), image.Range{})
	return r, err
}
