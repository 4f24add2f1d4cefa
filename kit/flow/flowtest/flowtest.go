// Package flowtest proves that a flow survives what a cloud does to it.
package flowtest

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// A World is one flow, the run to try, and what to look at afterwards.
type World[S any] struct {
	DB      *db.DB
	Flow    *flow.Flow[S]
	Subject string
	State   S
	// Context is what the run is started with, such as its caller; nil means the test's.
	Context context.Context
	// Begin writes what is inserted together with the run; it may be nil.
	Begin func(ctx context.Context, tx *db.Tx) error
	// Done fails the test unless everything the flow promises is there.
	Done func(t *testing.T)
	// Clean fails the test unless nothing is left of a run that was undone.
	Clean func(t *testing.T)
}

// Prove runs a flow in fresh worlds: as it is, every step twice, with a crash
// after each action, with a failure at each step, with that and every undo twice or
// a crash in one, cancelled at each step, and with eight engines at once. Whatever
// happens, the world must end done or clean. A flow that only goes forward
// (Sure) must end done.
func Prove[S any](t *testing.T, newWorld func(t *testing.T) World[S]) {
	t.Helper()
	probe := newWorld(t)
	sure := probe.Flow.IsSure()
	var steps, undos []string // that this run needs
	note := func(ctx context.Context, p flow.Point, next func(context.Context) error) error {
		noted := &steps
		if p.Undo {
			noted = &undos
		}
		if !slices.Contains(*noted, p.Step) {
			*noted = append(*noted, p.Step)
		}
		return next(ctx)
	}
	ok := func(t *testing.T, around flow.Around) {
		w := newWorld(t)
		w.run(t, around)
		w.Done(t)
	}
	broken := func(t *testing.T, around flow.Around) {
		w := newWorld(t)
		w.run(t, around)
		if sure {
			w.Done(t)
		} else {
			w.Clean(t)
		}
	}
	t.Run("as it is", func(t *testing.T) { ok(t, note) })
	t.Run("every step twice", func(t *testing.T) { ok(t, twice) })
	t.Run("eight engines", func(t *testing.T) {
		w := newWorld(t)
		w.race(t, 8)
		w.Done(t)
	})
	for _, step := range steps {
		t.Run("crash after "+step, func(t *testing.T) { ok(t, crashAfter(step, false)) })
		t.Run("retry at "+step, func(t *testing.T) { ok(t, failOnce(step, fault.Unavailable)) })
		t.Run("failure at "+step, func(t *testing.T) { broken(t, failOnce(step, fault.Exhausted)) })
		t.Run("failure after "+step, func(t *testing.T) { broken(t, failAfter(step)) })
		t.Run("failure after "+step+", undone twice", func(t *testing.T) { broken(t, both(failAfter(step), twice)) })
	}
	if sure {
		return
	}
	for _, step := range steps {
		t.Run("crash and cancel at "+step, func(t *testing.T) {
			w := newWorld(t)
			w.drive(t, crashAfter(step, false), w.cancel)
			w.Clean(t)
		})
	}
	last := steps[len(steps)-1]
	t.Run("undone at the end", func(t *testing.T) { broken(t, both(note, failAfter(last))) })
	for _, step := range undos {
		t.Run("crash after the undo of "+step, func(t *testing.T) {
			broken(t, both(failAfter(last), crashAfter(step, true)))
		})
		t.Run("undo of "+step+" twice and failing", func(t *testing.T) {
			broken(t, both(failAfter(last), both(twice, undoFailsOnce(step))))
		})
	}
}

// wrapped returns the flow with around, under a name that only this proof knows: the
// world may have an engine of its own.
func (w World[S]) wrapped(around flow.Around) *flow.Flow[S] {
	return w.Flow.Around(around).Named("proof of " + w.Flow.Name())
}

func (w World[S]) start(t *testing.T, f *flow.Flow[S]) {
	t.Helper()
	ctx := w.Context
	if ctx == nil {
		ctx = t.Context()
	}
	err := w.DB.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if w.Begin != nil {
			if err := w.Begin(ctx, tx); err != nil {
				return err
			}
		}
		_, err := flow.Start(ctx, tx, f, w.Subject, w.State)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w World[S]) run(t *testing.T, around flow.Around) {
	t.Helper()
	w.drive(t, around, func(*testing.T) {})
}

// drive takes the run to its end through as many lives of the process as that
// needs, and calls reborn after the first.
func (w World[S]) drive(t *testing.T, around flow.Around, reborn func(*testing.T)) {
	t.Helper()
	f := w.wrapped(around)
	now := time.Now()
	clock := func() time.Time { return now }
	for life := range 60 {
		e := flow.NewEngine(w.DB, nil, flow.Config{Now: clock})
		flow.Register(e, f)
		if life == 0 {
			w.start(t, f)
		}
		var err error
		var wg sync.WaitGroup
		wg.Go(func() { _, err = e.RunDue(t.Context()) }) // a crash ends this goroutine
		wg.Wait()
		if err != nil {
			t.Fatal(err)
		}
		if r := w.last(t); !r.Open() {
			return
		}
		if life == 0 {
			reborn(t)
		}
		now = now.Add(61 * time.Second)                          // leases and pauses run out
		<-time.After(time.Duration(life) * 2 * time.Millisecond) // another engine may have work that this run waits for
	}
	t.Fatalf("the run never ends: %+v", w.last(t))
}

func (w World[S]) last(t *testing.T) flow.Run {
	t.Helper()
	var r flow.Run
	err := w.DB.Read().NewSelect().Model(&r).Where("subject = ?", w.Subject).Order("id DESC").Limit(1).Scan(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// race lets n started engines compete for the run.
func (w World[S]) race(t *testing.T, n int) {
	t.Helper()
	var done atomic.Int64
	count := func(ctx context.Context, _ flow.Point, next func(context.Context) error) error {
		err := next(ctx)
		if err == nil {
			done.Add(1)
		}
		return err
	}
	f := w.wrapped(count)
	w.start(t, f)
	var wg sync.WaitGroup
	for range n {
		e := flow.NewEngine(w.DB, nil, flow.Config{})
		flow.Register(e, w.wrapped(count))
		wg.Go(func() {
			for {
				if _, err := e.RunDue(t.Context()); err != nil {
					t.Error(err)
					return
				}
				if r := w.last(t); !r.Open() {
					return
				}
				runtime.Gosched()
			}
		})
	}
	wg.Wait()
	if most := int64(len(f.Steps())); done.Load() > most {
		t.Errorf("%d steps of %d were done", done.Load(), most)
	}
}

// cancel asks the run to turn around, as a caller would between two lives.
func (w World[S]) cancel(t *testing.T) {
	t.Helper()
	e := flow.NewEngine(w.DB, nil, flow.Config{})
	err := w.DB.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error { return e.Cancel(ctx, tx, w.Subject) })
	if err != nil {
		t.Fatal(err)
	}
}

// twice repeats what a crash could repeat; a record commits with the run, so never.
func twice(ctx context.Context, p flow.Point, next func(context.Context) error) error {
	if err := next(ctx); err != nil || p.Record {
		return err
	}
	return next(ctx)
}

// crashAfter ends the process, as far as the engine can tell, once: after the
// action and before it is saved.
func crashAfter(step string, undo bool) flow.Around {
	var crashed atomic.Bool
	return func(ctx context.Context, p flow.Point, next func(context.Context) error) error {
		err := next(ctx)
		if p.Step == step && p.Undo == undo && crashed.CompareAndSwap(false, true) {
			runtime.Goexit()
		}
		return err
	}
}

func failOnce(step string, kind fault.Kind) flow.Around {
	var failed atomic.Bool
	return func(ctx context.Context, p flow.Point, next func(context.Context) error) error {
		if p.Step == step && !p.Undo && failed.CompareAndSwap(false, true) {
			return kind.Errorf("%s fails before it begins", step)
		}
		return next(ctx)
	}
}

func failAfter(step string) flow.Around {
	var failed atomic.Bool
	return func(ctx context.Context, p flow.Point, next func(context.Context) error) error {
		err := next(ctx)
		if p.Step == step && !p.Undo && failed.CompareAndSwap(false, true) {
			return fault.Exhausted.Errorf("%s fails after it happened", step)
		}
		return err
	}
}

func undoFailsOnce(step string) flow.Around {
	var failed atomic.Bool
	return func(ctx context.Context, p flow.Point, next func(context.Context) error) error {
		if p.Step == step && p.Undo && failed.CompareAndSwap(false, true) {
			return fmt.Errorf("undo of %s fails once", step)
		}
		return next(ctx)
	}
}

func both(outer, inner flow.Around) flow.Around {
	return func(ctx context.Context, p flow.Point, next func(context.Context) error) error {
		return outer(ctx, p, func(ctx context.Context) error { return inner(ctx, p, next) })
	}
}
