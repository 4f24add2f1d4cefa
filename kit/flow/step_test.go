package flow_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
)

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
