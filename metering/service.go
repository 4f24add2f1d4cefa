package metering

import (
	"context"
	"time"

	"github.com/nacre-cloud/nacre/kit/page"
)

// Service is what reports, the HTTP face and whoever has samples call. A caller sees the
// meters and the usage of its own project; who reads the whole system sees all.
type Service interface {
	// Record keeps samples, at most MaxBatch at once. One that is kept already is
	// kept once.
	Record(ctx context.Context, samples []Sample) error
	// Meters returns a page of meters.
	Meters(ctx context.Context, q MeterQuery) (page.Of[Meter], error)
	// Statistics returns what the samples of each period add up to, oldest first.
	// Periods without samples are left out. Above MaxPeriods it is fault.Invalid.
	Statistics(ctx context.Context, q StatisticsQuery) ([]Statistic, error)
	// Usage returns what projects used, in pages of servers. A project whose servers
	// do not fit on one page goes on on the next. Next is the last server's id.
	Usage(ctx context.Context, q UsageQuery) (page.Of[ProjectUsage], error)
}

// Limits of one call.
const (
	MaxBatch   = 10_000 // samples in one Record
	MaxPeriods = 5_000  // in one answer of Statistics
)

// A MeterQuery asks for meters. Empty fields match everything.
type MeterQuery struct {
	page.Query
	IDs        []MeterID
	Name       string
	ResourceID string
	ProjectID  string // empty: the caller's, or all for who may see all
}

// A StatisticsQuery asks what samples add up to. Empty fields match everything;
// with more than one meter their samples are added up together.
type StatisticsQuery struct {
	MeterID    MeterID
	Name       string
	ResourceID string
	ProjectID  string        // as in MeterQuery
	From, To   time.Time     // From included, To not; a zero To is now
	Period     time.Duration // whole seconds, counted from 1970; 0 is one period from From to To
}

// A UsageQuery asks what was used. The Sort of its page is fixed: by project, then by server.
type UsageQuery struct {
	page.Query
	ProjectID string    // empty for all projects
	From, To  time.Time // From included, To not
}
