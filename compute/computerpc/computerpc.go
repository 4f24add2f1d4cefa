// Package computerpc lets one process use the servers of another, and run the
// guests of its hosts.
//
// Client and Serve carry compute.Service. Host and ServeHost carry
// compute.Driver: a hypervisor in another process is one more Driver.
package computerpc

import (
	"context"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/page"
)

const (
	createServer    = bus.Method[compute.CreateSpec, compute.Server]("compute.create")
	showServer      = bus.Method[compute.ServerID, compute.Server]("compute.show")
	listServers     = bus.Method[compute.Query, page.Of[compute.Server]]("compute.list")
	updateServer    = bus.Method[compute.Patch, compute.Server]("compute.update")
	deleteServer    = bus.Method[compute.ServerID, bus.None]("compute.delete")
	power           = bus.Method[compute.PowerSpec, bus.None]("compute.power")
	lock            = bus.Method[compute.LockSpec, bus.None]("compute.lock")
	listActions     = bus.Method[compute.ActionQuery, page.Of[compute.Action]]("compute.actions")
	attachVolume    = bus.Method[compute.AttachVolumeSpec, compute.ServerDisk]("compute.volume.attach")
	detachVolume    = bus.Method[compute.DetachVolumeSpec, bus.None]("compute.volume.detach")
	attachNIC       = bus.Method[compute.AttachNICSpec, compute.ServerNIC]("compute.nic.attach")
	detachNIC       = bus.Method[compute.DetachNICSpec, bus.None]("compute.nic.detach")
	consoleLog      = bus.Method[compute.ConsoleSpec, string]("compute.console")
	guestData       = bus.Method[compute.GuestAddress, packedData]("compute.guest.data")
	samples         = bus.Method[struct{}, []compute.Sample]("compute.guest.samples")
	createFlavor    = bus.Method[compute.Flavor, compute.Flavor]("compute.flavor.create")
	showFlavor      = bus.Method[string, compute.Flavor]("compute.flavor.show")
	listFlavors     = bus.Method[compute.FlavorQuery, page.Of[compute.Flavor]]("compute.flavor.list")
	updateFlavor    = bus.Method[compute.FlavorPatch, compute.Flavor]("compute.flavor.update")
	deleteFlavor    = bus.Method[string, bus.None]("compute.flavor.delete")
	createKeypair   = bus.Method[compute.KeypairSpec, compute.Keypair]("compute.keypair.create")
	showKeypair     = bus.Method[compute.KeypairID, compute.Keypair]("compute.keypair.show")
	listKeypairs    = bus.Method[compute.KeypairQuery, page.Of[compute.Keypair]]("compute.keypair.list")
	deleteKeypair   = bus.Method[compute.KeypairID, bus.None]("compute.keypair.delete")
	showQuota       = bus.Method[string, compute.Quota]("compute.quota.show")
	setQuota        = bus.Method[compute.QuotaPatch, compute.Quota]("compute.quota.set")
	listHypervisors = bus.Method[compute.HypervisorQuery, []compute.Hypervisor]("compute.hypervisors")
	reportGuests    = bus.Method[compute.GuestReport, bus.None]("compute.guest.report")
)

// Serve offers s to the other processes on b.
func Serve(b *bus.Bus, s compute.Service) {
	createServer.Serve(b, s.CreateServer)
	showServer.Serve(b, s.Server)
	listServers.Serve(b, s.Servers)
	updateServer.Serve(b, s.UpdateServer)
	deleteServer.Serve(b, bus.NoResult(s.DeleteServer))
	power.Serve(b, bus.NoResult(s.Power))
	lock.Serve(b, bus.NoResult(s.Lock))
	listActions.Serve(b, s.Actions)
	attachVolume.Serve(b, s.AttachVolume)
	detachVolume.Serve(b, bus.NoResult(s.DetachVolume))
	attachNIC.Serve(b, s.AttachNIC)
	detachNIC.Serve(b, bus.NoResult(s.DetachNIC))
	consoleLog.Serve(b, s.ConsoleLog)
	guestData.Serve(b, func(ctx context.Context, a compute.GuestAddress) (packedData, error) {
		d, err := s.GuestData(ctx, a)
		return packData(d), err
	})
	samples.Serve(b, s.Samples)
	createFlavor.Serve(b, s.CreateFlavor)
	showFlavor.Serve(b, s.Flavor)
	listFlavors.Serve(b, s.Flavors)
	updateFlavor.Serve(b, s.UpdateFlavor)
	deleteFlavor.Serve(b, bus.NoResult(s.DeleteFlavor))
	createKeypair.Serve(b, s.CreateKeypair)
	showKeypair.Serve(b, s.Keypair)
	listKeypairs.Serve(b, s.Keypairs)
	deleteKeypair.Serve(b, bus.NoResult(s.DeleteKeypair))
	showQuota.Serve(b, s.Quota)
	setQuota.Serve(b, s.SetQuota)
	listHypervisors.Serve(b, s.Hypervisors)
	reportGuests.Serve(b, bus.NoResult(s.ReportGuests))
}

// Client is the compute.Service of another process.
type Client struct{ Bus *bus.Bus }

// CreateServer implements compute.Service.
func (c Client) CreateServer(ctx context.Context, s compute.CreateSpec) (compute.Server, error) {
	return createServer.Call(ctx, c.Bus, s)
}

// Server implements compute.Service.
func (c Client) Server(ctx context.Context, id compute.ServerID) (compute.Server, error) {
	return showServer.Call(ctx, c.Bus, id)
}

// Servers implements compute.Service.
func (c Client) Servers(ctx context.Context, q compute.Query) (page.Of[compute.Server], error) {
	return listServers.Call(ctx, c.Bus, q)
}

// UpdateServer implements compute.Service.
func (c Client) UpdateServer(ctx context.Context, p compute.Patch) (compute.Server, error) {
	return updateServer.Call(ctx, c.Bus, p)
}

// DeleteServer implements compute.Service.
func (c Client) DeleteServer(ctx context.Context, id compute.ServerID) error {
	_, err := deleteServer.Call(ctx, c.Bus, id)
	return err
}

// Power implements compute.Service.
func (c Client) Power(ctx context.Context, s compute.PowerSpec) error {
	_, err := power.Call(ctx, c.Bus, s)
	return err
}

// Lock implements compute.Service.
func (c Client) Lock(ctx context.Context, l compute.LockSpec) error {
	_, err := lock.Call(ctx, c.Bus, l)
	return err
}

// Actions implements compute.Service.
func (c Client) Actions(ctx context.Context, q compute.ActionQuery) (page.Of[compute.Action], error) {
	return listActions.Call(ctx, c.Bus, q)
}

// AttachVolume implements compute.Service.
func (c Client) AttachVolume(ctx context.Context, s compute.AttachVolumeSpec) (compute.ServerDisk, error) {
	return attachVolume.Call(ctx, c.Bus, s)
}

// DetachVolume implements compute.Service.
func (c Client) DetachVolume(ctx context.Context, s compute.DetachVolumeSpec) error {
	_, err := detachVolume.Call(ctx, c.Bus, s)
	return err
}

// AttachNIC implements compute.Service.
func (c Client) AttachNIC(ctx context.Context, s compute.AttachNICSpec) (compute.ServerNIC, error) {
	return attachNIC.Call(ctx, c.Bus, s)
}

// DetachNIC implements compute.Service.
func (c Client) DetachNIC(ctx context.Context, s compute.DetachNICSpec) error {
	_, err := detachNIC.Call(ctx, c.Bus, s)
	return err
}

// ConsoleLog implements compute.Service.
func (c Client) ConsoleLog(ctx context.Context, s compute.ConsoleSpec) (string, error) {
	return consoleLog.Call(ctx, c.Bus, s)
}

// GuestData implements compute.Service.
func (c Client) GuestData(ctx context.Context, a compute.GuestAddress) (compute.GuestData, error) {
	d, err := guestData.Call(ctx, c.Bus, a)
	return d.unpack(), err
}

// Samples implements compute.Service.
func (c Client) Samples(ctx context.Context, none struct{}) ([]compute.Sample, error) {
	return samples.Call(ctx, c.Bus, none)
}

// CreateFlavor implements compute.Service.
func (c Client) CreateFlavor(ctx context.Context, f compute.Flavor) (compute.Flavor, error) {
	return createFlavor.Call(ctx, c.Bus, f)
}

// Flavor implements compute.Service.
func (c Client) Flavor(ctx context.Context, id string) (compute.Flavor, error) {
	return showFlavor.Call(ctx, c.Bus, id)
}

// Flavors implements compute.Service.
func (c Client) Flavors(ctx context.Context, q compute.FlavorQuery) (page.Of[compute.Flavor], error) {
	return listFlavors.Call(ctx, c.Bus, q)
}

// UpdateFlavor implements compute.Service.
func (c Client) UpdateFlavor(ctx context.Context, p compute.FlavorPatch) (compute.Flavor, error) {
	return updateFlavor.Call(ctx, c.Bus, p)
}

// DeleteFlavor implements compute.Service.
func (c Client) DeleteFlavor(ctx context.Context, id string) error {
	_, err := deleteFlavor.Call(ctx, c.Bus, id)
	return err
}

// CreateKeypair implements compute.Service.
func (c Client) CreateKeypair(ctx context.Context, s compute.KeypairSpec) (compute.Keypair, error) {
	return createKeypair.Call(ctx, c.Bus, s)
}

// Keypair implements compute.Service.
func (c Client) Keypair(ctx context.Context, id compute.KeypairID) (compute.Keypair, error) {
	return showKeypair.Call(ctx, c.Bus, id)
}

// Keypairs implements compute.Service.
func (c Client) Keypairs(ctx context.Context, q compute.KeypairQuery) (page.Of[compute.Keypair], error) {
	return listKeypairs.Call(ctx, c.Bus, q)
}

// DeleteKeypair implements compute.Service.
func (c Client) DeleteKeypair(ctx context.Context, id compute.KeypairID) error {
	_, err := deleteKeypair.Call(ctx, c.Bus, id)
	return err
}

// Quota implements compute.Service.
func (c Client) Quota(ctx context.Context, project string) (compute.Quota, error) {
	return showQuota.Call(ctx, c.Bus, project)
}

// SetQuota implements compute.Service.
func (c Client) SetQuota(ctx context.Context, p compute.QuotaPatch) (compute.Quota, error) {
	return setQuota.Call(ctx, c.Bus, p)
}

// Hypervisors implements compute.Service.
func (c Client) Hypervisors(ctx context.Context, q compute.HypervisorQuery) ([]compute.Hypervisor, error) {
	return listHypervisors.Call(ctx, c.Bus, q)
}

// ReportGuests implements compute.Service.
func (c Client) ReportGuests(ctx context.Context, r compute.GuestReport) error {
	_, err := reportGuests.Call(ctx, c.Bus, r)
	return err
}

var _ compute.Service = Client{}
