package scheduler_test

import (
	"fmt"
	"testing"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/scheduler/schedulertest"
)

// BenchmarkPlace is the whole of Place, its durable commit included.
func BenchmarkPlace(b *testing.B) {
	for _, hosts := range []int{1, 10_000} {
		b.Run(fmt.Sprint("hosts=", hosts), func(b *testing.B) {
			d := dbtest.SQLite(b, bus.Migrations, scheduler.Migrations)
			m := newManager(b, d)
			ctx := schedulertest.Operator(b.Context())
			for i := range hosts {
				if err := m.ReportHost(ctx, schedulertest.Report(fmt.Sprintf("host-%05d", i), 1<<30, 1<<30, 1<<30)); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := m.Place(ctx, schedulertest.Spec(1, 512, 1)); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := m.Place(ctx, schedulertest.Spec(1, 512, 1)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPlaceAtOnce is Place called by many flows, as when servers boot in the hundreds.
func BenchmarkPlaceAtOnce(b *testing.B) {
	m := newManager(b, dbtest.SQLite(b, bus.Migrations, scheduler.Migrations))
	ctx := schedulertest.Operator(b.Context())
	if err := m.ReportHost(ctx, schedulertest.Report("h1", 1<<30, 1<<30, 1<<30)); err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := m.Place(ctx, schedulertest.Spec(1, 512, 1)); err != nil {
				b.Error(err)
			}
		}
	})
}
