package flow

import (
	"context"
	"encoding/json"
	"errors"
	"runtime/debug"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// work advances r, whose lease e holds, until it ends or must wait.
func (e *Engine) work(ctx context.Context, r *Run) {
	d := e.flow(r.Flow)
	state, err := d.decode(r.State)
	if err != nil {
		e.park(ctx, r, fault.Internal.Errorf("state of %s cannot be read: %w", r.Flow, err))
		return
	}
	base := bus.Incoming(ctx, r.Baggage)
	for r.Open() {
		steps := d.Steps()
		i := index(steps, r.Step)
		if i < 0 {
			e.park(ctx, r, fault.Internal.Errorf("%s has no step %q: the run was begun by another version of this program", r.Flow, r.Step))
			return
		}
		if r.Cancelled && r.Status == Running && !d.IsSure() {
			r.clear()
			r.turn("", e.now())
		}
		again, err := e.step(base, r, place{d, i, state})
		if err != nil {
			if !errors.Is(err, errLeaseLost) {
				e.log.ErrorContext(base, "flow run cannot be saved", "flow", r.Flow, "subject", r.Subject, "error", err)
				e.abandon(r)
			}
			return // the lease runs out and some engine goes on
		}
		if !again {
			return
		}
	}
}

// A place is where a run is: at the step i of its flow, with its state decoded.
type place struct {
	definition
	i     int
	state any
}

// step runs one action of r and saves what came of it. It reports whether the
// run may go on at once.
func (e *Engine) step(ctx context.Context, r *Run, p place) (bool, error) {
	at := Point{Flow: r.Flow, Step: r.Step, Undo: r.Status == Undoing}
	began := e.now()
	if r.Attempts == 0 {
		r.StepAt = began.UnixMicro()
	}
	ctx, span := e.tracer.Start(ctx, at.Flow+" "+at.Step)
	span.SetAttributes(attribute.String("subject", r.Subject), attribute.Bool("undo", at.Undo), attribute.Int("attempt", r.Attempts))
	defer span.End()
	if at.Undo {
		ctx = context.WithValue(ctx, causeKey{}, r.cause())
	}
	if record := p.record(at, p.i); record != nil {
		return e.recordStep(ctx, r, p, record)
	}
	limited, cancel := context.WithTimeout(ctx, p.limit(p.i))
	err := guard(func() error { return p.act(limited, at, p.i, p.state) })
	if err != nil && limited.Err() != nil {
		err = fault.Unavailable.Errorf("interrupted: %w", err)
	}
	cancel()
	return e.settle(ctx, r, p, attempt{at, began, err})
}

// recordStep runs an action that only writes rows, and saves the run with them.
// When it is the commit that fails, nobody knows whether it took place: its answer
// may be what was lost. Then nothing is saved over it; an engine reads, once the
// lease has run out, what is true.
func (e *Engine) recordStep(ctx context.Context, r *Run, p place, record func(context.Context, *db.Tx, any) error) (bool, error) {
	a := attempt{Point{Flow: r.Flow, Step: r.Step, Undo: r.Status == Undoing}, e.now(), nil}
	next := *r
	err := e.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if a.err = guard(func() error { return record(ctx, tx, p.state) }); a.err != nil {
			return a.err
		}
		return e.store(ctx, tx, &next, p.state, next.advance(p, e.now(), nil))
	})
	if err == nil || errors.Is(err, errLeaseLost) {
		e.observe(ctx, r, &next, a)
		*r = next
		return err == nil, err
	}
	if a.err == nil {
		return false, err
	}
	if ctx.Err() != nil {
		a.err = fault.Unavailable.Errorf("interrupted: %w", a.err)
	}
	return e.settle(ctx, r, p, a)
}

// settle saves what came of an attempt. It reports whether the run may go on at once.
func (e *Engine) settle(ctx context.Context, r *Run, p place, a attempt) (bool, error) {
	if a.err != nil {
		trace.SpanFromContext(ctx).SetStatus(codes.Error, a.err.Error())
	}
	next := *r
	pause := next.advance(p, e.now(), a.err)
	// The effect has happened: a stop must not lose it.
	saved := e.db.Tx(context.WithoutCancel(ctx), func(ctx context.Context, tx *db.Tx) error {
		return e.store(ctx, tx, &next, p.state, pause)
	})
	e.observe(ctx, r, &next, a)
	*r = next
	return pause == 0 && ctx.Err() == nil, saved
}

// store saves r: held while it goes on, free once it waits or has ended.
func (e *Engine) store(ctx context.Context, tx *db.Tx, r *Run, state any, pause time.Duration) error {
	raw, err := json.Marshal(state)
	if err != nil {
		return fault.Internal.Wrap(err, "flow %s: encode the state", r.Flow)
	}
	r.State = string(raw)
	r.Owner, r.DueAt = e.name, e.now().Add(e.leaseTime).UnixMicro()
	if pause > 0 || !r.Open() || e.stopping() {
		r.Owner, r.DueAt = "", e.now().Add(pause).UnixMicro()
	}
	if err := save(ctx, tx, r); err != nil {
		return err
	}
	if waits := pause > 0; waits || r.Cancelled && !r.Open() {
		tx.AfterCommit(e.poke)
	}
	return nil
}

// release frees a run that was leased but not begun.
func (e *Engine) release(ctx context.Context, r *Run) {
	r.Owner, r.DueAt = "", e.now().UnixMicro()
	if err := e.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return save(ctx, tx, r) }); err != nil {
		e.log.WarnContext(ctx, "flow run stays leased until its lease ends", "flow", r.Flow, "subject", r.Subject, "error", err)
	}
}

// park puts a run aside that this program cannot work on; others may.
func (e *Engine) park(ctx context.Context, r *Run, err error) {
	e.log.ErrorContext(ctx, "flow run cannot be worked on", "flow", r.Flow, "subject", r.Subject, "run", r.ID, "error", err)
	r.Attempts, r.Error = r.Attempts+1, err.Error()
	r.Owner, r.DueAt = "", e.now().Add(time.Minute).UnixMicro()
	err = e.db.Tx(context.WithoutCancel(ctx), func(ctx context.Context, tx *db.Tx) error { return save(ctx, tx, r) })
	if err != nil {
		e.log.ErrorContext(ctx, "flow run cannot be saved", "flow", r.Flow, "subject", r.Subject, "error", err)
		e.abandon(r)
	}
}

// An attempt is one try at an action and what came of it.
type attempt struct {
	at    Point
	began time.Time
	err   error
}

func (e *Engine) observe(ctx context.Context, before, after *Run, a attempt) {
	at, err := a.at, a.err
	e.metrics.step(at, e.now().Sub(a.began), err)
	switch {
	case !after.Open():
		e.metrics.ended(after)
		e.log.DebugContext(ctx, "flow ended", "flow", at.Flow, "subject", after.Subject, "status", after.Status, "cause", after.Message)
	case before.Status == Running && after.Status == Undoing:
		e.log.WarnContext(ctx, "flow turns around", "flow", at.Flow, "step", at.Step, "subject", after.Subject, "cause", after.cause())
	case err != nil && after.Attempts%stuckAfter == 0:
		e.log.WarnContext(ctx, "flow step keeps failing", "flow", at.Flow, "step", at.Step, "undo", at.Undo,
			"subject", after.Subject, "attempts", after.Attempts, "error", err)
	}
}

// guard turns a panic of an action into a fault, so that one bad run does not
// end the process.
func guard(action func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fault.Internal.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return action()
}

func index(steps []string, name string) int { return slices.Index(steps, name) }
