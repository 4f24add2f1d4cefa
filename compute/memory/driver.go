// Package memory is the reference compute.Driver: guests are entries of a map.
//
// The embedded cloud runs on it, tests run on it, and it is the shortest example
// of what a driver promises. Its guests boot at once, use one hundredth of their
// processors and read nothing. They end with the process.
package memory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Config adjusts a Driver; the zero Config is a host of 64 vCPUs, 256 GiB of
// memory and 4 TiB of disk on which nothing fails.
type Config struct {
	Inventory compute.Inventory
	// Before, when set, is called at the start of every operation on a guest with
	// the method's name. An error makes the operation fail; blocking makes it hang.
	Before func(ctx context.Context, method string, id compute.ServerID) error
}

// Driver is a compute.Driver and compute.Watcher in RAM.
type Driver struct {
	inventory compute.Inventory
	before    func(context.Context, string, compute.ServerID) error

	mu       sync.Mutex
	guests   map[compute.ServerID]*guest
	watchers map[*watcher]struct{}
}

type guest struct {
	compute.Guest
	power  compute.Power
	booted time.Time
	log    []byte
}

// New returns a host without guests.
func New(c Config) *Driver {
	if c.Inventory.VCPUs == 0 {
		c.Inventory = compute.Inventory{
			VCPUs: 64, MemoryMiB: 256 << 10, DiskGiB: 4 << 10,
			Hypervisor: "memory", Version: "1.0.0", Traits: []string{compute.TraitTCG},
		}
	}
	if c.Before == nil {
		c.Before = func(context.Context, string, compute.ServerID) error { return nil }
	}
	return &Driver{
		inventory: c.Inventory,
		before:    c.Before,
		guests:    map[compute.ServerID]*guest{},
		watchers:  map[*watcher]struct{}{},
	}
}

// Inventory implements compute.Driver.
func (d *Driver) Inventory(context.Context) (compute.Inventory, error) {
	return d.inventory, nil
}

// Guests implements compute.Driver.
func (d *Driver) Guests(context.Context) ([]compute.GuestState, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	states := make([]compute.GuestState, 0, len(d.guests))
	for id, g := range d.guests {
		states = append(states, compute.GuestState{ID: id, Power: g.power})
	}
	return states, nil
}

// Samples implements compute.Driver.
func (d *Driver) Samples(context.Context) ([]compute.Sample, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	var samples []compute.Sample
	for id, g := range d.guests {
		if g.power == compute.Running || g.power == compute.Paused {
			samples = append(samples, compute.Sample{
				ID: id, At: now, MemoryMiB: g.MemoryMiB,
				CPU: now.Sub(g.booted) * time.Duration(g.VCPUs) / 100,
			})
		}
	}
	return samples, nil
}

// Spawn implements compute.Driver.
func (d *Driver) Spawn(ctx context.Context, g compute.Guest) error {
	if err := g.Check(); err != nil {
		return err
	}
	if err := d.before(ctx, "Spawn", g.ID); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	known := d.guests[g.ID]
	if known == nil {
		g.Disks, g.NICs = slices.Clone(g.Disks), slices.Clone(g.NICs)
		known = &guest{Guest: g, power: compute.Stopped}
		d.guests[g.ID] = known
	}
	d.become(known, compute.Running)
	return nil
}

// Destroy implements compute.Driver.
func (d *Driver) Destroy(ctx context.Context, id compute.ServerID) error {
	if err := d.before(ctx, "Destroy", id); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if g := d.guests[id]; g != nil {
		d.become(g, compute.Stopped)
		delete(d.guests, id)
	}
	return nil
}

// SetPower implements compute.Driver. Guests obey the power button at once.
func (d *Driver) SetPower(ctx context.Context, id compute.ServerID, want compute.Power, _ time.Duration) error {
	return d.change(ctx, "SetPower", id, func(g *guest) error {
		if g.power != want && !slices.Contains(mayBecome[want], g.power) {
			return fault.Conflict.Errorf("guest %s is %s and cannot become %s", id, g.power, want)
		}
		d.become(g, want)
		return nil
	})
}

// mayBecome lists from which states a guest reaches a state.
var mayBecome = map[compute.Power][]compute.Power{
	compute.Running:   {compute.Stopped, compute.Crashed, compute.Cut, compute.Paused, compute.Suspended},
	compute.Stopped:   {compute.Running, compute.Crashed, compute.Cut, compute.Paused, compute.Suspended},
	compute.Paused:    {compute.Running},
	compute.Suspended: {compute.Running, compute.Paused},
}

// ConsoleLog implements compute.Driver.
func (d *Driver) ConsoleLog(ctx context.Context, id compute.ServerID, limit int) (log []byte, err error) {
	err = d.change(ctx, "ConsoleLog", id, func(g *guest) error {
		log = slices.Clone(g.log[max(0, len(g.log)-limit):])
		return nil
	})
	return log, err
}

// AttachDisk implements compute.Driver.
func (d *Driver) AttachDisk(ctx context.Context, id compute.ServerID, disk compute.Disk) error {
	return d.change(ctx, "AttachDisk", id, func(g *guest) error {
		return attach(g, &g.Disks, disk, func(have compute.Disk) bool { return have.ID == disk.ID })
	})
}

// DetachDisk implements compute.Driver.
func (d *Driver) DetachDisk(ctx context.Context, id compute.ServerID, disk string) error {
	return gone(d.change(ctx, "DetachDisk", id, func(g *guest) error {
		return detach(g, &g.Disks, func(have compute.Disk) bool { return have.ID == disk })
	}))
}

// AttachNIC implements compute.Driver.
func (d *Driver) AttachNIC(ctx context.Context, id compute.ServerID, nic compute.NIC) error {
	return d.change(ctx, "AttachNIC", id, func(g *guest) error {
		return attach(g, &g.NICs, nic, func(have compute.NIC) bool { return have.Port == nic.Port })
	})
}

// DetachNIC implements compute.Driver.
func (d *Driver) DetachNIC(ctx context.Context, id compute.ServerID, port string) error {
	return gone(d.change(ctx, "DetachNIC", id, func(g *guest) error {
		return detach(g, &g.NICs, func(have compute.NIC) bool { return have.Port == port })
	}))
}

// Guest returns a guest as it is now, for tests.
func (d *Driver) Guest(id compute.ServerID) (compute.Guest, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.guests[id]
	if g == nil {
		return compute.Guest{}, false
	}
	copied := g.Guest
	copied.Disks, copied.NICs = slices.Clone(g.Disks), slices.Clone(g.NICs)
	copied.ConfigDrive = maps.Clone(g.ConfigDrive)
	return copied, true
}

// Crash makes a running guest fail by itself, for tests.
func (d *Driver) Crash(id compute.ServerID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if g := d.guests[id]; g != nil {
		d.become(g, compute.Crashed)
	}
}

// PowerCut does to the guests what the loss of their host's power does, for tests.
func (d *Driver) PowerCut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, g := range d.guests {
		if g.power != compute.Suspended {
			d.become(g, compute.Cut)
		}
	}
}

func (d *Driver) change(ctx context.Context, method string, id compute.ServerID, f func(*guest) error) error {
	if err := d.before(ctx, method, id); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.guests[id]
	if g == nil {
		return fault.NotFound.Errorf("guest %s is not on this host", id)
	}
	return f(g)
}

// become needs the lock.
func (d *Driver) become(g *guest, power compute.Power) {
	if g.power == power {
		return
	}
	if power == compute.Running && g.power != compute.Paused && g.power != compute.Suspended {
		g.booted = time.Now()
		g.log = fmt.Appendf(g.log, bootMessages, g.VCPUs, g.MemoryMiB<<10, len(g.NICs), g.Name)
		g.log = g.log[max(0, len(g.log)-consoleKept):]
	}
	g.power = power
	for w := range d.watchers {
		w.tell(compute.GuestState{ID: g.ID, Power: power})
	}
}

const consoleKept = 64 << 10

const bootMessages = `[    0.000000] Linux version 6.1.0-nacre
[    0.104211] smp: Brought up 1 node, %d CPUs
[    0.118034] Memory: %dK available
[    0.730518] virtio_net: %d interfaces
%s login: 
`

func attach[T any](g *guest, list *[]T, device T, same func(T) bool) error {
	if slices.ContainsFunc(*list, same) {
		return nil
	}
	if g.power == compute.Suspended {
		return fault.Conflict.Errorf("guest %s is suspended: its devices cannot change", g.ID)
	}
	*list = append(*list, device)
	return nil
}

func detach[T any](g *guest, list *[]T, same func(T) bool) error {
	if !slices.ContainsFunc(*list, same) {
		return nil
	}
	if g.power == compute.Suspended {
		return fault.Conflict.Errorf("guest %s is suspended: its devices cannot change", g.ID)
	}
	*list = slices.DeleteFunc(*list, same)
	return nil
}

// gone makes it a success to take something from a guest that is not there.
func gone(err error) error {
	if fault.Of(err) == fault.NotFound {
		return nil
	}
	return err
}

var (
	_ compute.Driver  = (*Driver)(nil)
	_ compute.Watcher = (*Driver)(nil)
)
