package flow_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

// TestACommitWhoseAnswerIsLostStands: its effects are there once and nothing is
// undone, though the engine is told of an error, and is busy with other runs.
func TestACommitWhoseAnswerIsLostStands(t *testing.T) {
	server := dbtest.PostgresURL(t)
	for name, last := range map[string]bool{"of the last step": true, "with a step to follow": false} {
		t.Run(name, func(t *testing.T) {
			w := dbtest.NewWire(t, server)
			d, err := db.Open(db.Config{URL: w.URL})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = d.Close() })
			if err := d.Migrate(t.Context(), flow.Migrations); err != nil {
				t.Fatal(err)
			}
			e := flow.NewEngine(d, nil, flow.Config{Lease: 300 * time.Millisecond})
			var recorded, undone, followed atomic.Int32
			undo := func(context.Context, *state) error { undone.Add(1); return nil }
			f := flow.New[state](t.Name()).
				Step("make", func(context.Context, *state) error { return nil }, undo).
				Record("tell", func(context.Context, *db.Tx, *state) error {
					recorded.Add(1)
					w.LoseAnswer()
					return nil
				}, nil)
			if !last {
				f.Step("follow", func(context.Context, *state) error { followed.Add(1); return nil }, undo)
			}
			flow.Register(e, f)
			release := make(chan struct{})
			busy := flow.Register(e, flow.New[state]("busy "+t.Name()).Step("wait", func(context.Context, *state) error { <-release; return nil }, nil))
			if err := e.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			defer func() {
				close(release)
				if err := e.Stop(context.Background()); err != nil {
					t.Error(err)
				}
			}()
			if err := start(t, d, busy, t.Name()+"/busy", state{}); err != nil {
				t.Fatal(err)
			}
			if err := start(t, d, f, t.Name(), state{}); err != nil {
				t.Fatal(err)
			}
			var r flow.Run
			flowtest.Eventually(t, "the run ends", func() bool {
				err := d.Read().NewSelect().Model(&r).Where("subject = ?", t.Name()).Scan(t.Context())
				return err == nil && !r.Open()
			})
			if r.Status != flow.Done || recorded.Load() != 1 || undone.Load() != 0 || !last && followed.Load() != 1 {
				t.Errorf("%s at %s, recorded %d times, undone %d, followed %d", r.Status, r.Step, recorded.Load(), undone.Load(), followed.Load())
			}
		})
	}
}
