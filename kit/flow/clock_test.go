package flow_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// running returns a started engine, in a bubble whose clock jumps when all wait.
func running(t *testing.T, d *db.DB, f *flow.Flow[state]) *flow.Engine {
	t.Helper()
	e := flow.NewEngine(d, nil, flow.Config{})
	flow.Register(e, f)
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

// reads counts the queries outside transactions.
type reads struct{ n atomic.Int64 }

func (r *reads) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context {
	r.n.Add(1)
	return ctx
}

func (*reads) AfterQuery(context.Context, *bun.QueryEvent) {}

func TestAnIdleEngineSleeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, r := dbtest.SQLite(t, flow.Migrations), &reads{}
		d.Read().(*bun.DB).AddQueryHook(r) //nolint:staticcheck // WithQueryHook makes another DB; the engine has this one.
		running(t, d, flow.New[state]("f").Step("a", nil, nil))
		<-time.After(time.Hour)
		synctest.Wait()
		if n := r.n.Load(); n < 60 || n > 62 { // it looks for what a process before it left behind
			t.Errorf("%d queries in an hour, want one a minute", n)
		}
	})
}

func TestAnEngineWakesWhenARunIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, began := dbtest.SQLite(t, flow.Migrations), time.Now()
		var tries []time.Duration
		done := make(chan struct{})
		f := flow.New[state]("f").Step("a", func(context.Context, *state) error {
			if tries = append(tries, time.Since(began)); len(tries) < 4 {
				return fault.Unavailable.Errorf("not yet")
			}
			close(done)
			return nil
		}, nil)
		running(t, d, f)
		if err := start(t, d, f, "x", state{}); err != nil {
			t.Fatal(err)
		}
		<-done
		want := []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond}
		if !slices.Equal(tries, want) {
			t.Errorf("tried after %v, want %v", tries, want)
		}
	})
}

// TestARunOfAnotherProcessIsFound within a minute, though nobody poked.
func TestARunOfAnotherProcessIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, done := dbtest.SQLite(t, flow.Migrations), make(chan struct{})
		f := func() *flow.Flow[state] {
			return flow.New[state]("f").Step("a", func(context.Context, *state) error { close(done); return nil }, nil)
		}
		running(t, d, f())
		synctest.Wait()
		began := time.Now()
		if err := start(t, d, f(), "x", state{}); err != nil {
			t.Fatal(err)
		}
		<-done
		if took := time.Since(began); took > time.Minute {
			t.Errorf("found after %v", took)
		}
	})
}

// TestALongStepKeepsItsRun for much longer than a lease, though others look for work.
func TestALongStepKeepsItsRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.SQLite(t, flow.Migrations)
		var times atomic.Int64
		done := make(chan struct{})
		f := func() *flow.Flow[state] {
			return flow.New[state]("f").Step("long", func(context.Context, *state) error {
				times.Add(1)
				<-time.After(30 * time.Minute)
				return nil
			}, nil).Within(time.Hour).Step("last", func(context.Context, *state) error { close(done); return nil }, nil)
		}
		own := f()
		running(t, d, own)
		running(t, d, f())
		if err := start(t, d, own, "x", state{}); err != nil {
			t.Fatal(err)
		}
		<-done
		if n := times.Load(); n != 1 {
			t.Errorf("the long step was begun %d times", n)
		}
	})
}
