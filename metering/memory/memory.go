// Package memory keeps samples in RAM: the shortest example of a metering.Driver,
// for tests and for clouds that are thrown away. Samples end with the process,
// and of each meter only the newest are kept.
package memory

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/metering"
)

// perMeter is how many samples of a meter are kept: a day, one a minute.
const perMeter = 24 * 60

// Driver keeps samples in RAM.
type Driver struct {
	mu     sync.RWMutex
	series map[metering.MeterID]*series
}

type series struct {
	meter   metering.Meter
	samples []point // by time
}

type point struct {
	at    int64 // milliseconds since 1970
	value float64
}

// New returns an empty Driver.
func New() *Driver { return &Driver{series: map[metering.MeterID]*series{}} }

// Append keeps samples.
func (d *Driver) Append(_ context.Context, samples []metering.Sample) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range samples {
		id := metering.IDOf(s.Meter, s.ResourceID, s.ProjectID)
		to := d.series[id]
		if to == nil {
			to = &series{meter: metering.Meter{ID: id, Name: s.Meter, ResourceID: s.ResourceID, ProjectID: s.ProjectID}}
			d.series[id] = to
		}
		to.add(point{s.At.UnixMilli(), s.Value})
	}
	return nil
}

func (s *series) add(p point) {
	i, there := s.find(p.at)
	if there {
		return
	}
	s.samples = slices.Insert(s.samples, i, p)
	if len(s.samples) > perMeter {
		s.samples = slices.Delete(s.samples, 0, len(s.samples)-perMeter)
	}
}

func (s *series) find(at int64) (int, bool) {
	return slices.BinarySearchFunc(s.samples, at, func(p point, at int64) int { return cmp.Compare(p.at, at) })
}

// Meters returns a page of the meters that have samples.
func (d *Driver) Meters(_ context.Context, q metering.MeterQuery) (page.Of[metering.Meter], error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	var found []metering.Meter
	for id, s := range d.series {
		if id > metering.MeterID(q.Marker) && (len(q.IDs) == 0 || slices.Contains(q.IDs, id)) &&
			matches(s.meter, q.Name, q.ResourceID, q.ProjectID) {
			found = append(found, s.meter)
		}
	}
	slices.SortFunc(found, func(a, b metering.Meter) int { return cmp.Compare(a.ID, b.ID) })
	found = found[min(q.Offset, len(found)):]
	return page.Cut(q.Query, found[:min(len(found), q.Size()+1)], func(m metering.Meter) string { return string(m.ID) }), nil
}

func matches(m metering.Meter, name, resource, project string) bool {
	return (name == "" || name == m.Name) && (resource == "" || resource == m.ResourceID) && (project == "" || project == m.ProjectID)
}

// Statistics returns the periods that have samples.
func (d *Driver) Statistics(_ context.Context, q metering.StatisticsQuery) ([]metering.Statistic, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	from, to, period := q.From.UnixMilli(), q.To.UnixMilli(), q.Period.Milliseconds()
	if period == 0 {
		q.Period = q.To.Sub(q.From)
	}
	periods := map[int64]*metering.Statistic{}
	for id, s := range d.series {
		if q.MeterID != "" && q.MeterID != id || !matches(s.meter, q.Name, q.ResourceID, q.ProjectID) {
			continue
		}
		first, _ := s.find(from)
		end, _ := s.find(to)
		for _, p := range s.samples[first:end] {
			start := from
			if period > 0 {
				start = p.at / period * period
			}
			st := periods[start]
			if st == nil {
				st = &metering.Statistic{Start: time.UnixMilli(start).UTC(), Period: q.Period, Min: p.value, Max: p.value}
				periods[start] = st
			}
			st.Count++
			st.Sum += p.value
			st.Min, st.Max = min(st.Min, p.value), max(st.Max, p.value)
		}
	}
	out := make([]metering.Statistic, 0, len(periods))
	for _, st := range periods {
		out = append(out, *st)
	}
	slices.SortFunc(out, func(a, b metering.Statistic) int { return a.Start.Compare(b.Start) })
	return out, nil
}

// Prune forgets the samples before a moment.
func (d *Driver) Prune(_ context.Context, before time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, s := range d.series {
		n, _ := s.find(before.UnixMilli())
		if s.samples = slices.Delete(s.samples, 0, n); len(s.samples) == 0 {
			delete(d.series, id)
		}
	}
	return nil
}

var _ metering.Driver = (*Driver)(nil)
