package meteringtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/metering"
)

// Spans is what every Service under test must know: two projects, a server that
// was resized, one that was deleted, and one that still runs.
var Spans = []metering.Span{
	{ServerID: "a", ServerName: "resized", ProjectID: "p1", FlavorName: "small", VCPUs: 1, MemoryMiB: 512, DiskGiB: 10, StartedAt: Noon, StoppedAt: Noon.Add(2 * time.Hour)},
	{ServerID: "a", ServerName: "resized", ProjectID: "p1", FlavorName: "large", VCPUs: 4, MemoryMiB: 2048, DiskGiB: 10, StartedAt: Noon.Add(2 * time.Hour), StoppedAt: Noon.Add(3 * time.Hour)},
	{ServerID: "b", ServerName: "deleted", ProjectID: "p1", FlavorName: "small", VCPUs: 1, MemoryMiB: 512, DiskGiB: 10, StartedAt: Noon.Add(time.Hour), StoppedAt: Noon.Add(90 * time.Minute)},
	{ServerID: "c", ServerName: "running", ProjectID: "p2", FlavorName: "small", VCPUs: 1, MemoryMiB: 512, DiskGiB: 0, StartedAt: Noon.Add(-24 * time.Hour)},
}

// Seed writes Spans into the tables of a Manager.
func Seed(t *testing.T, d *db.DB) {
	t.Helper()
	err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.NewInsert().Model(&Spans).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Operator returns ctx with a caller who may do everything.
func Operator(ctx context.Context) context.Context {
	return identity.With(ctx, identity.System("meteringtest"))
}

// Reader returns ctx with a caller who may look at project.
func Reader(ctx context.Context, project string) context.Context {
	return identity.With(ctx, identity.Caller{UserID: "user", ProjectID: project, Roles: []string{identity.RoleReader}})
}

// TestService proves a Service. Each call of newService returns one that knows
// Spans and has no samples.
func TestService(t *testing.T, newService func(t *testing.T) metering.Service) {
	tests := map[string]func(t *testing.T, s metering.Service){
		"usage":                        usage,
		"usage in pages":               usagePages,
		"usage is a project's own":     usageCallers,
		"samples are a project's own":  sampleCallers,
		"hosts do not know projects":   withoutProject,
		"bad input":                    badInput,
		"only services record samples": recordCallers,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, newService(t)) })
	}
}

func wantFault(t *testing.T, err error, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %v", err, kind)
	}
}

func usage(t *testing.T, s metering.Service) {
	tests := []struct {
		name     string
		project  string
		from, to time.Duration // after Noon
		want     string
	}{
		{"a whole day", "p1", -12 * time.Hour, 12 * time.Hour, "p1: 3 servers, 3.50 h, vcpu 6.50, memory 3328, disk 35.0"},
		{"half a span", "p1", 30 * time.Minute, time.Hour, "p1: 1 servers, 0.50 h, vcpu 0.50, memory 256, disk 5.0"},
		{"over a resize", "p1", 100 * time.Minute, 160 * time.Minute, "p1: 2 servers, 1.00 h, vcpu 3.00, memory 1536, disk 10.0"},
		{"what begins at the end is outside", "p1", -time.Hour, 0, ""},
		{"what ends at the start is outside", "p1", 3 * time.Hour, 4 * time.Hour, ""},
		{"what goes on", "p2", 3 * time.Hour, 4 * time.Hour, "p2: 1 servers, 1.00 h, vcpu 1.00, memory 512, disk 0.0"},
		{"everybody", "", 0, time.Hour, "p1: 1 servers, 1.00 h, vcpu 1.00, memory 512, disk 10.0\np2: 1 servers, 1.00 h, vcpu 1.00, memory 512, disk 0.0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := s.Usage(Operator(t.Context()), metering.UsageQuery{ProjectID: tt.project, From: Noon.Add(tt.from), To: Noon.Add(tt.to)})
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for i, p := range got.Items {
				if i > 0 {
					text += "\n"
				}
				text += fmt.Sprintf("%s: %d servers, %.2f h, vcpu %.2f, memory %.0f, disk %.1f",
					p.ProjectID, len(p.Servers), p.Hours, p.VCPUHours, p.MemoryMiBHours, p.DiskGiBHours)
			}
			want(t, text, tt.want)
		})
	}
}

func usagePages(t *testing.T, s metering.Service) {
	var got []string
	q := metering.UsageQuery{From: Noon.Add(-time.Hour), To: Noon.Add(24 * time.Hour), Query: page.Query{Limit: 1}}
	for {
		p, err := s.Usage(Operator(t.Context()), q)
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, project := range p.Items {
			for _, server := range project.Servers {
				text += server.ServerName + " " + server.FlavorName + ";"
			}
		}
		got = append(got, text)
		if q.Marker = p.Next; q.Marker == "" {
			break
		}
	}
	want(t, got, []string{"resized small;resized large;", "deleted small;", "running small;"})
	q.Marker = "c"
	last, err := s.Usage(Operator(t.Context()), q)
	if err != nil || len(last.Items) != 0 {
		t.Error(last, err)
	}
	q.Marker = "nobody"
	_, err = s.Usage(Operator(t.Context()), q)
	wantFault(t, err, fault.Invalid)
}

func usageCallers(t *testing.T, s metering.Service) {
	q := metering.UsageQuery{From: Noon, To: Noon.Add(time.Hour)}
	_, err := s.Usage(Reader(t.Context(), "p1"), q)
	wantFault(t, err, fault.Forbidden)
	q.ProjectID = "p1"
	mine, err := s.Usage(Reader(t.Context(), "p1"), q)
	if err != nil || len(mine.Items) != 1 {
		t.Error(mine, err)
	}
	_, err = s.Usage(Reader(t.Context(), "p2"), q)
	wantFault(t, err, fault.NotFound)
	_, err = s.Usage(t.Context(), q)
	wantFault(t, err, fault.Unauthenticated)
}

func record(t *testing.T, s metering.Service, samples ...metering.Sample) {
	t.Helper()
	if err := s.Record(Operator(t.Context()), samples); err != nil {
		t.Fatal(err)
	}
}

func sampleCallers(t *testing.T, s metering.Service) {
	other := Reading("c", metering.CPU, 0, 100)
	other.ProjectID = "p2"
	record(t, s, Reading("a", metering.CPU, 0, 1), other)
	q := metering.StatisticsQuery{Name: metering.CPU, From: Noon, To: Noon.Add(time.Hour)}
	sum := func(ctx context.Context) float64 {
		got, err := s.Statistics(ctx, q)
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		return got[0].Sum
	}
	want(t, sum(Operator(t.Context())), 101.0)
	want(t, sum(Reader(t.Context(), "p1")), 1.0)
	seen, err := s.Meters(Reader(t.Context(), "p2"), metering.MeterQuery{})
	if err != nil || len(seen.Items) != 1 || seen.Items[0].ResourceID != "c" {
		t.Error(seen, err)
	}
	q.ProjectID = "p2"
	_, err = s.Statistics(Reader(t.Context(), "p1"), q)
	wantFault(t, err, fault.NotFound)
	_, err = s.Meters(Reader(t.Context(), "p1"), metering.MeterQuery{ProjectID: "p2"})
	wantFault(t, err, fault.NotFound)
}

func withoutProject(t *testing.T, s metering.Service) {
	known, unknown := Reading("c", metering.CPU, 0, 5), Reading("stranger", metering.CPU, 0, 7)
	known.ProjectID, unknown.ProjectID = "", ""
	record(t, s, known, unknown)
	got, err := s.Meters(Operator(t.Context()), metering.MeterQuery{})
	if err != nil || len(got.Items) != 1 || got.Items[0].ProjectID != "p2" {
		t.Error(got, err)
	}
}

func badInput(t *testing.T, s metering.Service) {
	ctx := Operator(t.Context())
	unnamed, odd, early := Reading("a", "", 0, 1), Reading("a", metering.CPU, 0, math.MaxFloat64), Reading("a", metering.CPU, 0, 1)
	odd.ResourceID, early.At = "", time.Time{}
	for _, sample := range []metering.Sample{unnamed, odd, early} {
		wantFault(t, s.Record(ctx, []metering.Sample{sample}), fault.Invalid)
	}
	for _, q := range []metering.StatisticsQuery{
		{From: Noon, To: Noon},
		{From: Noon, To: Noon.Add(time.Hour), Period: time.Millisecond},
		{From: Noon, To: Noon.Add(-time.Hour)},
		{From: Noon, To: Noon.Add(100 * time.Hour), Period: time.Second},
	} {
		_, err := s.Statistics(ctx, q)
		wantFault(t, err, fault.Invalid)
	}
	_, err := s.Usage(ctx, metering.UsageQuery{From: Noon, To: Noon.Add(-time.Hour)})
	wantFault(t, err, fault.Invalid)
}

func recordCallers(t *testing.T, s metering.Service) {
	err := s.Record(Reader(t.Context(), "p1"), []metering.Sample{Reading("a", metering.CPU, 0, 1)})
	wantFault(t, err, fault.Forbidden)
}
