// Package meteringtest is the conformance suites of metering: of a Driver, and
// of a Service.
package meteringtest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/metering"
)

// Noon is when the samples and spans of these suites begin.
var Noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// Reading returns a sample of a server's meter, minutes after Noon.
func Reading(server, meter string, minutes int, value float64) metering.Sample {
	return metering.Sample{Meter: meter, ResourceID: server, ProjectID: "p1", At: Noon.Add(time.Duration(minutes) * time.Minute), Value: value}
}

func want(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestDriver proves a Driver. Each call of newDriver returns an empty one.
func TestDriver(t *testing.T, newDriver func(t *testing.T) metering.Driver) {
	tests := map[string]func(t *testing.T, d metering.Driver){
		"statistics by period":         periods,
		"statistics of many meters":    together,
		"a repeated batch counts once": repeated,
		"meters":                       meters,
		"pruned is gone":               prune,
		"agents side by side":          sideBySide,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, newDriver(t)) })
	}
}

func appendAll(t *testing.T, d metering.Driver, samples ...metering.Sample) {
	t.Helper()
	if err := d.Append(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
}

func statistics(t *testing.T, d metering.Driver, q metering.StatisticsQuery) []metering.Statistic {
	t.Helper()
	out, err := d.Statistics(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func periods(t *testing.T, d metering.Driver) {
	for i := range 10 {
		appendAll(t, d, Reading("s1", metering.Memory, i, float64(i)))
	}
	q := metering.StatisticsQuery{Name: metering.Memory, ResourceID: "s1", From: Noon, To: Noon.Add(9 * time.Minute), Period: 5 * time.Minute}
	five := 5 * time.Minute
	want(t, statistics(t, d, q), []metering.Statistic{
		{Start: Noon, Period: five, Count: 5, Min: 0, Max: 4, Sum: 10},
		{Start: Noon.Add(five), Period: five, Count: 4, Min: 5, Max: 8, Sum: 26},
	})
	q.Period = 0
	want(t, statistics(t, d, q), []metering.Statistic{{Start: Noon, Period: 9 * time.Minute, Count: 9, Min: 0, Max: 8, Sum: 36}})
	want(t, statistics(t, d, q)[0].Avg(), 4.0)
	q.From, q.To = Noon.Add(time.Hour), Noon.Add(2*time.Hour)
	want(t, len(statistics(t, d, q)), 0)
}

func together(t *testing.T, d metering.Driver) {
	other := Reading("s3", metering.CPU, 0, 1000)
	other.ProjectID = "p2"
	appendAll(t, d, Reading("s1", metering.CPU, 0, 1), Reading("s2", metering.CPU, 0, -2), Reading("s1", metering.Memory, 0, 50), other)
	tests := []struct {
		name string
		q    metering.StatisticsQuery
		want float64
	}{
		{"one meter", metering.StatisticsQuery{MeterID: metering.IDOf(metering.CPU, "s1", "p1")}, 1},
		{"one resource", metering.StatisticsQuery{Name: metering.CPU, ResourceID: "s2"}, -2},
		{"one project", metering.StatisticsQuery{Name: metering.CPU, ProjectID: "p1"}, -1},
		{"all projects", metering.StatisticsQuery{Name: metering.CPU}, 999},
		{"all meters of a resource", metering.StatisticsQuery{ResourceID: "s1"}, 51},
	}
	for _, tt := range tests {
		tt.q.From, tt.q.To = Noon, Noon.Add(time.Hour)
		if got := statistics(t, d, tt.q); len(got) != 1 || got[0].Sum != tt.want {
			t.Errorf("%s: %v, want the sum %v", tt.name, got, tt.want)
		}
	}
}

func repeated(t *testing.T, d metering.Driver) {
	batch := []metering.Sample{Reading("s1", metering.CPU, 2, 7), Reading("s1", metering.CPU, 1, 5), Reading("s1", metering.CPU, 2, 9)}
	for range 3 {
		appendAll(t, d, batch...)
	}
	got := statistics(t, d, metering.StatisticsQuery{Name: metering.CPU, From: Noon, To: Noon.Add(time.Hour)})
	if len(got) != 1 || got[0].Count != 2 || got[0].Min != 5 {
		t.Error(got)
	}
}

func meters(t *testing.T, d metering.Driver) {
	for i := range 5 {
		appendAll(t, d, Reading(fmt.Sprint("s", i), metering.CPU, 0, 1), Reading(fmt.Sprint("s", i), metering.Memory, 0, 1))
	}
	list := func(q metering.MeterQuery) (out []metering.Meter) {
		for {
			p, err := d.Meters(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, p.Items...)
			if q.Marker = p.Next; q.Marker == "" {
				return out
			}
		}
	}
	want(t, len(list(metering.MeterQuery{Query: page.Query{Limit: 3}})), 10)
	want(t, len(list(metering.MeterQuery{Name: metering.CPU})), 5)
	want(t, len(list(metering.MeterQuery{ProjectID: "p2"})), 0)
	id := metering.IDOf(metering.CPU, "s3", "p1")
	one := list(metering.MeterQuery{IDs: []metering.MeterID{id}, ResourceID: "s3"})
	if len(one) != 1 || one[0].ID != id || one[0].Name != metering.CPU || one[0].ProjectID != "p1" || one[0].Unit() != "ns" {
		t.Error(one)
	}
}

func prune(t *testing.T, d metering.Driver) {
	appendAll(t, d, Reading("old", metering.CPU, 0, 1), Reading("new", metering.CPU, 0, 1), Reading("new", metering.CPU, 10, 2))
	for range 2 {
		if err := d.Prune(t.Context(), Noon.Add(5*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	got := statistics(t, d, metering.StatisticsQuery{Name: metering.CPU, From: Noon, To: Noon.Add(time.Hour)})
	if len(got) != 1 || got[0].Count != 1 || got[0].Sum != 2 {
		t.Error(got)
	}
	left, err := d.Meters(t.Context(), metering.MeterQuery{})
	if err != nil || len(left.Items) != 1 || left.Items[0].ResourceID != "new" {
		t.Error(left, err)
	}
}

func sideBySide(t *testing.T, d metering.Driver) {
	var wg sync.WaitGroup
	for agent := range 8 {
		wg.Go(func() {
			for minute := range 5 {
				var batch []metering.Sample
				for server := range 20 {
					// Two agents report the same servers, as after a takeover.
					batch = append(batch, Reading(fmt.Sprint("s", agent/2*20+server), metering.CPU, minute, 1))
				}
				if err := d.Append(context.WithoutCancel(t.Context()), batch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got := statistics(t, d, metering.StatisticsQuery{Name: metering.CPU, From: Noon, To: Noon.Add(time.Hour)})
	if len(got) != 1 || got[0].Count != 4*20*5 {
		t.Error(got)
	}
}
