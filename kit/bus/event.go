package bus

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// An Event is a fact in the past tense, a struct that becomes JSON. Name is its
// topic ("volume.created.v1"), is the same for all values and never changes.
type Event interface{ Name() string }

// maxEvent is the largest body and baggage of an event, in bytes: several must
// fit into one message.
const maxEvent = MaxMessage / 2

// Publish makes events known once tx commits, and never if it does not. Events
// of one transaction keep their order. Above 512 KiB one is ErrTooLarge.
func Publish(ctx context.Context, tx *db.Tx, events ...Event) error {
	if len(events) == 0 {
		return nil
	}
	baggage, err := json.Marshal(Outgoing(ctx))
	if err != nil {
		return fault.Internal.Wrap(err, "encode baggage")
	}
	rows := make([]entry, 0, len(events))
	for _, e := range events {
		body, err := json.Marshal(e)
		if err != nil {
			return fault.Internal.Wrap(err, "encode event %s", e.Name())
		}
		if n := len(body) + len(baggage); n > maxEvent {
			return ErrTooLarge.Errorf("event %s takes %d bytes, the limit is %d", e.Name(), n, maxEvent)
		}
		rows = append(rows, entry{ID: newID(), Topic: e.Name(), Body: string(body), Baggage: string(baggage), CreatedAt: time.Now().UTC()})
	}
	if err := insertEntries(ctx, tx, rows); err != nil {
		return err
	}
	handle := handleOf(tx)
	tx.AfterCommit(func() { relays.poke(handle) })
	return nil
}

// relays finds the bus to poke when a transaction of a database commits.
// Publish takes no Bus so that a store or a flow step that holds a transaction
// needs nothing else; a process has one bus, a test may have more.
var relays = registry{of: map[*bun.DB][]*Bus{}}

type registry struct {
	mu sync.RWMutex
	of map[*bun.DB][]*Bus
}

func (r *registry) add(b *Bus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.of[b.relay.handle] = append(slices.Clone(r.of[b.relay.handle]), b)
}

func (r *registry) remove(b *Bus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var rest []*Bus
	for _, other := range r.of[b.relay.handle] {
		if other != b {
			rest = append(rest, other)
		}
	}
	if r.of[b.relay.handle] = rest; rest == nil {
		delete(r.of, b.relay.handle)
	}
}

// poke makes one of the busses of a database relay; it rings for the others.
func (r *registry) poke(d *bun.DB) {
	if all := r.all(d); len(all) > 0 {
		all[0].relay.poke.send()
	}
}

func (r *registry) all(d *bun.DB) []*Bus {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.of[d]
}
