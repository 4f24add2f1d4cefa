// Package memory is a network driver that carries networks in RAM only: it remembers what it was
// told and moves no packet. The embedded cloud and tests use it; it shows how little a driver must say.
package memory

import (
	"context"
	"slices"
	"sync"

	"github.com/nacre-cloud/nacre/network"
)

// Driver remembers the last View. The zero Driver is ready.
type Driver struct {
	mu   sync.Mutex
	view network.View
}

// New returns a host that carries nothing.
func New() *Driver { return &Driver{} }

// Apply remembers view.
func (d *Driver) Apply(ctx context.Context, view network.View) error {
	if err := view.Check(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.view = view.Clone()
	return nil
}

// View returns what was applied last.
func (d *Driver) View() network.View {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.view.Clone()
}

// List returns the ids of the last View.
func (d *Driver) List(context.Context) (network.Carried, error) {
	v := d.View()
	return network.Carried{
		Networks: ids(v.Networks, func(n network.HostNetwork) string { return n.ID }),
		Ports:    ids(v.Ports, func(p network.HostPort) string { return p.ID }),
		Routers:  ids(v.Routers, func(r network.HostRouter) string { return r.ID }),
	}, nil
}

func ids[T any](things []T, id func(T) string) []string {
	var out []string
	for _, t := range things {
		out = append(out, id(t))
	}
	slices.Sort(out)
	return out
}

var _ network.Driver = (*Driver)(nil)
