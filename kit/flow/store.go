package flow

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

const isOpen = "status IN ('running', 'undoing')"

func insert(ctx context.Context, tx bun.IDB, r *Run) error {
	_, err := tx.NewInsert().Model(r).Exec(ctx)
	return db.Fault(err, "start flow %s", r.Flow)
}

func openRun(ctx context.Context, tx bun.IDB, subject string) (*Run, error) {
	q := tx.NewSelect().Where("subject = ?", subject).Where(isOpen)
	if tx.Dialect().Name() == dialect.PG {
		q = q.For("UPDATE") // or the run may end before it is cancelled
	}
	return one(ctx, q)
}

func queuedRun(ctx context.Context, tx bun.IDB, subject string) (*Run, error) {
	return one(ctx, tx.NewSelect().Where("subject = ? AND status = ?", subject, Queued))
}

func one(ctx context.Context, q *bun.SelectQuery) (*Run, error) {
	r := new(Run)
	err := q.Model(r).Limit(1).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return r, db.Fault(err, "read a run")
}

// markCancelled also wakes a run that waits, for no engine holds it.
func markCancelled(ctx context.Context, tx bun.IDB, r *Run) error {
	_, err := tx.NewUpdate().Model(r).WherePK().Set("cancelled = ?", true).
		Set("due_at = CASE WHEN owner = '' THEN 0 ELSE due_at END").Exec(ctx)
	return db.Fault(err, "cancel run %s", r.ID)
}

func openProgress(ctx context.Context, idb bun.IDB, subjects []string) (map[string]Progress, error) {
	q := idb.NewSelect().Model((*Run)(nil)).Column("flow", "subject", "step", "status").Where(isOpen)
	const few = 16 // beyond that, reading the small index of open runs whole is cheaper
	if len(subjects) > 0 && len(subjects) <= few {
		q = q.Where("subject IN (?)", bun.List(subjects))
	}
	var runs []Run
	if err := q.Scan(ctx, &runs); err != nil {
		return nil, db.Fault(err, "read open runs")
	}
	out := make(map[string]Progress, len(runs))
	for _, r := range runs {
		out[r.Subject] = Progress{r.Flow, r.Subject, r.Step, r.Status == Undoing}
	}
	return out, nil
}

// claim takes the lease of up to n due runs of the flows that e knows.
func (e *Engine) claim(ctx context.Context, n int) ([]*Run, error) {
	now := e.now()
	due := e.db.Read().NewSelect().Model((*Run)(nil)).Column("id").
		Where(isOpen).Where("due_at <= ?", now.UnixMicro()).Where("flow IN (?)", bun.List(e.names())).
		Order("due_at").Limit(int64(n))
	if e.db.Read().Dialect().Name() == dialect.PG {
		due = due.For("UPDATE SKIP LOCKED")
	}
	var runs []*Run
	err := e.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return tx.NewUpdate().Model(&runs).
			Set("owner = ?", e.name).Set("due_at = ?", now.Add(e.leaseTime).UnixMicro()).Set("fence = fence + 1").
			Where("id IN (?)", due).Where(isOpen).Where("due_at <= ?", now.UnixMicro()).
			Returning("*").Scan(ctx)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return runs, db.Fault(err, "claim runs")
}

// errLeaseLost: another engine has claimed the run since.
var errLeaseLost = fault.Conflict.Reason("flow.lease-lost")

// save stores r where its fence is still the newest, and learns whether somebody
// has asked to cancel it. A run that ends lets the queued one begin.
func save(ctx context.Context, tx bun.IDB, r *Run) error {
	var cancelled bool
	err := tx.NewUpdate().Model(r).WherePK().Where("fence = ?", r.Fence).
		Column("status", "step", "state", "back_to", "backs", "attempts", "kind", "reason", "message", "error",
			"step_at", "due_at", "owner", "ended_at").
		Returning("cancelled").Scan(ctx, &cancelled)
	if errors.Is(err, sql.ErrNoRows) {
		return errLeaseLost.Errorf("run %s: another engine has taken it", r.ID)
	}
	if err != nil {
		return db.Fault(err, "save run %s", r.ID)
	}
	r.Cancelled = cancelled
	if r.Open() || !cancelled {
		return nil
	}
	_, err = tx.NewUpdate().Model((*Run)(nil)).Set("status = ?", Running).
		Where("subject = ? AND status = ?", r.Subject, Queued).Exec(ctx)
	return db.Fault(err, "begin the queued run of %s", r.Subject)
}

// renew keeps every lease of e that has not run out, but those of abandoned runs.
func (e *Engine) renew(ctx context.Context) error {
	now := e.now()
	return e.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		q := tx.NewUpdate().Model((*Run)(nil)).Set("due_at = ?", now.Add(e.leaseTime).UnixMicro()).
			Where("owner = ? AND due_at > ?", e.name, now.UnixMicro()).Where(isOpen)
		if lost := e.runningOut(); len(lost) > 0 {
			q = q.Where("id NOT IN (?)", bun.List(lost))
		}
		_, err := q.Exec(ctx)
		return db.Fault(err, "renew leases")
	})
}

// nextDue returns when the next run that e knows becomes due, or false.
func (e *Engine) nextDue(ctx context.Context) (time.Time, bool, error) {
	var at sql.NullInt64
	err := e.db.Read().NewSelect().Model((*Run)(nil)).ColumnExpr("MIN(due_at)").
		Where(isOpen).Where("flow IN (?)", bun.List(e.names())).Scan(ctx, &at)
	return time.UnixMicro(at.Int64), at.Valid, db.Fault(err, "find the next due run")
}

func (e *Engine) prune(ctx context.Context, before time.Time) error {
	return e.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.NewDelete().Model((*Run)(nil)).Where("ended_at < ?", before.UTC()).Exec(ctx)
		return db.Fault(err, "prune ended runs")
	})
}

var runColumns = db.Columns{"id": "id", "created_at": "created_at"}

// Stuck lists the open runs whose current action keeps failing.
func (e *Engine) Stuck(ctx context.Context, q page.Query) (page.Of[Run], error) {
	query := e.db.Read().NewSelect().Model((*Run)(nil)).Where(isOpen).Where("attempts >= ?", stuckAfter)
	return db.List(ctx, query, q, runColumns, func(r Run) string { return r.ID })
}

// Retry makes a waiting run due now. A run that is not open is fault.NotFound.
func (e *Engine) Retry(ctx context.Context, id string) error {
	return e.operate(ctx, id, func(*Run) error { return nil })
}

// Skip takes the action that a run is stuck at for done: an undo, or a step of a
// flow that only goes forward. What it would have removed is left to the
// operator. A run that is not stuck so is fault.Conflict; one of a flow that is
// not of this program is fault.Unavailable.
func (e *Engine) Skip(ctx context.Context, id string) error {
	return e.operate(ctx, id, func(r *Run) error {
		d := e.flow(r.Flow)
		switch {
		case d == nil || index(d.Steps(), r.Step) < 0:
			return fault.Unavailable.Errorf("run %s cannot be skipped here: this program knows no step %s of %s; ask the one that does", id, r.Step, r.Flow)
		case !r.Stuck():
			return fault.Conflict.Errorf("run %s is not stuck: its step %s failed %d times, %d are needed", id, r.Step, r.Attempts, stuckAfter)
		case r.Status == Running && !d.IsSure():
			return fault.Conflict.Errorf("run %s is still going forward: it undoes what it did at the time limit of %s, or when it is cancelled", id, r.Step)
		}
		state, err := d.decode(r.State)
		if err != nil {
			return fault.Internal.Wrap(err, "state of run %s", id)
		}
		r.advance(place{d, index(d.Steps(), r.Step), state}, e.now(), nil)
		return nil
	})
}

func (e *Engine) operate(ctx context.Context, id string, change func(*Run) error) error {
	err := e.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		r := &Run{ID: id}
		if err := tx.NewSelect().Model(r).WherePK().Where(isOpen).Scan(ctx); err != nil {
			return db.Fault(err, "open run %s", id)
		}
		if r.Owner != "" {
			return fault.Conflict.Errorf("run %s is being worked on", id)
		}
		if err := change(r); err != nil {
			return err
		}
		r.DueAt = e.now().UnixMicro()
		return save(ctx, tx, r)
	})
	e.poke()
	return err
}
