package bus_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type born struct{ ID string }

func (born) Name() string { return "test.born.v1" }

type gone struct{ ID string }

func (gone) Name() string { return "test.gone.v1" }

func publish(t *testing.T, d *db.DB, events ...bus.Event) {
	t.Helper()
	err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error { return bus.Publish(ctx, tx, events...) })
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until ok, for a bounded time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("never happened: %s", what)
		}
	}
}

// notes is a list that many goroutines append to.
type notes struct {
	mu   sync.Mutex
	list []string
}

func (n *notes) add(s string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, s)
}

func (n *notes) all() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.list)
}

func (n *notes) wait(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprint(want), func() bool { return len(n.all()) >= len(want) })
	if got := n.all(); !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
}
