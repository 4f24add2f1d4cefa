package bus

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// A DeadLetter is an event that a listener could not handle. The listener has
// gone on; the letter waits for Replay or Discard.
type DeadLetter struct {
	bun.BaseModel `bun:"table:bus_dead_letters,alias:letters"`

	ID        string `bun:",pk"`
	Listener  string
	Origin    string // the log the event is from
	Position  int64  // of the event in that log
	Event     string // id of the event
	Topic     string
	Body      string // JSON
	Baggage   string // JSON
	Error     string // what the last attempt said
	Attempts  int
	CreatedAt time.Time
}

// DeadLetters lists what listeners of this database gave up. It sorts by id,
// created_at, listener and topic.
func (b *Bus) DeadLetters(ctx context.Context, q page.Query) (page.Of[DeadLetter], error) {
	if err := b.needDB(); err != nil {
		return page.Of[DeadLetter]{}, err
	}
	return listLetters(ctx, b.db.Read(), q)
}

// Replay handles a dead letter now and removes it, in one transaction. When the
// handler fails again the letter stays, with the new failure, which is returned.
// fault.Unavailable says that the listener is not in this process.
func (b *Bus) Replay(ctx context.Context, id string) error {
	if err := b.needDB(); err != nil {
		return err
	}
	var l DeadLetter
	failed := false
	err := b.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		if err := tx.Lock(ctx, "bus/letter/"+id); err != nil {
			return err
		}
		if l, err = letter(ctx, tx, id); err != nil {
			return err
		}
		w, err := b.workerOf(&l)
		if err != nil {
			return err
		}
		e := logged{ID: l.Event, Position: l.Position, Topic: l.Topic, Body: json.RawMessage(l.Body)}
		_ = json.Unmarshal([]byte(l.Baggage), &e.Baggage) // we wrote it
		if err := w.handle(ctx, tx, e); err != nil {
			l.Attempts, l.Error, failed = l.Attempts+1, err.Error(), true
			return err
		}
		return deleteLetter(ctx, tx, id)
	})
	if !failed {
		return err
	}
	if e := b.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return updateLetter(ctx, tx, &l) }); e != nil {
		return e
	}
	return fault.Internal.Wrap(err, "replay %s for %s", l.Topic, l.Listener)
}

// Discard removes a dead letter: nobody will handle its event.
func (b *Bus) Discard(ctx context.Context, id string) error {
	if err := b.needDB(); err != nil {
		return err
	}
	return b.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return deleteLetter(ctx, tx, id) })
}

func (b *Bus) workerOf(l *DeadLetter) (*worker, error) {
	b.mu.Lock()
	known := b.listeners[l.Listener]
	b.mu.Unlock()
	if known == nil || known.handler(l.Topic) == nil {
		return nil, fault.Unavailable.Errorf("dead letter %s: listener %s of %s is not in this process", l.ID, l.Listener, l.Topic)
	}
	return b.worker(known, l.Origin), nil
}

func (b *Bus) needDB() error {
	if b.db == nil {
		return fault.Unsupported.Errorf("bus %s has no database, so it carries no events", b.config.Name)
	}
	return nil
}
