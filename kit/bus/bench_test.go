package bus_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
)

// BenchmarkEvents publishes three events in a transaction and waits until a
// listener that writes has handled all.
func BenchmarkEvents(b *testing.B) {
	for name, open := range map[string]func(testing.TB, ...db.Migrations) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			d := open(b, bus.Migrations, effects)
			x := bustest.New(b, d)
			var handled atomic.Int64
			done := make(chan struct{})
			bus.On(x, "l", func(ctx context.Context, tx *db.Tx, e born) error {
				if handled.Add(1) == int64(b.N)*3 {
					close(done)
				}
				return write(ctx, tx, e.ID)
			})
			b.ResetTimer()
			for range b.N {
				err := d.Tx(b.Context(), func(ctx context.Context, tx *db.Tx) error {
					return bus.Publish(ctx, tx, born{"1"}, born{"2"}, born{"3"})
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			<-done
		})
	}
}

func BenchmarkCall(b *testing.B) {
	for _, kind := range bustest.Kinds {
		b.Run(string(kind), func(b *testing.B) {
			server, client := bustest.Pair(b, kind, nil)
			echo.Serve(server, func(_ context.Context, s string) (string, error) { return s, nil })
			for b.Loop() {
				if _, err := echo.Call(b.Context(), client, "x"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
