package computerpc

import (
	"context"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/bus"
)

// The calls that one host serves; each is sent To it.
const (
	inventory  = bus.Method[bus.None, compute.Inventory]("compute.host.inventory")
	guests     = bus.Method[bus.None, []compute.GuestState]("compute.host.guests")
	readings   = bus.Method[bus.None, []compute.Sample]("compute.host.samples")
	console    = bus.Method[consoleOrder, []byte]("compute.host.console")
	spawn      = bus.Method[order[packedGuest], bus.None]("compute.host.spawn")
	destroy    = bus.Method[order[compute.ServerID], bus.None]("compute.host.destroy")
	setPower   = bus.Method[order[powerOrder], bus.None]("compute.host.power")
	attachDisk = bus.Method[order[diskOrder], bus.None]("compute.host.disk.attach")
	detachDisk = bus.Method[order[nameOrder], bus.None]("compute.host.disk.detach")
	plugNIC    = bus.Method[order[nicOrder], bus.None]("compute.host.nic.attach")
	pullNIC    = bus.Method[order[nameOrder], bus.None]("compute.host.nic.detach")
)

type consoleOrder struct {
	ID    compute.ServerID
	Limit int
}

type powerOrder struct {
	ID    compute.ServerID
	Want  compute.Power
	Grace time.Duration
}

type diskOrder struct {
	ID   compute.ServerID
	Disk compute.Disk
}

type nicOrder struct {
	ID  compute.ServerID
	NIC compute.NIC
}

type nameOrder struct {
	ID   compute.ServerID
	Name string // the disk's id or the port's
}

// Host returns the driver of the host called name, wherever on b it is served.
// Console and Watcher do not cross. Orders to guests may take until their
// context ends; a host that dies in the middle is fault.Unavailable soon after.
func Host(b *bus.Bus, name string) compute.Driver { return host{b, name} }

type host struct {
	bus  *bus.Bus
	name string
}

// Inventory implements compute.Driver.
func (h host) Inventory(ctx context.Context) (compute.Inventory, error) {
	return inventory.To(h.name).Call(ctx, h.bus, bus.None{})
}

// Guests implements compute.Driver.
func (h host) Guests(ctx context.Context) ([]compute.GuestState, error) {
	return guests.To(h.name).Call(ctx, h.bus, bus.None{})
}

// Samples implements compute.Driver.
func (h host) Samples(ctx context.Context) ([]compute.Sample, error) {
	return readings.To(h.name).Call(ctx, h.bus, bus.None{})
}

// ConsoleLog implements compute.Driver.
func (h host) ConsoleLog(ctx context.Context, id compute.ServerID, limit int) ([]byte, error) {
	return console.To(h.name).Call(ctx, h.bus, consoleOrder{id, limit})
}

// Spawn implements compute.Driver.
func (h host) Spawn(ctx context.Context, g compute.Guest) error {
	return give(ctx, h, spawn, packGuest(g))
}

// Destroy implements compute.Driver.
func (h host) Destroy(ctx context.Context, id compute.ServerID) error {
	return give(ctx, h, destroy, id)
}

// SetPower implements compute.Driver.
func (h host) SetPower(ctx context.Context, id compute.ServerID, want compute.Power, grace time.Duration) error {
	return give(ctx, h, setPower, powerOrder{id, want, grace})
}

// AttachDisk implements compute.Driver.
func (h host) AttachDisk(ctx context.Context, id compute.ServerID, d compute.Disk) error {
	return give(ctx, h, attachDisk, diskOrder{id, d})
}

// DetachDisk implements compute.Driver.
func (h host) DetachDisk(ctx context.Context, id compute.ServerID, disk string) error {
	return give(ctx, h, detachDisk, nameOrder{id, disk})
}

// AttachNIC implements compute.Driver.
func (h host) AttachNIC(ctx context.Context, id compute.ServerID, n compute.NIC) error {
	return give(ctx, h, plugNIC, nicOrder{id, n})
}

// DetachNIC implements compute.Driver.
func (h host) DetachNIC(ctx context.Context, id compute.ServerID, port string) error {
	return give(ctx, h, pullNIC, nameOrder{id, port})
}

// ServeHost offers d, which runs in this process, as the host called name.
func ServeHost(b *bus.Bus, name string, d compute.Driver) {
	w := &atWork{orders: map[string]bool{}}
	working.To(name).Serve(b, w.has)
	inventory.To(name).Serve(b, func(ctx context.Context, _ bus.None) (compute.Inventory, error) { return d.Inventory(ctx) })
	guests.To(name).Serve(b, func(ctx context.Context, _ bus.None) ([]compute.GuestState, error) { return d.Guests(ctx) })
	readings.To(name).Serve(b, func(ctx context.Context, _ bus.None) ([]compute.Sample, error) { return d.Samples(ctx) })
	console.To(name).Serve(b, func(ctx context.Context, o consoleOrder) ([]byte, error) {
		return d.ConsoleLog(ctx, o.ID, o.Limit)
	})
	spawn.To(name).Serve(b, carryOut(w, func(ctx context.Context, g packedGuest) error { return d.Spawn(ctx, g.unpack()) }))
	destroy.To(name).Serve(b, carryOut(w, d.Destroy))
	setPower.To(name).Serve(b, carryOut(w, func(ctx context.Context, o powerOrder) error {
		return d.SetPower(ctx, o.ID, o.Want, o.Grace)
	}))
	attachDisk.To(name).Serve(b, carryOut(w, func(ctx context.Context, o diskOrder) error { return d.AttachDisk(ctx, o.ID, o.Disk) }))
	detachDisk.To(name).Serve(b, carryOut(w, func(ctx context.Context, o nameOrder) error { return d.DetachDisk(ctx, o.ID, o.Name) }))
	plugNIC.To(name).Serve(b, carryOut(w, func(ctx context.Context, o nicOrder) error { return d.AttachNIC(ctx, o.ID, o.NIC) }))
	pullNIC.To(name).Serve(b, carryOut(w, func(ctx context.Context, o nameOrder) error { return d.DetachNIC(ctx, o.ID, o.Name) }))
}

var _ compute.Driver = host{}
