// Package flow runs operations of many steps that survive a crash.
//
// A flow is a list of steps over one state. Each step does one thing and knows
// how to undo it. A run is one row: the engine saves it after every step; after
// a crash any engine on the same database continues it from the last saved
// step; when a step fails for good, it and the steps before it are undone in
// reverse. A step may run more than once, so both do and undo must be
// idempotent: ids are made before the first step and live in the state.
//
// An action says how it went with the kind of its error. fault.Unavailable
// means "not yet" and is tried again with growing pauses until the step's time
// limit. Back asks to undo down to an earlier step and go forward again. Any
// other error unwinds the run. An undo is never given up: it is tried again for
// ever, is listed as stuck, and an operator may retry or skip it. So is a step
// of a flow that only goes forward (Sure).
//
// Domains own flows and start them in the transaction that inserts or changes
// their row; nobody else calls this package. At most one run is open per
// subject, so "is something happening to this server" has one answer: Open.
package flow

import (
	"context"
	"embed"
	"encoding/json"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables of this package. Every database that flows are started in needs them.
var Migrations = db.Migrations{Domain: "flow", Files: files}

// Defaults of a flow and of its steps.
const (
	DefaultLimit = 5 * time.Minute // how long one step may take, retries included
	DefaultBacks = 3               // how often a run may go back
)

// An Action is what a step does, or how it is undone. Changes to s are saved
// whether or not it fails.
type Action[S any] func(ctx context.Context, s *S) error

// A Record is an action that only writes rows of the database the run lives in.
// It commits together with the run's progress, so it happens exactly once.
type Record[S any] func(ctx context.Context, tx *db.Tx, s *S) error

// A Flow is a named list of steps over a state S. Build it once, register it, share it.
type Flow[S any] struct {
	name   string
	steps  []step[S]
	sure   bool
	around Around
	engine *Engine
}

type step[S any] struct {
	name     string
	limit    time.Duration
	when     func(s *S) bool
	do, undo Action[S]
	rec, unr Record[S]
}

// New returns a flow without steps. Names are stable: they are stored in runs.
func New[S any](name string) *Flow[S] { return &Flow[S]{name: name} }

// Step appends a step with effects outside the database. A nil undo has nothing to
// take back, and a run passes it without a save, as it does a nil do.
func (f *Flow[S]) Step(name string, do, undo Action[S]) *Flow[S] {
	f.steps = append(f.steps, step[S]{name: name, limit: DefaultLimit, do: do, undo: undo})
	return f
}

// Record appends a step that only writes rows. Either action may be nil.
func (f *Flow[S]) Record(name string, do, undo Record[S]) *Flow[S] {
	f.steps = append(f.steps, step[S]{name: name, limit: DefaultLimit, rec: do, unr: undo})
	return f
}

// Within changes the time limit of the step appended last.
func (f *Flow[S]) Within(limit time.Duration) *Flow[S] {
	f.steps[len(f.steps)-1].limit = limit
	return f
}

// When makes the step appended last one that only some runs need; the others pass
// it without a save. What needed says of a run must not change while it is open.
func (f *Flow[S]) When(needed func(s *S) bool) *Flow[S] {
	f.steps[len(f.steps)-1].when = needed
	return f
}

// Sure marks a flow that only goes forward, such as a deletion: it cannot be
// cancelled, and a step that fails is tried again for ever, like an undo.
func (f *Flow[S]) Sure() *Flow[S] {
	f.sure = true
	return f
}

// A Point is a place in a flow where Around is called.
type Point struct {
	Flow, Step string
	Undo       bool
	Record     bool // inside a transaction
}

// Around wraps every action of a flow. It calls next once, never, or twice.
type Around func(ctx context.Context, p Point, next func(context.Context) error) error

// Around returns a copy of f, not yet registered, whose actions run inside w.
func (f *Flow[S]) Around(w Around) *Flow[S] {
	c := *f
	c.around, c.engine = w, nil
	return &c
}

// IsSure reports whether f only goes forward.
func (f *Flow[S]) IsSure() bool { return f.sure }

// Named returns a copy of f, not yet registered, with another name: engines that
// know f leave its runs alone.
func (f *Flow[S]) Named(name string) *Flow[S] {
	c := *f
	c.name, c.engine = name, nil
	return &c
}

// Name returns the name of f.
func (f *Flow[S]) Name() string { return f.name }

// Steps returns the names of the steps of f, in order.
func (f *Flow[S]) Steps() []string {
	names := make([]string, len(f.steps))
	for i, s := range f.steps {
		names[i] = s.name
	}
	return names
}

// definition is a Flow with its state type erased.
type definition interface {
	Name() string
	Steps() []string
	limit(i int) time.Duration
	IsSure() bool
	needed(i int, state any, undo bool) bool
	decode(state string) (any, error)
	act(ctx context.Context, at Point, i int, state any) error
	record(at Point, i int) func(ctx context.Context, tx *db.Tx, state any) error
}

func (f *Flow[S]) limit(i int) time.Duration { return f.steps[i].limit }

// needed reports whether a run has something to do, or to undo, at step i.
func (f *Flow[S]) needed(i int, state any, undo bool) bool {
	st := &f.steps[i]
	if undo && st.undo == nil && st.unr == nil || !undo && st.do == nil && st.rec == nil {
		return false
	}
	return st.when == nil || st.when(state.(*S))
}

// first returns the step that a run begins with.
func (f *Flow[S]) first(s *S) int {
	for i := range f.steps {
		if f.needed(i, s, false) {
			return i
		}
	}
	return 0
}

func (f *Flow[S]) decode(state string) (any, error) {
	s := new(S)
	return s, json.Unmarshal([]byte(state), s)
}

func (f *Flow[S]) act(ctx context.Context, at Point, i int, state any) error {
	action := f.steps[i].do
	if at.Undo {
		action = f.steps[i].undo
	}
	return f.wrapped(ctx, at, func(ctx context.Context) error {
		if action == nil {
			return nil
		}
		return action(ctx, state.(*S))
	})
}

// record returns the action of a step that only writes rows, or nil.
func (f *Flow[S]) record(at Point, i int) func(context.Context, *db.Tx, any) error {
	action := f.steps[i].rec
	if at.Undo {
		action = f.steps[i].unr
	}
	if action == nil {
		return nil
	}
	at.Record = true
	return func(ctx context.Context, tx *db.Tx, state any) error {
		return f.wrapped(ctx, at, func(ctx context.Context) error { return action(ctx, tx, state.(*S)) })
	}
}

func (f *Flow[S]) wrapped(ctx context.Context, at Point, next func(context.Context) error) error {
	if f.around == nil {
		return next(ctx)
	}
	return f.around(ctx, at, next)
}

// Back makes an action's run undo down to the step called to and go forward
// again from there. After DefaultBacks times the run unwinds with cause instead.
func Back(to string, cause error) error { return &backward{to, cause} }

type backward struct {
	to    string
	cause error
}

func (b *backward) Error() string { return b.cause.Error() }
func (b *backward) Unwrap() error { return b.cause }

// ErrCancelled is the cause of a run that was turned around on request.
var ErrCancelled = fault.Conflict.Reason("flow.cancelled")

type causeKey struct{}

// Cause returns, inside an undo, why the run unwinds: ErrCancelled or the fault
// of the step that failed.
func Cause(ctx context.Context) error {
	err, _ := ctx.Value(causeKey{}).(error)
	return err
}
