package flow_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
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
		starts := func(f *flow.Flow[state], i int) {
			if err := start(t, d, f, fmt.Sprint("server/", i), state{}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range runs / 2 { // of a process without an engine: any of the eight claims it
			starts(newFlow(), i)
		}
		var registered []*flow.Flow[state]
		for range 8 {
			e := flow.NewEngine(d, nil, flow.Config{Workers: 4})
			registered = append(registered, flow.Register(e, newFlow()))
			if err := e.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := e.Stop(context.Background()); err != nil {
					t.Error(err)
				}
			}()
		}
		for i := range runs / 2 { // held from the start by the engine that starts it
			starts(registered[i%len(registered)], runs/2+i)
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
		if err != nil || len(open) != 1 || open["server/1"].Step != "allocate" {
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
			return flow.New[state]("f").Step("a", func(_ context.Context, s *state) error {
				if stall {
					close(reached)
					<-resume
				}
				s.Made = append(s.Made, fmt.Sprint("by a stalled engine: ", stall))
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
		var r flow.Run
		if err := d.Read().NewSelect().Model(&r).Scan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r.Status != flow.Done || r.State != `{"Made":["by a stalled engine: false"]}` {
			t.Errorf("the stalled engine has saved: %s %s", r.Status, r.State)
		}
	}, flow.Migrations)
}
