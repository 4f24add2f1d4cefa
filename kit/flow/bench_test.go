package flow_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// BenchmarkRuns starts runs of five steps and waits until all have ended.
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
	b.ResetTimer() // b.Loop would stop the clock before the runs have ended
	for i := range b.N {
		finished.Add(1)
		if err := start(b, d, f, fmt.Sprint(i), state{}); err != nil {
			b.Fatal(err)
		}
	}
	finished.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}
