package metering

import (
	"context"
	"time"

	"github.com/nacre-cloud/nacre/kit/page"
)

// A Driver keeps samples. It is what a store of time series implements.
//
// Manager has checked the caller, the size of the batch and the query; a driver
// only keeps and counts. Calls may come side by side and be repeated. Losing the
// last minute of samples in a crash is allowed, losing older ones is not, unless
// the driver says so. Package meteringtest proves an implementation.
type Driver interface {
	// Append keeps samples. One whose meter has a sample at the same millisecond is dropped.
	Append(ctx context.Context, samples []Sample) error
	// Meters returns a page of the meters that have samples, by id.
	Meters(ctx context.Context, q MeterQuery) (page.Of[Meter], error)
	// Statistics returns the periods of q that have samples, oldest first. From, To
	// and Period are set.
	Statistics(ctx context.Context, q StatisticsQuery) ([]Statistic, error)
	// Prune forgets the samples before a moment, and meters that have none left.
	Prune(ctx context.Context, before time.Time) error
}
