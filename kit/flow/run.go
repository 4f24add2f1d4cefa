package flow

import (
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Status says where a run is.
type Status string

// Statuses.
const (
	Queued  Status = "queued"  // waits for the subject's open run to turn around
	Running Status = "running" // goes forward; Step is the next one to do
	Undoing Status = "undoing" // goes back; Step is the next one to undo
	Done    Status = "done"    // every step was done
	Undone  Status = "undone"  // every step was undone
)

// A Run is one execution of a flow, as stored.
type Run struct {
	bun.BaseModel `bun:"table:flow_runs,alias:run"`

	ID        string `bun:",pk"`
	Flow      string
	Subject   string // what the run is about, such as "server/<id>"
	Status    Status
	Step      string
	State     string            // JSON
	Baggage   map[string]string `bun:"type:text"`
	Cancelled bool
	BackTo    string // while undoing: the step to go forward from again
	Backs     int
	Attempts  int // failures of the current step in a row
	Kind      fault.Kind
	Reason    string
	Message   string // why the run unwinds, or what the current step waits for
	Error     string // what the current action said when it failed last
	StepAt    int64  // when the current step was first tried, in microseconds
	DueAt     int64  // no engine but the owner may claim the run before this
	Owner     string // the engine that holds the run
	Fence     int64  // counts claims; a save with an old fence is refused
	CreatedAt time.Time
	EndedAt   time.Time `bun:",nullzero"`
}

// Open reports whether the run has not ended.
func (r *Run) Open() bool { return r.Status == Running || r.Status == Undoing }

// Stuck reports whether the current action has failed so often that an operator
// should look.
func (r *Run) Stuck() bool { return r.Attempts >= stuckAfter }

const stuckAfter = 5

// cause returns why the run unwinds.
func (r *Run) cause() error {
	if r.Cancelled && r.Message == "" {
		return ErrCancelled.Errorf("cancelled")
	}
	if r.Reason != "" {
		return r.Kind.Reason(r.Reason).Errorf("%s", r.Message)
	}
	return r.Kind.Errorf("%s", r.Message)
}

func (r *Run) blame(err error) {
	reason := fault.ReasonOf(err)
	r.Kind, r.Reason, r.Message = reason.Kind, reason.Name, err.Error()
}

func (r *Run) clear() { r.Kind, r.Reason, r.Message = "", "", "" }

// advance moves r on from p, where its action returned err. It returns how long the
// run has to wait before its next action.
func (r *Run) advance(p place, now time.Time, err error) time.Duration {
	switch {
	case r.Status == Running && err != nil:
		return r.failed(p, now, err)
	case err != nil:
		return r.wait(err)
	case r.Status == Running:
		r.clear()
		r.goOn(p, +1, now)
	case r.BackTo == r.Step && !r.Cancelled:
		r.Status, r.BackTo, r.Backs = Running, "", r.Backs+1
		r.clear()
		r.enter(r.Step, now)
	default:
		r.goOn(p, -1, now)
	}
	return 0
}

// goOn enters the next step that the run needs, in one direction, or ends it.
func (r *Run) goOn(p place, direction int, now time.Time) {
	steps := p.Steps()
	for i := p.i + direction; i >= 0 && i < len(steps); i += direction {
		if p.needed(i, p.state, direction < 0) || direction < 0 && steps[i] == r.BackTo {
			r.enter(steps[i], now)
			return
		}
	}
	if direction > 0 {
		r.end(Done, now)
	} else {
		r.end(Undone, now)
	}
}

func (r *Run) failed(p place, now time.Time, err error) time.Duration {
	r.blame(err)
	var back *backward
	late := now.Sub(time.UnixMicro(r.StepAt)) >= p.limit(p.i)
	switch {
	case p.IsSure(), fault.Of(err) == fault.Unavailable && !late:
		return r.wait(err)
	case errors.As(err, &back) && r.Backs < DefaultBacks:
		r.turn(back.to, now)
	default:
		r.turn("", now)
	}
	return 0
}

// turn makes the run go back, beginning with the step it is at: that may have
// happened in part.
func (r *Run) turn(to string, now time.Time) {
	r.Status, r.BackTo = Undoing, to
	r.enter(r.Step, now)
}

func (r *Run) enter(step string, now time.Time) {
	r.Step, r.StepAt, r.Attempts, r.Error = step, now.UnixMicro(), 0, ""
}

func (r *Run) end(s Status, now time.Time) {
	r.Status, r.EndedAt, r.Attempts, r.Error = s, now.UTC(), 0, ""
}

// wait notes a failure and returns the pause before the next try.
func (r *Run) wait(err error) time.Duration {
	r.Attempts, r.Error = r.Attempts+1, err.Error()
	return min(50*time.Millisecond<<min(r.Attempts, 12), time.Minute)
}
