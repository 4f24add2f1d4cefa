package flow_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/page"
)

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
	if err != nil || len(stuck.Items) != 1 || stuck.Items[0].Message != "no room" || stuck.Items[0].Error != "storage is on fire" {
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
