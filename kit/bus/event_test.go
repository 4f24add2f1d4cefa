package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// effects is a table that handlers write to: what they did and committed.
var effects = db.Migrations{Domain: "effects", Files: fstest.MapFS{"migrations/1.up.sql": {Data: []byte(
	"CREATE TABLE effects (what TEXT NOT NULL);")}}}

func write(ctx context.Context, tx *db.Tx, what string) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO effects (what) VALUES (?)", what)
	return db.Fault(err, "write")
}

func count(t *testing.T, d *db.DB, table string) int {
	t.Helper()
	n, err := d.Read().NewSelect().Table(table).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func each(t *testing.T, f func(t *testing.T, d *db.DB)) {
	dbtest.Each(t, f, bus.Migrations, effects)
}

func TestEventsReachListenersInOrder(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		listen := func(b *bus.Bus, name string) *notes {
			var n notes
			bus.On(b, name, func(_ context.Context, _ *db.Tx, e born) error { n.add("+" + e.ID); return nil })
			bus.On(b, name, func(_ context.Context, _ *db.Tx, e gone) error { n.add("-" + e.ID); return nil })
			return &n
		}
		early := listen(bustest.New(t, d), "early") // each handler added while the bus runs
		var want []string
		for i := range 50 {
			id := fmt.Sprint(i)
			publish(t, d, born{id}, gone{id})
			want = append(want, "+"+id, "-"+id)
		}
		early.wait(t, want...)

		restarted := bus.New(bus.Params{DB: d})
		late := listen(restarted, "late")
		if err := restarted.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = restarted.Stop(t.Context()) }()
		late.wait(t, want...)
	})
}

func TestHandlerAddedLaterIsHandedWhatIsKept(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		b := bustest.New(t, d)
		var seen notes
		bus.On(b, "l", func(_ context.Context, _ *db.Tx, e born) error { seen.add("+" + e.ID); return nil })
		publish(t, d, born{"1"}, gone{"1"}, born{"2"}, gone{"2"})
		seen.wait(t, "+1", "+2")
		bus.On(b, "l", func(_ context.Context, _ *db.Tx, e gone) error { seen.add("-" + e.ID); return nil })
		seen.wait(t, "+1", "+2", "-1", "-2")
		publish(t, d, gone{"3"}, born{"3"})
		seen.wait(t, "+1", "+2", "-1", "-2", "-3", "+3")
	})
}

func TestWhatIsRolledBackIsNotPublished(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		b := bustest.New(t, d)
		var seen notes
		bus.On(b, "l", func(_ context.Context, _ *db.Tx, e born) error { seen.add(e.ID); return nil })
		_ = d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			return errors.Join(bus.Publish(ctx, tx, born{"never"}), fault.Conflict.Errorf("no"))
		})
		publish(t, d, born{"1"})
		seen.wait(t, "1")
	})
}

func TestEachEventTakesEffectOnce(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		const events, processes = 300, 3
		connect := bustest.Broker(t, bustest.GoChannel)
		var crashes atomic.Int32
		for range processes {
			b := bustest.Start(t, bus.Params{Transport: connect(t), DB: d})
			bus.On(b, "worker", func(ctx context.Context, tx *db.Tx, e born) error {
				if err := write(ctx, tx, e.ID); err != nil {
					return err
				}
				if strings.HasSuffix(e.ID, "7") && crashes.Add(1)%3 != 0 {
					panic("after the effect")
				}
				return nil
			})
		}
		var wg sync.WaitGroup
		for g := range 6 {
			wg.Go(func() {
				for i := range events / 6 {
					publish(t, d, born{fmt.Sprint(g, "-", i)})
				}
			})
		}
		wg.Wait()
		eventually(t, "all effects", func() bool { return count(t, d, "effects")+count(t, d, "bus_dead_letters") >= events })
		if n := count(t, d, "effects"); n != events {
			t.Errorf("%d effects, %d dead letters, of %d events", n, count(t, d, "bus_dead_letters"), events)
		}
		var distinct int
		if err := d.Read().NewSelect().Table("effects").ColumnExpr("COUNT(DISTINCT what)").Scan(t.Context(), &distinct); err != nil || distinct != events {
			t.Error(distinct, err)
		}
	})
}

func TestUnavailableIsRetriedInOrder(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		b := bustest.Start(t, bus.Params{DB: d, Config: bus.Config{Attempts: 2}})
		var seen notes
		var tries atomic.Int32
		bus.On(b, "l", func(_ context.Context, _ *db.Tx, e born) error {
			if e.ID == "2" && tries.Add(1) < 4 {
				return fault.Unavailable.Errorf("not yet")
			}
			if e.ID == "3" {
				seen.add(e.ID)
			}
			return nil
		})
		publish(t, d, born{"1"}, born{"2"}, born{"3"})
		seen.wait(t, "3")
		if n := tries.Load(); n != 4 || count(t, d, "bus_dead_letters") != 0 {
			t.Error(n, count(t, d, "bus_dead_letters"))
		}
	})
}

func TestDeadLetters(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		b := bustest.Start(t, bus.Params{DB: d, Config: bus.Config{Attempts: 2}})
		var broken atomic.Bool
		broken.Store(true)
		bus.On(b, "l", func(ctx context.Context, tx *db.Tx, e born) error {
			if err := write(ctx, tx, e.ID+bus.Baggage(ctx)["who"]); err != nil {
				return err
			}
			if strings.HasPrefix(e.ID, "bad") && broken.Load() {
				return fault.Conflict.Errorf("cannot %s", e.ID)
			}
			return nil
		})
		err := d.Tx(bus.WithBaggage(ctx, "who", " of ann"), func(ctx context.Context, tx *db.Tx) error {
			return bus.Publish(ctx, tx, born{"1"}, born{"bad"}, born{"2"}, born{"bad too"}, born{"3"})
		})
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "two dead letters and the rest handled", func() bool {
			return count(t, d, "bus_dead_letters") == 2 && count(t, d, "effects") == 3
		})
		letters, err := b.DeadLetters(ctx, page.Query{Sort: []page.Sort{{Key: "id"}}})
		if err != nil || len(letters.Items) != 2 {
			t.Fatal(letters, err)
		}
		l := letters.Items[0]
		if l.Listener != "l" || l.Topic != "test.born.v1" || l.Body != `{"ID":"bad"}` || l.Attempts != 2 || l.Error != "cannot bad" || l.Position != 2 {
			t.Errorf("%+v", l)
		}
		if err := b.Replay(ctx, l.ID); !errors.Is(err, fault.Conflict) {
			t.Error(err)
		}
		letters, _ = b.DeadLetters(ctx, page.Query{Sort: []page.Sort{{Key: "id"}}})
		if letters.Items[0].Attempts != 3 {
			t.Error(letters.Items[0].Attempts)
		}
		broken.Store(false)
		if err := b.Replay(ctx, l.ID); err != nil || count(t, d, "effects") != 4 || count(t, d, "bus_dead_letters") != 1 {
			t.Error(err, count(t, d, "effects"))
		}
		if err := b.Replay(ctx, l.ID); !errors.Is(err, fault.NotFound) {
			t.Error(err)
		}
		if err := b.Discard(ctx, letters.Items[1].ID); err != nil || count(t, d, "bus_dead_letters") != 0 {
			t.Error(err)
		}
		if err := b.Discard(ctx, l.ID); !errors.Is(err, fault.NotFound) {
			t.Error(err)
		}
		var what string
		if err := d.Read().NewSelect().Table("effects").Column("what").Where("what LIKE 'bad%'").Scan(ctx, &what); err != nil || what != "bad of ann" {
			t.Error(what, err)
		}
	})
}

func TestListenerGoesOnWhereItStopped(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		var seen notes
		run := func() *bus.Bus {
			b := bus.New(bus.Params{DB: d})
			bus.On(b, "l", func(_ context.Context, _ *db.Tx, e born) error { seen.add(e.ID); return nil })
			if err := b.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			return b
		}
		publish(t, d, born{"before"})
		b := run()
		seen.wait(t, "before")
		if err := b.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		publish(t, d, born{"between"})
		b = run()
		seen.wait(t, "before", "between")
		if err := b.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOldEventsArePruned(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		publish(t, d, born{"1"}, gone{"1"})
		b := bustest.Start(t, bus.Params{DB: d, Config: bus.Config{Retention: time.Hour, Tick: 30 * time.Millisecond}})
		var seen notes
		bus.On(b, "l", func(_ context.Context, _ *db.Tx, e born) error { seen.add(e.ID); return nil })
		seen.wait(t, "1")
		if err := b.Stop(t.Context()); err != nil || count(t, d, "bus_outbox") != 2 {
			t.Fatal(err, "or pruned too early")
		}
		b = bustest.Start(t, bus.Params{DB: d, Config: bus.Config{Retention: time.Millisecond, Tick: 30 * time.Millisecond}})
		eventually(t, "an empty log", func() bool { return count(t, d, "bus_outbox") == 0 })
		bus.On(b, "l", func(_ context.Context, _ *db.Tx, e born) error { seen.add(e.ID); return nil })
		publish(t, d, born{"2"})
		seen.wait(t, "1", "2")
	})
}

func TestStartNeedsTheTables(t *testing.T) {
	d := dbtest.SQLite(t)
	if err := bus.New(bus.Params{DB: d}).Start(t.Context()); err == nil {
		t.Error("started without tables")
	}
}

func TestLargeEventsAreRefused(t *testing.T) {
	d := dbtest.SQLite(t, bus.Migrations)
	err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		return bus.Publish(ctx, tx, born{strings.Repeat("x", bus.MaxMessage/2)})
	})
	if !errors.Is(err, bus.ErrTooLarge) {
		t.Error(err)
	}
}
