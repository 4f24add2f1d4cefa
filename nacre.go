// Package nacre is the map of the module: it bundles the packages that make a
// cloud, and starts one for programs that do not use fx themselves.
//
// A cloud is a list of modules. Eight domains (identity, image, network, volume,
// object, scheduler, compute, metering) stand on a kit (fault, page, driver,
// db, bus, flow, quota, rest); each has a Service, one or more drivers, an HTTP face
// (…api) and a client for other processes (…rpc). The bundles here list all of
// them and no driver: main names every backend, so that it reads as the
// description of the cloud.
//
//	fx.New(
//		nacre.Single,
//		fx.Supply(db.Config{URL: "sqlite:/var/lib/nacre/cloud.db"}, identity.Config{…}),
//		libvirt.Host("node1", libvirt.Config{}),
//		bridge.Host("node1", bridge.Config{}),
//		file.Backend("ssd", file.Config{Dir: "/var/lib/nacre/volumes"}),
//		…
//	).Run()
//
// Package embedded is a whole cloud in one process, for tests and laptops.
package nacre

import (
	"context"

	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computeapi"
	"github.com/nacre-cloud/nacre/compute/computerpc"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identityapi"
	"github.com/nacre-cloud/nacre/identity/identityrpc"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/image/imageapi"
	"github.com/nacre-cloud/nacre/image/imagerpc"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/metering"
	"github.com/nacre-cloud/nacre/metering/meteringapi"
	"github.com/nacre-cloud/nacre/metering/meteringrpc"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/networkapi"
	"github.com/nacre-cloud/nacre/network/networkrpc"
	"github.com/nacre-cloud/nacre/object"
	"github.com/nacre-cloud/nacre/object/objectapi"
	"github.com/nacre-cloud/nacre/object/objectrpc"
	"github.com/nacre-cloud/nacre/operator"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/scheduler/schedulerapi"
	"github.com/nacre-cloud/nacre/scheduler/schedulerrpc"
	"github.com/nacre-cloud/nacre/volume"
	"github.com/nacre-cloud/nacre/volume/volumeapi"
	"github.com/nacre-cloud/nacre/volume/volumerpc"
)

// Core is the kit of a process that has a database. It needs a db.Config.
var Core = fx.Options(db.Module, bus.Module, flow.Module, quota.Module, observation, databaseHealth)

// Domains are the eight services, each owning its tables in this process.
var Domains = fx.Options(
	identity.Module, image.Module, network.Module, volume.Module,
	object.Module, scheduler.Module, compute.Module, metering.Module,
	imageSources,
)

// Faces serve every domain, and the desk of the operator, over HTTP.
var Faces = fx.Options(
	identityapi.Module, imageapi.Module, networkapi.Module, volumeapi.Module,
	objectapi.Module, schedulerapi.Module, computeapi.Module, meteringapi.Module,
	operator.Module,
)

// Single is a cloud of one process: it needs a db.Config, an identity.Config,
// and at least one backend for each of image, network, volume, object and compute.
var Single = fx.Options(Core, Domains, Faces, compute.Agents)

// Control is the control plane of a cloud of many hosts: Single, offered to other
// processes on the bus, with servers and networks on whatever hosts report. It
// needs a transport too, such as nats.Module. Several may share one PostgreSQL,
// one bus and the files of images, objects and keys.
var Control = fx.Options(
	Core, Domains, Faces, imageapi.Bytes, computerpc.Remote, networkrpc.Remote,
	identityrpc.Server, imagerpc.Server, networkrpc.Server, volumerpc.Server,
	objectrpc.Server, schedulerrpc.Server, computerpc.Server, meteringrpc.Server,
)

// Host is a process that runs servers for a control plane elsewhere, which it tells
// that it is there. It has no database; it needs a transport, and the drivers of
// one host. A rest.Config says where it tells how it fares, or else a free loopback
// port.
var Host = fx.Options(
	bus.Module, observation,
	imagerpc.Module, schedulerrpc.Module, computerpc.Module, networkrpc.Module,
	computerpc.HostServer, networkrpc.HostServer, computeapi.GuestMetadata, imageSources,
	network.Agents, compute.Agents, // networks first: servers come once compute knows the host
)

// A Cloud is a cloud in this process, for programs that do not use fx themselves.
type Cloud struct {
	Identity  identity.Service
	Images    image.Service
	Content   image.Content
	Networks  network.Service
	Volumes   volume.Service
	Objects   object.Service
	Scheduler scheduler.Service
	Servers   compute.Service
	Metering  metering.Service

	server *rest.Server
	app    *fx.App
}

// New returns a cloud made of options: a bundle such as Single, configurations
// and backends. It runs between Start and Stop.
func New(options ...fx.Option) (*Cloud, error) {
	c := new(Cloud)
	c.app = fx.New(fx.NopLogger, fx.Options(options...), fx.Populate(
		&c.Identity, &c.Images, &c.Content, &c.Networks, &c.Volumes, &c.Objects, &c.Scheduler, &c.Servers, &c.Metering, &c.server,
	))
	return c, dig.RootCause(c.app.Err()) // what is wrong, not how fx came upon it
}

// Start starts every part, and returns once requests are answered.
func (c *Cloud) Start(ctx context.Context) error { return c.app.Start(ctx) }

// Stop ends every part in reverse. What is under way goes on after the next Start.
func (c *Cloud) Stop(ctx context.Context) error { return c.app.Stop(ctx) }

// URL returns where the cloud's HTTP faces are, "http://127.0.0.1:5000". The
// authentication URL is below it, at /identity/v3.
func (c *Cloud) URL() string { return c.server.URL() }
