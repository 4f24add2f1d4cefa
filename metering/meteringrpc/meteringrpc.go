// Package meteringrpc lets a process use a metering service that lives in another one.
package meteringrpc

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/metering"
)

const (
	record     = bus.Method[[]metering.Sample, bus.None]("metering.record")
	meters     = bus.Method[metering.MeterQuery, page.Of[metering.Meter]]("metering.meters")
	statistics = bus.Method[metering.StatisticsQuery, []metering.Statistic]("metering.statistics")
	usage      = bus.Method[metering.UsageQuery, page.Of[metering.ProjectUsage]]("metering.usage")
)

// Serve offers s to every process on the bus.
func Serve(b *bus.Bus, s metering.Service) {
	record.Serve(b, bus.NoResult(s.Record))
	meters.Serve(b, s.Meters)
	statistics.Serve(b, s.Statistics)
	usage.Serve(b, s.Usage)
}

// Client is a metering.Service that lives elsewhere on the bus.
type Client struct{ Bus *bus.Bus }

// Record keeps samples.
func (c Client) Record(ctx context.Context, samples []metering.Sample) error {
	_, err := record.Call(ctx, c.Bus, samples)
	return err
}

// Meters returns a page of meters.
func (c Client) Meters(ctx context.Context, q metering.MeterQuery) (page.Of[metering.Meter], error) {
	return meters.Call(ctx, c.Bus, q)
}

// Statistics returns what the samples of each period add up to.
func (c Client) Statistics(ctx context.Context, q metering.StatisticsQuery) ([]metering.Statistic, error) {
	return statistics.Call(ctx, c.Bus, q)
}

// Usage returns what projects used.
func (c Client) Usage(ctx context.Context, q metering.UsageQuery) (page.Of[metering.ProjectUsage], error) {
	return usage.Call(ctx, c.Bus, q)
}

var _ metering.Service = Client{}
