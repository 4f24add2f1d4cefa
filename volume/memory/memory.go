// Package memory keeps volumes in RAM: what the embedded cloud runs on, and the
// shortest example of a driver with every power. It keeps sizes, not bytes.
package memory

import (
	"context"
	"io"
	"maps"
	"slices"
	"sync"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/volume"
)

// Driver is a volume.Driver whose volumes go with the process.
type Driver struct {
	mu        sync.Mutex
	volumes   map[volume.ID]int // size in GiB
	snapshots map[volume.SnapshotID]int
}

// New returns an empty driver.
func New() *Driver {
	return &Driver{volumes: map[volume.ID]int{}, snapshots: map[volume.SnapshotID]int{}}
}

// Create implements volume.Driver.
func (d *Driver) Create(_ context.Context, v volume.Volume) error { return d.put(v) }

func (d *Driver) put(v volume.Volume) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.volumes[v.ID] = v.SizeGiB
	return nil
}

// Delete implements volume.Driver.
func (d *Driver) Delete(_ context.Context, v volume.Volume) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.volumes, v.ID)
	return nil
}

// Connect implements volume.Driver. The path names nothing: servers of the
// memory hypervisor never open it.
func (d *Driver) Connect(_ context.Context, v volume.Volume, _ string) (volume.Connection, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.volumes[v.ID]; !ok {
		return volume.Connection{}, fault.NotFound.Errorf("volume %s is not in memory: the process was restarted", v.ID)
	}
	return volume.Connection{Kind: "file", Path: "/memory/" + string(v.ID), Format: "raw"}, nil
}

// List implements volume.Driver.
func (d *Driver) List(context.Context) ([]volume.ID, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Keys(d.volumes)), nil
}

// CreateSnapshot implements volume.Snapshotter.
func (d *Driver) CreateSnapshot(_ context.Context, s volume.Snapshot) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.snapshots[s.ID] = s.SizeGiB
	return nil
}

// DeleteSnapshot implements volume.Snapshotter.
func (d *Driver) DeleteSnapshot(_ context.Context, s volume.Snapshot) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.snapshots, s.ID)
	return nil
}

// CreateFromSnapshot implements volume.Snapshotter.
func (d *Driver) CreateFromSnapshot(_ context.Context, v volume.Volume, _ volume.Snapshot) error {
	return d.put(v)
}

// Clone implements volume.Cloner.
func (d *Driver) Clone(_ context.Context, v, _ volume.Volume) error { return d.put(v) }

// Resize implements volume.Resizer.
func (d *Driver) Resize(_ context.Context, v volume.Volume) error { return d.put(v) }

// Import implements volume.Importer.
func (d *Driver) Import(_ context.Context, v volume.Volume, _ volume.Image, r io.Reader) error {
	if _, err := io.Copy(io.Discard, r); err != nil {
		return fault.Unavailable.Wrap(err, "read the image")
	}
	return d.put(v)
}

// Export implements volume.Exporter. Nothing but the sizes is kept, so it is zeros.
func (d *Driver) Export(_ context.Context, _ volume.Volume, w io.Writer) error {
	_, err := w.Write(make([]byte, 4096))
	return fault.Unavailable.Wrap(err, "write the volume")
}

var (
	_ volume.Driver      = (*Driver)(nil)
	_ volume.Snapshotter = (*Driver)(nil)
	_ volume.Cloner      = (*Driver)(nil)
	_ volume.Resizer     = (*Driver)(nil)
	_ volume.Importer    = (*Driver)(nil)
	_ volume.Exporter    = (*Driver)(nil)
)
