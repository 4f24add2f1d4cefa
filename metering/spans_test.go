package metering

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestSpansOfEvents(t *testing.T) {
	started := func(minute, vcpus int) func(context.Context, *db.Tx) error {
		return func(ctx context.Context, tx *db.Tx) error {
			return spanStarted(ctx, tx, Span{ServerID: "a", ProjectID: "p", VCPUs: vcpus, StartedAt: noon.Add(time.Duration(minute) * time.Minute)})
		}
	}
	stopped := func(minute int) func(context.Context, *db.Tx) error {
		return func(ctx context.Context, tx *db.Tx) error {
			return spanStopped(ctx, tx, "a", noon.Add(time.Duration(minute)*time.Minute))
		}
	}
	type span struct{ VCPUs, From, To int } // in minutes; To -1 goes on
	tests := []struct {
		name   string
		events []func(context.Context, *db.Tx) error
		want   []span
	}{
		{"started", []func(context.Context, *db.Tx) error{started(0, 1)}, []span{{1, 0, -1}}},
		{"started twice", []func(context.Context, *db.Tx) error{started(0, 1), started(0, 1)}, []span{{1, 0, -1}}},
		{"the same again later", []func(context.Context, *db.Tx) error{started(0, 1), started(9, 1)}, []span{{1, 0, -1}}},
		{"stopped twice", []func(context.Context, *db.Tx) error{started(0, 1), stopped(5), stopped(7)}, []span{{1, 0, 5}}},
		{"resized", []func(context.Context, *db.Tx) error{started(0, 1), started(5, 2), stopped(7)}, []span{{1, 0, 5}, {2, 5, 7}}},
		{"restored", []func(context.Context, *db.Tx) error{started(0, 1), stopped(5), started(9, 1)}, []span{{1, 0, 5}, {1, 9, -1}}},
		{"an old event after a newer one", []func(context.Context, *db.Tx) error{started(5, 2), started(0, 1)}, []span{{2, 5, -1}}},
		{"stopped by a clock that is behind", []func(context.Context, *db.Tx) error{started(5, 1), stopped(3)}, []span{{1, 5, 5}}},
		{"never started", []func(context.Context, *db.Tx) error{stopped(5)}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				for _, event := range tt.events {
					if err := d.Tx(t.Context(), event); err != nil {
						t.Fatal(err)
					}
				}
				var rows []Span
				if err := d.Read().NewSelect().Model(&rows).Order("started_at").Scan(t.Context()); err != nil {
					t.Fatal(err)
				}
				var got []span
				minute := func(at time.Time) int { return int(at.Sub(noon).Minutes()) }
				for _, r := range rows {
					s := span{r.VCPUs, minute(r.StartedAt), -1}
					if !r.StoppedAt.IsZero() {
						s.To = minute(r.StoppedAt)
					}
					got = append(got, s)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Error(diff)
				}
			}, Migrations)
		})
	}
}

func TestTheFutureIsNotUsedYet(t *testing.T) {
	s := Span{StartedAt: noon}
	if got := s.Between(noon.Add(-time.Hour), noon.Add(48*time.Hour), noon.Add(2*time.Hour)); got != 2*time.Hour {
		t.Error(got)
	}
	if got := s.Between(noon.Add(24*time.Hour), noon.Add(48*time.Hour), noon.Add(2*time.Hour)); got != 0 {
		t.Error(got)
	}
}

// What compute publishes becomes a span once, also when metering was away.
func TestListen(t *testing.T) {
	d := dbtest.SQLite(t, bus.Migrations, Migrations)
	publish := func(e bus.Event) {
		if err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error { return bus.Publish(ctx, tx, e) }); err != nil {
			t.Fatal(err)
		}
	}
	publish(compute.ServerStarted{ID: "a", ProjectID: "p", Flavor: compute.Flavor{Name: "small", VCPUs: 1}, At: noon})
	for range 2 {
		b := bus.New(bus.Params{DB: d})
		New(Params{DB: d, Bus: b})
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		publish(compute.ServerDeleted{ID: "a", At: noon.Add(time.Hour)})
		tick := time.NewTicker(5 * time.Millisecond)
		for ; ; <-tick.C {
			var rows []Span
			if err := d.Read().NewSelect().Model(&rows).Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			if len(rows) == 1 && rows[0].StoppedAt.Equal(noon.Add(time.Hour)) {
				break
			}
		}
		tick.Stop()
		if err := b.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// readings is a compute.Service of which metering needs one method.
type readings struct {
	compute.Service
	asked int
}

func (r *readings) Samples(context.Context, struct{}) ([]compute.Sample, error) {
	r.asked++
	return []compute.Sample{
		{ID: "a", At: noon, CPU: time.Second, MemoryMiB: 100, NetSent: 7},
		{ID: "stranger", At: noon},
	}, nil
}

func TestCollectOnceAMinute(t *testing.T) {
	d := dbtest.SQLite(t, Migrations)
	servers := &readings{}
	var managers []*Manager
	for range 3 {
		m := New(Params{DB: d, Servers: servers})
		m.now = func() time.Time { return noon }
		managers = append(managers, m)
	}
	collect := func() {
		for _, m := range managers {
			if err := m.Collect(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	collect()
	if servers.asked != 0 {
		t.Error("asked although there is no server")
	}
	start := func(ctx context.Context, tx *db.Tx) error {
		return spanStarted(ctx, tx, Span{ServerID: "a", ProjectID: "p", StartedAt: noon.Add(-time.Hour)})
	}
	if err := d.Tx(t.Context(), start); err != nil {
		t.Fatal(err)
	}
	collect()
	if servers.asked != 1 {
		t.Errorf("asked %d times in one minute", servers.asked)
	}
	got, err := managers[0].samples.Meters(t.Context(), MeterQuery{ResourceID: "a", ProjectID: "p"})
	if err != nil || len(got.Items) != len(units) {
		t.Error(got, err)
	}
	managers[0].now = func() time.Time { return noon.Add(90 * 24 * time.Hour) }
	if err := managers[0].Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, err = managers[0].samples.Meters(t.Context(), MeterQuery{}); err != nil || len(got.Items) != 0 {
		t.Error(got, err)
	}
}
