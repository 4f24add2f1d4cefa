// Package schedulerrpc lets a process use a scheduler that lives in another one.
package schedulerrpc

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/scheduler"
)

const (
	place      = bus.Method[scheduler.PlaceSpec, scheduler.Placement]("scheduler.place")
	release    = bus.Method[scheduler.ConsumerID, bus.None]("scheduler.release")
	placement  = bus.Method[scheduler.ConsumerID, scheduler.Placement]("scheduler.placement")
	placements = bus.Method[scheduler.PlacementQuery, page.Of[scheduler.Placement]]("scheduler.placements")
	reportHost = bus.Method[scheduler.HostReport, bus.None]("scheduler.host.report")
	host       = bus.Method[scheduler.HostID, scheduler.Host]("scheduler.host")
	hosts      = bus.Method[scheduler.HostQuery, page.Of[scheduler.Host]]("scheduler.hosts")
	updateHost = bus.Method[scheduler.HostPatch, scheduler.Host]("scheduler.host.update")
	deleteHost = bus.Method[scheduler.HostID, bus.None]("scheduler.host.delete")
)

// Serve offers s to every process on the bus.
func Serve(b *bus.Bus, s scheduler.Service) {
	place.Serve(b, s.Place)
	release.Serve(b, bus.NoResult(s.Release))
	placement.Serve(b, s.Placement)
	placements.Serve(b, s.Placements)
	reportHost.Serve(b, bus.NoResult(s.ReportHost))
	host.Serve(b, s.Host)
	hosts.Serve(b, s.Hosts)
	updateHost.Serve(b, s.UpdateHost)
	deleteHost.Serve(b, bus.NoResult(s.DeleteHost))
}

// Client is a scheduler.Service that lives elsewhere on the bus.
type Client struct{ Bus *bus.Bus }

// Place finds a host for a consumer.
func (c Client) Place(ctx context.Context, spec scheduler.PlaceSpec) (scheduler.Placement, error) {
	return place.Call(ctx, c.Bus, spec)
}

// Release gives a consumer's room back.
func (c Client) Release(ctx context.Context, id scheduler.ConsumerID) error {
	_, err := release.Call(ctx, c.Bus, id)
	return err
}

// Placement returns what a consumer holds.
func (c Client) Placement(ctx context.Context, id scheduler.ConsumerID) (scheduler.Placement, error) {
	return placement.Call(ctx, c.Bus, id)
}

// Placements lists what consumers hold.
func (c Client) Placements(ctx context.Context, q scheduler.PlacementQuery) (page.Of[scheduler.Placement], error) {
	return placements.Call(ctx, c.Bus, q)
}

// ReportHost says what a host has.
func (c Client) ReportHost(ctx context.Context, r scheduler.HostReport) error {
	_, err := reportHost.Call(ctx, c.Bus, r)
	return err
}

// Host returns one host.
func (c Client) Host(ctx context.Context, id scheduler.HostID) (scheduler.Host, error) {
	return host.Call(ctx, c.Bus, id)
}

// Hosts lists hosts.
func (c Client) Hosts(ctx context.Context, q scheduler.HostQuery) (page.Of[scheduler.Host], error) {
	return hosts.Call(ctx, c.Bus, q)
}

// UpdateHost enables or disables a host.
func (c Client) UpdateHost(ctx context.Context, p scheduler.HostPatch) (scheduler.Host, error) {
	return updateHost.Call(ctx, c.Bus, p)
}

// DeleteHost forgets a host.
func (c Client) DeleteHost(ctx context.Context, id scheduler.HostID) error {
	_, err := deleteHost.Call(ctx, c.Bus, id)
	return err
}

var _ scheduler.Service = Client{}
