package metering

import (
	"context"
	"math"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// Record keeps samples.
func (m *Manager) Record(ctx context.Context, samples []Sample) error {
	if err := identity.Allow(ctx, "metering:record", nil); err != nil {
		return err
	}
	if len(samples) > MaxBatch {
		return fault.Invalid.Errorf("%d samples at once; the limit is %d", len(samples), MaxBatch)
	}
	for _, s := range samples {
		if err := s.check(); err != nil {
			return err
		}
	}
	samples, err := m.withProjects(ctx, samples)
	if err != nil || len(samples) == 0 {
		return err
	}
	return m.samples.Append(ctx, samples)
}

// withProjects fills in the projects that a hypervisor cannot know, from spans.
// What belongs to no known server is dropped: its span comes a moment later.
func (m *Manager) withProjects(ctx context.Context, samples []Sample) ([]Sample, error) {
	missing := map[string]bool{}
	for _, s := range samples {
		if s.ProjectID == "" {
			missing[s.ResourceID] = true
		}
	}
	if len(missing) == 0 {
		return samples, nil
	}
	projects, err := projectsOf(ctx, m.db.Read(), missing)
	if err != nil {
		return nil, err
	}
	out := make([]Sample, 0, len(samples))
	for _, s := range samples {
		if s.ProjectID == "" {
			s.ProjectID = projects[s.ResourceID]
		}
		if s.ProjectID != "" {
			out = append(out, s)
		}
	}
	return out, nil
}

func (s Sample) check() error {
	if s.Meter == "" || s.ResourceID == "" || max(len(s.Meter), len(s.ResourceID), len(s.ProjectID)) > 255 {
		return fault.Invalid.Errorf("sample of meter %.300q: meter and resource are needed, of at most 255 bytes", s.Meter)
	}
	if s.At.Before(time.Unix(0, 0)) || math.IsNaN(s.Value) || math.IsInf(s.Value, 0) {
		return fault.Invalid.Errorf("sample of %s: a time after 1970 and a finite value are needed", s.Meter)
	}
	return nil
}

// Meters returns a page of meters.
func (m *Manager) Meters(ctx context.Context, q MeterQuery) (page.Of[Meter], error) {
	var err error
	if q.ProjectID, err = scope(ctx, "metering:meter:list", q.ProjectID); err != nil {
		return page.Of[Meter]{}, err
	}
	return m.samples.Meters(ctx, q)
}

// Statistics returns what the samples of each period add up to.
func (m *Manager) Statistics(ctx context.Context, q StatisticsQuery) ([]Statistic, error) {
	var err error
	if q.ProjectID, err = scope(ctx, "metering:statistics", q.ProjectID); err != nil {
		return nil, err
	}
	if q.To.IsZero() {
		q.To = m.now()
	}
	if q.From.Before(time.Unix(0, 0)) {
		q.From = m.now().Add(-m.config.Retention)
	}
	span := q.To.Sub(q.From)
	switch {
	case span <= 0:
		return nil, fault.Invalid.Errorf("statistics from %s to %s: the end must come after the start", q.From.Format(time.RFC3339), q.To.Format(time.RFC3339))
	case q.Period < 0 || q.Period%time.Second != 0:
		return nil, fault.Invalid.Errorf("a period of %v: it must be whole seconds", q.Period)
	case q.Period > 0 && span/q.Period > MaxPeriods:
		return nil, fault.Invalid.Errorf("%d periods of %v: ask for at most %d, with a longer period or less time", span/q.Period, q.Period, MaxPeriods)
	}
	return m.samples.Statistics(ctx, q)
}
