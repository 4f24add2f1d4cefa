package metering

import (
	"context"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
)

// Collect asks compute for the counters of all servers and keeps them. Of many
// processes one does it in any minute.
func (m *Manager) Collect(ctx context.Context) error {
	if m.servers == nil {
		return nil
	}
	if first, err := beginRound(ctx, m.db, m.now()); err != nil || !first {
		return err
	}
	ctx = identity.With(ctx, identity.System("metering.collect"))
	readings, err := m.servers.Samples(ctx, struct{}{})
	if err != nil {
		return err
	}
	samples := make([]Sample, 0, len(readings)*len(units))
	for _, r := range readings {
		samples = append(samples, samplesOf(r)...)
	}
	if samples, err = m.withProjects(ctx, samples); err != nil || len(samples) == 0 {
		return err
	}
	return m.samples.Append(ctx, samples)
}

func samplesOf(r compute.Sample) []Sample {
	of := func(meter string, value float64) Sample {
		return Sample{Meter: meter, ResourceID: string(r.ID), At: r.At, Value: value}
	}
	return []Sample{
		of(CPU, float64(r.CPU.Nanoseconds())),
		of(Memory, float64(r.MemoryMiB)),
		of(DiskRead, float64(r.DiskRead)),
		of(DiskWritten, float64(r.DiskWritten)),
		of(NetworkIn, float64(r.NetReceived)),
		of(NetworkOut, float64(r.NetSent)),
	}
}
