package bus

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// An entry is one event in the log of its database.
type entry struct {
	bun.BaseModel `bun:"table:bus_outbox,alias:bus_outbox"`

	ID        string `bun:",pk"`
	Position  int64  `bun:",nullzero"`
	Topic     string
	Body      string // JSON
	Baggage   string // JSON
	CreatedAt time.Time
}

// A head is where a log stands.
type head struct {
	bun.BaseModel `bun:"table:bus_origin"`

	One      int    `bun:",pk"`
	ID       string // the origin, random
	Position int64  // of the last numbered event
	Pruned   int64  // position of the last event that is gone
}

// A place is how far a listener has come in the log of an origin.
type place struct {
	bun.BaseModel `bun:"table:bus_inbox,alias:bus_inbox"`

	Listener string `bun:",pk"`
	Origin   string `bun:",pk"`
	Topic    string `bun:",pk"`
	Position int64
}

// handleOf tells databases apart: it is the same for all transactions of one.
func handleOf(tx *db.Tx) *bun.DB { return tx.NewSelect().DB() }

func insertEntries(ctx context.Context, q bun.IDB, rows []entry) error {
	_, err := q.NewInsert().Model(&rows).Exec(ctx)
	return db.Fault(err, "publish %s", rows[0].Topic)
}

// ensureOrigin names the log of a database that has none yet.
func ensureOrigin(ctx context.Context, q bun.IDB) (head, error) {
	h := head{One: 1, ID: newID()}
	if _, err := q.NewInsert().Model(&h).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
		return h, db.Fault(err, "name the event log (is bus.Migrations applied?)")
	}
	return readHead(ctx, q)
}

func readHead(ctx context.Context, q bun.IDB) (h head, err error) {
	err = q.NewSelect().Model(&h).Where("one = 1").Scan(ctx)
	return h, db.Fault(err, "read the head of the event log")
}

// anyNew reports whether events wait for their number.
func anyNew(ctx context.Context, q bun.IDB) (bool, error) {
	found, err := q.NewSelect().Model((*entry)(nil)).Where("position IS NULL").Exists(ctx)
	return found, db.Fault(err, "look for new events")
}

// number gives up to limit committed events their positions, oldest first, and
// returns them. Numbers are given after the commit of what published them: a
// transaction that takes long leaves no gap that a listener could pass. Oldest is
// by id: exact for the events of one process, as exact as the clocks for others.
func number(ctx context.Context, tx *db.Tx, limit int) ([]entry, error) {
	if err := tx.Lock(ctx, "bus/number"); err != nil {
		return nil, err
	}
	var rows []entry
	err := tx.NewRaw(`UPDATE bus_outbox SET position = numbered.position
		FROM (SELECT id, (SELECT position FROM bus_origin) + ROW_NUMBER() OVER (ORDER BY id) AS position
			FROM bus_outbox WHERE position IS NULL ORDER BY id LIMIT ?) AS numbered
		WHERE bus_outbox.id = numbered.id
		RETURNING bus_outbox.id, bus_outbox.position, bus_outbox.topic, bus_outbox.body, bus_outbox.baggage, bus_outbox.created_at`, limit).Scan(ctx, &rows)
	if err != nil || len(rows) == 0 {
		return nil, db.Fault(err, "number events")
	}
	slices.SortFunc(rows, func(a, b entry) int { return cmp.Compare(a.Position, b.Position) })
	_, err = tx.NewUpdate().Model((*head)(nil)).Set("position = ?", rows[len(rows)-1].Position).Where("one = 1").Exec(ctx)
	return rows, db.Fault(err, "move the head of the event log")
}

// entriesAfter returns up to limit events of the topics, in order.
func entriesAfter(ctx context.Context, q bun.IDB, r fetchRequest, limit int) (rows []entry, err error) {
	err = q.NewSelect().Model(&rows).Where("position > ?", r.After).Where("topic IN (?)", bun.List(r.Topics)).
		Order("position").Limit(int64(limit)).Scan(ctx)
	return rows, db.Fault(err, "read the event log")
}

// prune removes up to limit of the oldest events if they are from before t.
func prune(ctx context.Context, tx *db.Tx, t time.Time, limit int) (int, error) {
	if err := tx.Lock(ctx, "bus/number"); err != nil {
		return 0, err
	}
	var gone []entry
	err := tx.NewRaw(`DELETE FROM bus_outbox WHERE id IN (SELECT id FROM (SELECT id, created_at FROM bus_outbox
		WHERE position IS NOT NULL ORDER BY position LIMIT ?) AS oldest WHERE created_at < ?) RETURNING position`, limit, t).Scan(ctx, &gone)
	if err != nil || len(gone) == 0 {
		return 0, db.Fault(err, "prune events")
	}
	last := slices.MaxFunc(gone, func(a, b entry) int { return cmp.Compare(a.Position, b.Position) }).Position
	_, err = tx.NewUpdate().Model((*head)(nil)).Set("pruned = ?", last).Where("one = 1").Exec(ctx)
	return len(gone), db.Fault(err, "note what was pruned")
}

// originsOf lists the logs a listener has a place in.
func originsOf(ctx context.Context, q bun.IDB, listener string) (origins []string, err error) {
	err = q.NewSelect().Model((*place)(nil)).Distinct().Column("origin").Where("listener = ?", listener).Scan(ctx, &origins)
	return origins, db.Fault(err, "read the places of %s", listener)
}

// places returns the positions of a listener by topic, 0 for topics new to it.
func places(ctx context.Context, q bun.IDB, listener, origin string) (map[string]int64, error) {
	var rows []place
	err := q.NewSelect().Model(&rows).Where("listener = ? AND origin = ?", listener, origin).Scan(ctx)
	if err != nil {
		return nil, db.Fault(err, "read the place of %s", listener)
	}
	out := make(map[string]int64, len(rows))
	for _, r := range rows {
		out[r.Topic] = r.Position
	}
	return out, nil
}

// move sets the place of a listener to p for all the topics, never back.
func move(ctx context.Context, q bun.IDB, p place, topics []string) error {
	rows := make([]place, len(topics))
	for i, topic := range topics {
		rows[i] = p
		rows[i].Topic = topic
	}
	_, err := q.NewInsert().Model(&rows).On("CONFLICT (listener, origin, topic) DO UPDATE").
		Set("position = EXCLUDED.position").Where("bus_inbox.position < EXCLUDED.position").Exec(ctx)
	return db.Fault(err, "move the place of %s", p.Listener)
}

func insertLetter(ctx context.Context, q bun.IDB, l *DeadLetter) error {
	_, err := q.NewInsert().Model(l).Exec(ctx)
	return db.Fault(err, "keep a dead letter of %s", l.Listener)
}

func updateLetter(ctx context.Context, q bun.IDB, l *DeadLetter) error {
	_, err := q.NewUpdate().Model(l).Column("error", "attempts").WherePK().Exec(ctx)
	return db.Fault(err, "update dead letter %s", l.ID)
}

func letter(ctx context.Context, q bun.IDB, id string) (l DeadLetter, err error) {
	err = q.NewSelect().Model(&l).Where("id = ?", id).Scan(ctx)
	return l, db.Fault(err, "dead letter %s", id)
}

func listLetters(ctx context.Context, q bun.IDB, p page.Query) (page.Of[DeadLetter], error) {
	columns := db.Columns{"id": "id", "created_at": "created_at", "listener": "listener", "topic": "topic"}
	return db.List(ctx, q.NewSelect().Model((*DeadLetter)(nil)), p, columns, func(l DeadLetter) string { return l.ID })
}

func lettersIn(ctx context.Context, q bun.IDB) (int, error) {
	n, err := q.NewSelect().Model((*DeadLetter)(nil)).Count(ctx)
	return int(n), db.Fault(err, "count dead letters")
}

// deleteLetter is fault.NotFound when the letter is gone already.
func deleteLetter(ctx context.Context, q bun.IDB, id string) error {
	res, err := q.NewDelete().Model((*DeadLetter)(nil)).Where("id = ?", id).Exec(ctx)
	if err != nil {
		return db.Fault(err, "discard dead letter %s", id)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fault.NotFound.Errorf("dead letter %s: %w", id, errors.Join(err, errGone))
	}
	return nil
}

var errGone = errors.New("it was replayed or discarded")
