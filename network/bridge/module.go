package bridge

import (
	"context"
	"sync/atomic"

	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

// Host adds the host called name, which carries networks in this machine's network namespace. Where c has
// no Metadata, guests get it from the program's network.MetadataHandler.
func Host(name string, c Config) fx.Option {
	h := &host{config: c}
	return fx.Module("bridge networks of "+name,
		network.AddHost(name, func() network.Driver { return h }),
		// Not a parameter of the driver: who answers for metadata asks the networks, and they ask the driver.
		fx.Invoke(func(p params) {
			if h.config.Metadata == nil {
				h.config.Metadata = p.Metadata
			}
		}),
	)
}

type params struct {
	fx.In

	Metadata network.MetadataHandler `optional:"true"`
}

// A host is a Driver that is open while the program runs.
type host struct {
	config Config
	driver atomic.Pointer[Driver]
}

// Start opens the driver.
func (h *host) Start(context.Context) error {
	d, err := Open(h.config)
	if err == nil {
		h.driver.Store(d)
	}
	return err
}

// Stop closes the driver. The networks stay.
func (h *host) Stop(context.Context) error {
	if d := h.driver.Swap(nil); d != nil {
		return d.Close()
	}
	return nil
}

// Apply implements network.Driver.
func (h *host) Apply(ctx context.Context, view network.View) error {
	d, err := h.open()
	if err != nil {
		return err
	}
	return d.Apply(ctx, view)
}

// List implements network.Driver.
func (h *host) List(ctx context.Context) (network.Carried, error) {
	d, err := h.open()
	if err != nil {
		return network.Carried{}, err
	}
	return d.List(ctx)
}

func (h *host) open() (*Driver, error) {
	if d := h.driver.Load(); d != nil {
		return d, nil
	}
	return nil, fault.Unavailable.Errorf("bridge networks: this program starts or stops")
}

var (
	_ network.Driver  = (*host)(nil)
	_ network.Starter = (*host)(nil)
	_ network.Stopper = (*host)(nil)
)
