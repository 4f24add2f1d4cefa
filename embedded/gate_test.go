package embedded_test

import (
	"context"
	"sync"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/compute"
	computememory "github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/volume"
	volumememory "github.com/nacre-cloud/nacre/volume/memory"
)

// A gate stands before drivers. It lets everything through but the operation it
// was told to hold or to fail, by the name of the driver's method.
type gate struct {
	mu     sync.Mutex
	method string
	err    error
	met    chan struct{} // closed when the operation was asked for
	opened chan struct{}
}

// hold stops an operation until open, and returns what closes once it is met.
func (g *gate) hold(method string) <-chan struct{} { return g.set(method, nil) }

// fail makes an operation fail until open.
func (g *gate) fail(method string, err error) <-chan struct{} { return g.set(method, err) }

func (g *gate) set(method string, err error) <-chan struct{} {
	g.open()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.method, g.err = method, err
	g.met, g.opened = make(chan struct{}), make(chan struct{})
	return g.met
}

// open lets everything through again.
func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.method != "" {
		close(g.opened)
	}
	g.method = ""
}

func (g *gate) pass(ctx context.Context, method string) error {
	g.mu.Lock()
	held, err, met, opened := g.method == method, g.err, g.met, g.opened
	if held {
		select {
		case <-met:
		default:
			close(met)
		}
	}
	g.mu.Unlock()
	if !held {
		return nil
	}
	if err != nil {
		return err
	}
	select {
	case <-opened:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// gated puts gates before every host and every volume backend of a cloud.
func gated(hosts, backends *gate) fx.Option {
	before := func(ctx context.Context, method string, _ compute.ServerID) error { return hosts.pass(ctx, method) }
	return fx.Options(
		fx.Decorate(fx.Annotate(func(list []compute.Host) []compute.Host {
			for i := range list {
				list[i].Driver = computememory.New(computememory.Config{Before: before})
			}
			return list
		}, fx.ParamTags(`group:"compute.hosts"`), fx.ResultTags(`group:"compute.hosts"`))),
		fx.Decorate(fx.Annotate(func(list []volume.Backend) []volume.Backend {
			for i := range list {
				list[i].Driver = gatedVolumes{volumememory.New(), backends}
			}
			return list
		}, fx.ParamTags(`group:"volume.backends"`), fx.ResultTags(`group:"volume.backends"`))),
	)
}

// gatedVolumes is a backend behind a gate, with every power.
type gatedVolumes struct {
	*volumememory.Driver
	gate *gate
}

// Create implements volume.Driver.
func (g gatedVolumes) Create(ctx context.Context, v volume.Volume) error {
	if err := g.gate.pass(ctx, "Create"); err != nil {
		return err
	}
	return g.Driver.Create(ctx, v)
}

// Delete implements volume.Driver.
func (g gatedVolumes) Delete(ctx context.Context, v volume.Volume) error {
	if err := g.gate.pass(ctx, "Delete"); err != nil {
		return err
	}
	return g.Driver.Delete(ctx, v)
}

// Resize implements volume.Resizer.
func (g gatedVolumes) Resize(ctx context.Context, v volume.Volume) error {
	if err := g.gate.pass(ctx, "Resize"); err != nil {
		return err
	}
	return g.Driver.Resize(ctx, v)
}

// CreateSnapshot implements volume.Snapshotter.
func (g gatedVolumes) CreateSnapshot(ctx context.Context, s volume.Snapshot) error {
	if err := g.gate.pass(ctx, "CreateSnapshot"); err != nil {
		return err
	}
	return g.Driver.CreateSnapshot(ctx, s)
}

// DeleteSnapshot implements volume.Snapshotter.
func (g gatedVolumes) DeleteSnapshot(ctx context.Context, s volume.Snapshot) error {
	if err := g.gate.pass(ctx, "DeleteSnapshot"); err != nil {
		return err
	}
	return g.Driver.DeleteSnapshot(ctx, s)
}

var (
	_ volume.Driver      = gatedVolumes{}
	_ volume.Snapshotter = gatedVolumes{}
	_ volume.Resizer     = gatedVolumes{}
)
