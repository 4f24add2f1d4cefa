package bus

import (
	"context"
	"strconv"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
)

const (
	relayBatch = 500
	// relayPause is between two batches: under load it makes them larger, and an
	// idle relay starts at once.
	relayPause = 10 * time.Millisecond
	pruneBatch = 1000
)

// A relay numbers the events of one database and rings for them. The process
// that published is the one that numbers, as soon as it has committed; where
// several share a database the lock in number makes them take turns, so there
// is no lease to wait for and no leader to lose.
type relay struct {
	poke   signal
	origin string
	handle *bun.DB   // what transactions of this database have in common
	pruned time.Time // when we last looked for old events
}

func (r *relay) init() { r.poke = newSignal() }

func (r *relay) open(ctx context.Context, d *db.DB) error {
	return d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		h, err := ensureOrigin(ctx, tx)
		r.origin, r.handle = h.ID, handleOf(tx)
		return err
	})
}

func (b *Bus) runRelay() {
	b.relay.poke.send() // for what a process before us left behind
	for failures := 0; ; {
		select {
		case <-b.work.ctx.Done():
			return
		case <-b.relay.poke:
		}
		err := b.relayAll(b.running.ctx)
		if err == nil {
			failures = 0
			b.work.sleep(relayPause)
			continue
		}
		b.log.Warn("bus: cannot relay events, trying on", "error", err)
		b.work.sleep(backoff(100*time.Millisecond, failures))
		failures++
		b.relay.poke.send()
	}
}

// relayAll numbers what is new and rings for it.
func (b *Bus) relayAll(ctx context.Context) error {
	for b.work.ctx.Err() == nil {
		if found, err := anyNew(ctx, b.db.Read()); err != nil || !found {
			return err
		}
		var rows []entry
		err := b.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			rows, err = number(ctx, tx, relayBatch)
			return err
		})
		if err != nil {
			return err
		}
		b.ring(rows)
		if len(rows) < relayBatch {
			return nil
		}
	}
	return nil
}

// ring wakes the listeners of this process and tells the others. A message
// that cannot be sent is no loss, so it is not worth more than a word.
func (b *Bus) ring(rows []entry) {
	topics := map[string]bool{}
	for i := range rows {
		r := &rows[i]
		topics[r.Topic] = true
		b.metrics.relayed.Observe(time.Since(r.CreatedAt).Seconds())
	}
	for _, near := range relays.all(b.relay.handle) {
		for topic := range topics {
			near.wake(b.relay.origin, topic)
		}
	}
	for i := range rows {
		r := &rows[i]
		m := message.NewMessage(r.ID, []byte(r.Body))
		m.Metadata[metadataOrigin] = b.relay.origin
		m.Metadata[metadataPosition] = strconv.FormatInt(r.Position, 10)
		m.Metadata[metadataBaggage] = r.Baggage
		m.Metadata[metadataFrom] = b.config.Name
		if err := b.transport.Publisher.Publish(r.Topic, m); err != nil {
			b.log.Debug("bus: cannot ring for events", "events", len(rows)-i, "error", err)
			return
		}
	}
}

func (b *Bus) prune() {
	b.relay.pruned = time.Now()
	for b.work.ctx.Err() == nil {
		var n int
		err := b.db.Tx(b.work.ctx, func(ctx context.Context, tx *db.Tx) (err error) {
			n, err = prune(ctx, tx, time.Now().UTC().Add(-b.config.Retention), pruneBatch)
			return err
		})
		if err != nil {
			b.log.Warn("bus: cannot prune old events", "error", err)
		}
		if err != nil || n < pruneBatch {
			return
		}
	}
}
