// Package operator is the desk of whoever runs a cloud: what went wrong for good
// and waits for a person, and what that person may do about it.
//
// Runs of flows that are stuck at an undo, or at a step of a deletion, are
// listed, tried again at once, or taken past the step. Events that a listener
// gave up, dead letters, are listed, replayed or discarded. A Desk sees what is
// in the database of its process; each process that has one lists Module.
//
// Administrators call it over HTTP below /operator, programs that embed a cloud
// call a Desk. Both are checked, and everything done here is logged with who did
// it. What there is to do shows in the metrics nacre_flow_stuck_runs and
// nacre_bus_dead_letters.
package operator

import (
	"context"
	"log/slog"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/page"
)

// Actions, and who may do them unless the operator says otherwise.
var _ = identity.Define(identity.Rules{
	"operator:run:list":       identity.Admin,
	"operator:run:retry":      identity.Admin,
	"operator:run:skip":       identity.Admin,
	"operator:letter:list":    identity.Admin,
	"operator:letter:replay":  identity.Admin,
	"operator:letter:discard": identity.Admin,
})

// A Desk acts on the flows and the events of one database. It is safe for concurrent use.
type Desk struct {
	flows *flow.Engine
	bus   *bus.Bus
	log   *slog.Logger
}

// New returns the desk of a process.
func New(p Params) *Desk {
	d := &Desk{flows: p.Flows, bus: p.Bus, log: p.Log}
	if d.log == nil {
		d.log = slog.Default()
	}
	return d
}

// StuckRuns lists the runs whose current step, or its undo, keeps failing. It
// sorts by id and created_at.
func (d *Desk) StuckRuns(ctx context.Context, q page.Query) (page.Of[flow.Run], error) {
	if err := identity.Allow(ctx, "operator:run:list", nil); err != nil {
		return page.Of[flow.Run]{}, err
	}
	return d.flows.Stuck(ctx, q)
}

// RetryRun makes a waiting run due now; in another process it is seen within a
// minute. A run that has ended is fault.NotFound, one that is being worked on
// fault.Conflict.
func (d *Desk) RetryRun(ctx context.Context, id string) error {
	if err := identity.Allow(ctx, "operator:run:retry", nil); err != nil {
		return err
	}
	return d.note(ctx, "run retried", id, d.flows.Retry(ctx, id))
}

// SkipStep takes the step that a run is stuck at for done, or undone. What it
// would have removed is left to the operator. A run that is not stuck is
// fault.Conflict, one of a flow of another process fault.Unavailable.
func (d *Desk) SkipStep(ctx context.Context, run string) error {
	if err := identity.Allow(ctx, "operator:run:skip", nil); err != nil {
		return err
	}
	return d.note(ctx, "step skipped", run, d.flows.Skip(ctx, run))
}

// DeadLetters lists the events that listeners gave up. It sorts by id,
// created_at, listener and topic.
func (d *Desk) DeadLetters(ctx context.Context, q page.Query) (page.Of[bus.DeadLetter], error) {
	if err := identity.Allow(ctx, "operator:letter:list", nil); err != nil {
		return page.Of[bus.DeadLetter]{}, err
	}
	return d.bus.DeadLetters(ctx, q)
}

// ReplayLetter hands a dead letter to its listener again and removes it. When
// the listener fails, the letter stays and its failure is returned; a listener of
// another process is fault.Unavailable.
func (d *Desk) ReplayLetter(ctx context.Context, id string) error {
	if err := identity.Allow(ctx, "operator:letter:replay", nil); err != nil {
		return err
	}
	return d.note(ctx, "dead letter replayed", id, d.bus.Replay(ctx, id))
}

// DiscardLetter removes a dead letter that nobody will handle.
func (d *Desk) DiscardLetter(ctx context.Context, id string) error {
	if err := identity.Allow(ctx, "operator:letter:discard", nil); err != nil {
		return err
	}
	return d.note(ctx, "dead letter discarded", id, d.bus.Discard(ctx, id))
}

// note logs what an operator did, and passes on the error of what failed.
func (d *Desk) note(ctx context.Context, what, id string, err error) error {
	if err == nil {
		d.log.InfoContext(ctx, "operator: "+what, "id", id, "user", identity.CallerOf(ctx).UserID)
	}
	return err
}
