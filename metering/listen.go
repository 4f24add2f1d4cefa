package metering

import (
	"context"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
)

// listen makes spans of what compute tells.
func (m *Manager) listen(b *bus.Bus) {
	bus.On(b, "metering", func(ctx context.Context, tx *db.Tx, e compute.ServerStarted) error {
		return spanStarted(ctx, tx, Span{
			ServerID: string(e.ID), ServerName: e.ServerName, ProjectID: e.ProjectID, StartedAt: e.At,
			FlavorName: e.Flavor.Name, VCPUs: e.Flavor.VCPUs, MemoryMiB: e.Flavor.MemoryMiB,
			DiskGiB: e.Flavor.RootGiB + e.Flavor.EphemeralGiB,
		})
	})
	bus.On(b, "metering", func(ctx context.Context, tx *db.Tx, e compute.ServerDeleted) error {
		return spanStopped(ctx, tx, string(e.ID), e.At)
	})
}
