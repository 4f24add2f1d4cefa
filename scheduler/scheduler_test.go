package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/scheduler/schedulertest"
)

func newManager(t testing.TB, d *db.DB) *scheduler.Manager {
	t.Helper()
	m, err := scheduler.New(scheduler.Params{DB: d})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestManager(t *testing.T) {
	databases := map[string]func(testing.TB, ...db.Migrations) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres}
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			schedulertest.TestService(t, func(t *testing.T) scheduler.Service {
				return newManager(t, open(t, bus.Migrations, scheduler.Migrations))
			})
		})
	}
}

// Eight schedulers, each with an index of its own that knows nothing of the
// others' claims, fill a cloud to the brim while servers come and go.
func TestSchedulersNeverOvercommit(t *testing.T) {
	const schedulers, hosts, perHost, consumers = 8, 4, 5, 60
	for _, strategy := range []scheduler.Strategy{scheduler.Spread, scheduler.Pack} {
		dbtest.Each(t, func(t *testing.T, d *db.DB) {
			ctx := schedulertest.Operator(t.Context())
			for i := range hosts {
				if err := newManager(t, d).ReportHost(ctx, schedulertest.Report(fmt.Sprint("h", i), perHost, 1000, 1000)); err != nil {
					t.Fatal(err)
				}
			}
			var wg sync.WaitGroup
			for range schedulers {
				m := newManager(t, d)
				wg.Go(func() {
					for n := range consumers {
						spec := schedulertest.Spec(1, 1, 1)
						spec.Strategy = strategy
						_, err := m.Place(ctx, spec)
						if err != nil && !errors.Is(err, scheduler.ErrNoRoom) {
							t.Error(err)
						}
						if err == nil && n < consumers/2 {
							if err := m.Release(ctx, spec.ID); err != nil {
								t.Error(err)
							}
						}
					}
				})
			}
			wg.Wait()
			m := newManager(t, d)
			all, err := m.Hosts(ctx, scheduler.HostQuery{})
			if err != nil {
				t.Fatal(err)
			}
			for _, h := range all.Items {
				held, err := m.Placements(ctx, scheduler.PlacementQuery{HostID: h.ID})
				if err != nil || len(held.Items) != perHost {
					t.Errorf("%s holds %d consumers, has room for %d: %v", h.Name, len(held.Items), perHost, err)
				}
				for _, inv := range h.Inventories {
					if inv.Used != perHost {
						t.Errorf("%s: %s used %d, held %d", h.Name, inv.Class, inv.Used, perHost)
					}
				}
			}
		}, bus.Migrations, scheduler.Migrations)
	}
}

// A flow step that is repeated by another process while the first is at work.
func TestPlacingAtOnceIsPlacingOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := schedulertest.Operator(t.Context())
		for i := range 8 {
			if err := newManager(t, d).ReportHost(ctx, schedulertest.Report(fmt.Sprint("h", i), 4, 4096, 40)); err != nil {
				t.Fatal(err)
			}
		}
		spec := schedulertest.Spec(1, 1024, 10)
		hosts := make([]string, 8)
		var wg sync.WaitGroup
		for i := range hosts {
			m := newManager(t, d)
			wg.Go(func() {
				p, err := m.Place(ctx, spec)
				if err != nil {
					t.Error(err)
				}
				hosts[i] = p.HostName
			})
		}
		wg.Wait()
		if slices.Sort(hosts); hosts[0] != hosts[7] {
			t.Errorf("one consumer is on %v", hosts)
		}
		all, err := newManager(t, d).Hosts(ctx, scheduler.HostQuery{})
		if err != nil {
			t.Fatal(err)
		}
		used := int64(0)
		for _, h := range all.Items {
			used += h.Inventories[2].Used
		}
		if used != 1 {
			t.Errorf("one consumer of 1 vCPU takes %d", used)
		}
	}, bus.Migrations, scheduler.Migrations)
}

func TestReconcileCorrectsWhatIsUsed(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := schedulertest.Operator(t.Context())
		m := newManager(t, d)
		if err := m.ReportHost(ctx, schedulertest.Report("h1", 4, 4096, 40)); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Place(ctx, schedulertest.Spec(1, 1024, 10)); err != nil {
			t.Fatal(err)
		}
		err := d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.ExecContext(ctx, "UPDATE scheduler_inventories SET used = 4 WHERE class = 'VCPU'")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Reconcile(ctx); err != nil {
			t.Fatal(err)
		}
		h, err := m.Host(ctx, scheduler.IDOf("h1"))
		if err != nil {
			t.Fatal(err)
		}
		for i, used := range []int64{10, 1024, 1} {
			if got := h.Inventories[i].Used; got != used {
				t.Errorf("%s: used %d, want %d", h.Inventories[i].Class, got, used)
			}
		}
	}, bus.Migrations, scheduler.Migrations)
}
