package flow

import (
	"context"
	"encoding/json"
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Start records a run of f about subject, over state s, and returns its id. The
// run begins when tx commits, and carries the baggage and the trace of ctx. A
// subject that has an open run is fault.Conflict.
func Start[S any](ctx context.Context, tx *db.Tx, f *Flow[S], subject string, s S) (string, error) {
	r, err := f.run(ctx, subject, s, Running)
	if err != nil {
		return "", err
	}
	leased := f.engine != nil && f.engine.accepting()
	if leased {
		f.engine.lease(r)
	}
	if err := insert(ctx, tx, r); err != nil {
		if db.IsDuplicate(err) {
			return "", fault.Conflict.Errorf("%s has an operation in progress", subject)
		}
		return "", err
	}
	if leased {
		tx.AfterCommit(func() { f.engine.take(r) })
	}
	return r.ID, nil
}

// Replace cancels the open run about subject, if there is one, and starts f once
// that has turned around. It is how a deletion is legal in every state. A run of
// the same flow that waits already, or that cannot be cancelled (see Sure), is
// kept; one of another flow is fault.Conflict.
func Replace[S any](ctx context.Context, tx *db.Tx, f *Flow[S], subject string, s S) (string, error) {
	open, err := openRun(ctx, tx, subject)
	if open == nil && err == nil {
		// Waiting for a run that ended just now hides the one that it let begin.
		open, err = openRun(ctx, tx, subject)
	}
	if err != nil {
		return "", err
	}
	if open == nil {
		return Start(ctx, tx, f, subject, s)
	}
	if open.Flow == f.name && f.sure {
		return open.ID, nil
	}
	if err := cancelRun(ctx, tx, f.engine, open); err != nil {
		return "", err
	}
	queued, err := queuedRun(ctx, tx, subject)
	if err != nil {
		return "", err
	}
	if queued != nil {
		if queued.Flow != f.name {
			return "", fault.Conflict.Errorf("%s has another operation waiting", subject)
		}
		return queued.ID, nil
	}
	r, err := f.run(ctx, subject, s, Queued)
	if err != nil {
		return "", err
	}
	return r.ID, insert(ctx, tx, r)
}

// Cancel asks the open run about subject to turn around at its next step. No
// open run is fault.NotFound, one that cannot be cancelled fault.Conflict.
func (e *Engine) Cancel(ctx context.Context, tx *db.Tx, subject string) error {
	open, err := openRun(ctx, tx, subject)
	if err != nil {
		return err
	}
	if open == nil {
		return fault.NotFound.Errorf("%s has no operation in progress", subject)
	}
	return cancelRun(ctx, tx, e, open)
}

func cancelRun(ctx context.Context, tx *db.Tx, e *Engine, r *Run) error {
	if e != nil {
		if d := e.flow(r.Flow); d != nil && d.IsSure() {
			return fault.Conflict.Errorf("%s: %s cannot be cancelled", r.Subject, r.Flow)
		}
		tx.AfterCommit(e.poke)
	}
	return markCancelled(ctx, tx, r)
}

func (f *Flow[S]) run(ctx context.Context, subject string, s S, status Status) (*Run, error) {
	if len(f.steps) == 0 {
		return nil, fault.Internal.Errorf("flow %s has no steps", f.name)
	}
	state, err := json.Marshal(s)
	if err != nil {
		return nil, fault.Internal.Wrap(err, "flow %s: encode the state", f.name)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fault.Internal.Wrap(err, "flow %s: make an id", f.name)
	}
	now := time.Now()
	if f.engine != nil {
		now = f.engine.now()
	}
	return &Run{
		ID: id.String(), Flow: f.name, Subject: subject, Status: status, Step: f.steps[f.first(&s)].name,
		State: string(state), Baggage: bus.Outgoing(ctx),
		StepAt: now.UnixMicro(), DueAt: now.UnixMicro(), CreatedAt: now.UTC(),
	}, nil
}

// Progress is what can be seen of an open run.
type Progress struct {
	Flow    string
	Subject string
	Step    string
	Undoing bool
}

// Open returns the open runs about subjects, or about all, by subject. Those without
// one are absent. Read it before the rows that the runs change: a row read later is
// at least as new as what it says, while one read earlier may look finished and old.
func Open(ctx context.Context, idb bun.IDB, subjects ...string) (map[string]Progress, error) {
	return openProgress(ctx, idb, subjects)
}

// Wait returns when the run with this id has ended: nil when every step was done,
// the cause when they were undone.
func (e *Engine) Wait(ctx context.Context, id string) error {
	const most = 50 * time.Millisecond
	for pause := time.Millisecond; ; pause = min(2*pause, most) {
		r, err := one(ctx, e.db.Read().NewSelect().Where("id = ?", id))
		switch {
		case err != nil:
			return err
		case r == nil:
			return fault.NotFound.Errorf("run %s", id)
		case r.Status == Done:
			return nil
		case r.Status == Undone:
			return r.cause()
		}
		select {
		case <-ctx.Done():
			return fault.Unavailable.Errorf("%s: %s is still at %s", r.Subject, r.Flow, r.Step)
		case <-time.After(pause):
		}
	}
}
