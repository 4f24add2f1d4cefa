package flow_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/page"
)

type state struct{ Made []string }

var steps = []string{"allocate", "image", "port", "volume", "spawn"}

// world holds real effects, outside the database.
type world struct {
	mu     sync.Mutex
	things map[string]bool
}

func (w *world) set(name string, there bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if there {
		w.things[name] = true
	} else {
		delete(w.things, name)
	}
}

func (w *world) size() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.things)
}

// boot makes one thing a step; its first and last step only record.
func (w *world) boot() *flow.Flow[state] {
	f := flow.New[state]("boot").Record("begin", nil, func(context.Context, *db.Tx, *state) error { return nil })
	for _, name := range steps {
		f.Step(name,
			func(_ context.Context, s *state) error {
				w.set(name, true)
				s.Made = append(s.Made, name)
				return nil
			},
			func(context.Context, *state) error { w.set(name, false); return nil })
	}
	return f.Record("finish", func(context.Context, *db.Tx, *state) error { return nil }, nil)
}

func start[S any](t testing.TB, d *db.DB, f *flow.Flow[S], subject string, s S) error {
	t.Helper()
	return d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		_, err := flow.Start(ctx, tx, f, subject, s)
		return err
	})
}

func TestProve(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		n := 0
		flowtest.Prove(t, func(*testing.T) flowtest.World[state] {
			w := &world{things: map[string]bool{}}
			n++
			return flowtest.World[state]{
				DB: d, Flow: w.boot(), Subject: fmt.Sprint("server/", n),
				Done: func(t *testing.T) {
					if w.size() != len(steps) {
						t.Errorf("%v, want %v", w.things, steps)
					}
				},
				Clean: func(t *testing.T) {
					if w.size() != 0 {
						t.Errorf("left: %v", w.things)
					}
				},
			}
		})
	}, flow.Migrations)
}

func TestProveFlowsThatOnlyGoForward(t *testing.T) {
	d := dbtest.SQLite(t, flow.Migrations)
	n := 0
	flowtest.Prove(t, func(*testing.T) flowtest.World[state] {
		w := &world{things: map[string]bool{"a": true, "b": true}}
		n++
		remove := func(name string) flow.Action[state] {
			return func(context.Context, *state) error { w.set(name, false); return nil }
		}
		return flowtest.World[state]{
			DB: d, Flow: flow.New[state]("delete").Step("a", remove("a"), nil).Step("b", remove("b"), nil).Sure(),
			Subject: fmt.Sprint("server/", n),
			Done: func(t *testing.T) {
				if w.size() != 0 {
					t.Errorf("left: %v", w.things)
				}
			},
		}
	})
}

func TestEightEnginesDoEveryStepOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const runs = 100
		var done atomic.Int64
		var finished sync.WaitGroup
		finished.Add(runs)
		newFlow := func() *flow.Flow[state] {
			f := flow.New[state]("count")
			for i := range 5 {
				f.Step(fmt.Sprint(i), func(context.Context, *state) error { done.Add(1); return nil }, nil)
			}
			return f.Record("end", func(_ context.Context, tx *db.Tx, _ *state) error {
				tx.AfterCommit(finished.Done)
				return nil
			}, nil)
		}
		for range 8 {
			e := flow.NewEngine(d, nil, flow.Config{Workers: 4})
			flow.Register(e, newFlow())
			if err := e.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := e.Stop(context.Background()); err != nil {
					t.Error(err)
				}
			}()
		}
		own := flow.NewEngine(d, nil, flow.Config{})
		f := flow.Register(own, newFlow())
		if err := own.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = own.Stop(context.Background()) }()
		for i := range runs {
			if i%2 == 0 { // half of them wait for an engine to claim them
				f = newFlow()
			}
			if err := start(t, d, f, fmt.Sprint("server/", i), state{}); err != nil {
				t.Fatal(err)
			}
		}
		finished.Wait()
		if n := done.Load(); n != 5*runs {
			t.Errorf("%d steps, want %d", n, 5*runs)
		}
	}, flow.Migrations)
}

func TestOneOpenRunPerSubject(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		f := (&world{things: map[string]bool{}}).boot()
		if err := start(t, d, f, "server/1", state{}); err != nil {
			t.Fatal(err)
		}
		if err := start(t, d, f, "server/1", state{}); !errors.Is(err, fault.Conflict) {
			t.Errorf("second run: %v", err)
		}
		open, err := flow.Open(t.Context(), d.Read(), "server/1", "server/2")
		if err != nil || len(open) != 1 || open["server/1"].Step != "begin" {
			t.Error(open, err)
		}
	}, flow.Migrations)
}

func TestStalledEngineCannotSave(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		now := time.Now()
		reached, resume := make(chan struct{}), make(chan struct{})
		var finishes atomic.Int64
		newFlow := func(stall bool) *flow.Flow[state] {
			return flow.New[state]("f").Step("a", func(context.Context, *state) error {
				if stall {
					close(reached)
					<-resume
				}
				return nil
			}, nil).Record("b", func(context.Context, *db.Tx, *state) error { finishes.Add(1); return nil }, nil)
		}
		stalled := flow.NewEngine(d, nil, flow.Config{})
		f := flow.Register(stalled, newFlow(true))
		if err := start(t, d, f, "server/1", state{}); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := stalled.RunDue(t.Context()); err != nil {
				t.Error(err)
			}
		})
		<-reached
		other := flow.NewEngine(d, nil, flow.Config{Now: func() time.Time { return now.Add(time.Hour) }})
		flow.Register(other, newFlow(false))
		if n, err := other.RunDue(t.Context()); n != 1 || err != nil {
			t.Error(n, err)
		}
		close(resume)
		wg.Wait()
		if n := finishes.Load(); n != 1 {
			t.Errorf("the last step was recorded %d times", n)
		}
	}, flow.Migrations)
}

func TestBackGoesToAnEarlierStepABoundedNumberOfTimes(t *testing.T) {
	for _, failures := range []int{1, 2, flow.DefaultBacks, flow.DefaultBacks + 1} {
		t.Run(fmt.Sprint(failures), func(t *testing.T) {
			d := dbtest.SQLite(t, flow.Migrations)
			e := flow.NewEngine(d, nil, flow.Config{})
			var log []string
			note := func(what string) flow.Action[state] {
				return func(context.Context, *state) error { log = append(log, what); return nil }
			}
			f := flow.Register(e, flow.New[state]("boot").Step("first", note("first"), note("-first")).
				Step("place", note("place"), note("-place")).
				Step("spawn", func(_ context.Context, s *state) error {
					if s.Made = append(s.Made, "host"); len(s.Made) <= failures {
						return flow.Back("place", fault.Exhausted.Errorf("host is full"))
					}
					return nil
				}, note("-spawn")))
			if err := start(t, d, f, "server/1", state{}); err != nil {
				t.Fatal(err)
			}
			if _, err := e.RunDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			var r flow.Run
			if err := d.Read().NewSelect().Model(&r).Scan(t.Context()); err != nil {
				t.Fatal(err)
			}
			want := flow.Done
			if failures > flow.DefaultBacks {
				want = flow.Undone
			}
			if r.Status != want {
				t.Errorf("%s: %v", r.Status, log)
			}
			if log[0] != "first" || (log[len(log)-1] == "-first") != (want == flow.Undone) {
				t.Error(log)
			}
		})
	}
}

func TestReplaceCancelsAndFollows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := &world{things: map[string]bool{}}
		e := flow.NewEngine(d, nil, flow.Config{})
		var cause error
		gate, reached := make(chan struct{}), make(chan struct{})
		boot := flow.Register(e, flow.New[state]("boot").Record("begin", nil, func(ctx context.Context, _ *db.Tx, _ *state) error {
			cause = flow.Cause(ctx)
			return nil
		}).Step("spawn", func(context.Context, *state) error {
			w.set("spawn", true)
			close(reached)
			<-gate
			return nil
		}, func(context.Context, *state) error { w.set("spawn", false); return nil }).
			Step("never", func(context.Context, *state) error { w.set("never", true); return nil }, nil))
		deleted := make(chan int, 1)
		remove := flow.Register(e, flow.New[state]("delete").Record("row", func(_ context.Context, tx *db.Tx, _ *state) error {
			tx.AfterCommit(func() { deleted <- w.size() })
			return nil
		}, nil).Sure())
		if err := e.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = e.Stop(context.Background()) }()
		if err := start(t, d, boot, "server/1", state{}); err != nil {
			t.Fatal(err)
		}
		<-reached
		for range 2 { // deleting twice is deleting once
			err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				_, err := flow.Replace(ctx, tx, remove, "server/1", state{})
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		close(gate)
		if left := <-deleted; left != 0 || w.size() != 0 {
			t.Errorf("%d things were left when the deletion began", left)
		}
		if !errors.Is(cause, flow.ErrCancelled) {
			t.Errorf("cause: %v", cause)
		}
	}, flow.Migrations)
}

func TestAFlowThatOnlyGoesForwardCannotBeCancelled(t *testing.T) {
	d := dbtest.SQLite(t, flow.Migrations)
	e := flow.NewEngine(d, nil, flow.Config{})
	f := flow.Register(e, flow.New[state]("delete").Step("a", nil, nil).Sure())
	if err := start(t, d, f, "server/1", state{}); err != nil {
		t.Fatal(err)
	}
	err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error { return e.Cancel(ctx, tx, "server/1") })
	if !errors.Is(err, fault.Conflict) {
		t.Error(err)
	}
}

func TestOperatorMaySkipAStuckUndo(t *testing.T) {
	d := dbtest.SQLite(t, flow.Migrations)
	now := time.Now()
	e := flow.NewEngine(d, nil, flow.Config{Now: func() time.Time { return now }})
	tries := 0
	f := flow.Register(e, flow.New[state]("boot").
		Step("volume", nil, func(context.Context, *state) error { tries++; return errors.New("storage is on fire") }).
		Step("spawn", func(context.Context, *state) error { return fault.Exhausted.Errorf("no room") }, nil))
	if err := start(t, d, f, "server/1", state{}); err != nil {
		t.Fatal(err)
	}
	run := func() flow.Run {
		t.Helper()
		if _, err := e.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		var r flow.Run
		if err := d.Read().NewSelect().Model(&r).Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := run()
	if err := e.Skip(t.Context(), r.ID); !errors.Is(err, fault.Conflict) {
		t.Errorf("an undo that failed once was skipped: %v", err)
	}
	for range 5 {
		now = now.Add(2 * time.Minute)
		r = run()
	}
	stuck, err := e.Stuck(t.Context(), page.Query{})
	if err != nil || len(stuck.Items) != 1 || stuck.Items[0].Message != "no room" {
		t.Fatal(stuck, err)
	}
	before := tries
	if err := e.Retry(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if run(); tries != before+1 {
		t.Errorf("retry tried %d times", tries-before)
	}
	if err := e.Skip(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if r = run(); r.Status != flow.Undone {
		t.Error(r.Status)
	}
}

func TestStepsEndAtTheirTimeLimit(t *testing.T) {
	d := dbtest.SQLite(t, flow.Migrations)
	now := time.Now()
	e := flow.NewEngine(d, nil, flow.Config{Now: func() time.Time { return now }})
	tries := 0
	f := flow.Register(e, flow.New[state]("f").Step("a", func(context.Context, *state) error {
		tries++
		return fault.Unavailable.Errorf("not yet")
	}, nil).Within(time.Hour))
	if err := start(t, d, f, "x", state{}); err != nil {
		t.Fatal(err)
	}
	for range 13 {
		if _, err := e.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.Add(6 * time.Minute)
	}
	var r flow.Run
	if err := d.Read().NewSelect().Model(&r).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r.Status != flow.Undone || r.Kind != fault.Unavailable || tries != 11 {
		t.Error(r.Status, r.Kind, tries)
	}
}

func TestBaggageAndPanics(t *testing.T) {
	d := dbtest.SQLite(t, flow.Migrations)
	e := flow.NewEngine(d, nil, flow.Config{})
	var seen string
	f := flow.Register(e, flow.New[state]("f").Step("a", func(ctx context.Context, _ *state) error {
		seen = bus.Baggage(ctx)["caller"]
		panic("a bug")
	}, nil))
	err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		_, err := flow.Start(bus.WithBaggage(ctx, "caller", "anna"), tx, f, "x", state{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	var r flow.Run
	if err := d.Read().NewSelect().Model(&r).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen != "anna" || r.Status != flow.Undone || r.Kind != fault.Internal {
		t.Error(seen, r.Status, r.Message)
	}
}

func TestStepsThatARunDoesNotNeedArePassed(t *testing.T) {
	for _, fail := range []bool{false, true} {
		d := dbtest.SQLite(t, flow.Migrations)
		e := flow.NewEngine(d, nil, flow.Config{})
		var log []string
		note := func(what string) flow.Action[state] {
			return func(context.Context, *state) error { log = append(log, what); return nil }
		}
		never := func(*state) bool { return false }
		f := flow.Register(e, flow.New[state]("f").Step("a", note("a"), note("-a")).
			Step("b", note("b"), note("-b")).When(never).
			Step("c", func(context.Context, *state) error {
				if fail {
					return fault.Exhausted.Errorf("no")
				}
				return nil
			}, note("-c")).
			Step("d", note("d"), note("-d")).When(never))
		if err := start(t, d, f, "x", state{}); err != nil {
			t.Fatal(err)
		}
		if _, err := e.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := "[a]"
		if fail {
			want = "[a -c -a]"
		}
		if got := fmt.Sprint(log); got != want {
			t.Errorf("fail %v: %s, want %s", fail, got, want)
		}
	}
}

func BenchmarkRuns(b *testing.B) {
	d := dbtest.SQLite(b, flow.Migrations)
	e := flow.NewEngine(d, nil, flow.Config{})
	var finished sync.WaitGroup
	f := flow.New[state]("boot")
	for _, name := range steps[:4] {
		f.Step(name, func(context.Context, *state) error { return nil }, nil)
	}
	f.Record("end", func(_ context.Context, tx *db.Tx, _ *state) error { tx.AfterCommit(finished.Done); return nil }, nil)
	flow.Register(e, f)
	if err := e.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = e.Stop(context.Background()) }()
	i := 0
	for b.Loop() {
		i++
		finished.Add(1)
		if err := start(b, d, f, fmt.Sprint(i), state{}); err != nil {
			b.Fatal(err)
		}
	}
	finished.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}
