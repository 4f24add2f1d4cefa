package flow

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Config tunes an Engine. Its zero value is right for most.
type Config struct {
	Workers   int                  // runs advanced at once; 0 means 64
	Lease     time.Duration        // how long a crashed engine holds its runs; 0 means 30 s
	Retention time.Duration        // how long ended runs are kept; 0 means a day
	Now       func() time.Time     // for tests; nil means time.Now
	Traces    trace.TracerProvider // of the steps; nil means OpenTelemetry's global one
}

// An Engine advances runs. Many engines, in many processes, may share one
// database. Between runs it sleeps until the next one is due; starting a run
// wakes it.
type Engine struct {
	db        *db.DB
	log       *slog.Logger
	name      string // owner of leases; never used twice
	workers   int
	leaseTime time.Duration
	retention time.Duration
	now       func() time.Time
	wake      chan struct{}
	metrics   *metrics
	tracer    trace.Tracer

	mu      sync.Mutex
	flows   map[string]definition
	started bool
	held    []*Run // leased to this engine, waiting for a worker
	active  int
	// abandoned are runs that could not be saved, and when: what is in memory may be
	// wrong, so their leases have to run out.
	abandoned map[string]time.Time
	cancel    context.CancelFunc
	ctx       context.Context // of the actions
	loops     sync.WaitGroup
	working   sync.WaitGroup
}

// NewEngine returns an engine on d. Register gives it flows, Start sets it going.
func NewEngine(d *db.DB, log *slog.Logger, c Config) *Engine {
	e := &Engine{
		db: d, log: log, name: rand.Text(), workers: c.Workers, leaseTime: c.Lease, retention: c.Retention, now: c.Now,
		wake: make(chan struct{}, 1), flows: map[string]definition{}, metrics: newMetrics(),
		abandoned: map[string]time.Time{},
	}
	if e.log == nil {
		e.log = slog.New(slog.DiscardHandler)
	}
	if e.workers <= 0 {
		e.workers = 64
	}
	if e.leaseTime <= 0 {
		e.leaseTime = 30 * time.Second
	}
	if e.retention <= 0 {
		e.retention = 24 * time.Hour
	}
	if e.now == nil {
		e.now = time.Now
	}
	if c.Traces == nil {
		c.Traces = otel.GetTracerProvider()
	}
	e.tracer = c.Traces.Tracer("github.com/nacre-cloud/nacre/kit/flow")
	return e
}

// Register makes f known to e and returns it; runs of f are then advanced here.
// It panics when two flows have one name, which is a bug.
func Register[S any](e *Engine, f *Flow[S]) *Flow[S] {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.flows[f.name]; ok {
		panic("flow: two flows are called " + f.name)
	}
	f.engine, e.flows[f.name] = e, f
	return f
}

// Start begins to advance runs. Stop must follow.
func (e *Engine) Start(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.started {
		return fault.Internal.Errorf("the flow engine was started twice")
	}
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.started = true
	e.loops.Go(func() { e.dispatch(e.ctx) })
	e.loops.Go(func() { e.renewLoop(e.ctx) })
	return nil
}

// Stop lets the actions that are under way finish, as long as ctx allows, and
// cancels those that do not. What is left continues after the next start.
func (e *Engine) Stop(ctx context.Context) error {
	e.mu.Lock()
	if !e.started {
		e.mu.Unlock()
		return nil
	}
	e.started = false
	held := e.held
	e.held = nil
	e.mu.Unlock()

	done := make(chan struct{})
	go func() { e.working.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
	e.cancel()
	e.loops.Wait()
	<-done
	for _, r := range held {
		e.release(context.WithoutCancel(ctx), r)
	}
	return nil
}

// Collectors returns the engine's metrics.
func (e *Engine) Collectors() []prometheus.Collector { return append(e.metrics.all(), e.stuckGauge()) }

// RunDue advances every run that is due, one after the other, until it ends or
// must wait, and returns how many it claimed. Tests and tools use it instead of Start.
func (e *Engine) RunDue(ctx context.Context) (int, error) {
	for n := 0; ; n++ {
		runs, err := e.claim(ctx, 1)
		if err != nil || len(runs) == 0 {
			return n, err
		}
		e.work(ctx, runs[0])
	}
}

func (e *Engine) accepting() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.started
}

// lease marks a run that is being inserted as held by e, which spares the claim.
func (e *Engine) lease(r *Run) {
	r.Owner, r.Fence, r.DueAt = e.name, 1, e.now().Add(e.leaseTime).UnixMicro()
}

// take accepts a leased run.
func (e *Engine) take(r *Run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case !e.started: // stopped since; the lease will run out
	case e.active < e.workers:
		e.launch(r)
	default:
		e.held = append(e.held, r)
	}
}

// launch needs e.mu.
func (e *Engine) launch(r *Run) {
	e.active++
	e.working.Go(func() {
		defer e.done()
		e.work(e.ctx, r)
	})
}

// done gives the worker to the next held run, or to the dispatcher.
func (e *Engine) done() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.active--
	if len(e.held) > 0 && e.started {
		r := e.held[0]
		e.held = e.held[1:]
		e.launch(r)
		return
	}
	if e.active == e.workers-1 {
		e.poke()
	}
}

// abandon leaves r to whoever claims it once its lease is over.
func (e *Engine) abandon(r *Run) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.abandoned[r.ID] = e.now()
}

// runningOut are the abandoned runs whose leases e must not renew.
func (e *Engine) runningOut() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for id, at := range e.abandoned {
		if e.now().Sub(at) > e.leaseTime {
			delete(e.abandoned, id)
		}
	}
	return slices.Collect(maps.Keys(e.abandoned))
}

func (e *Engine) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// dispatch claims what becomes due and sleeps in between.
func (e *Engine) dispatch(ctx context.Context) {
	const idle = time.Minute
	timer := time.NewTimer(0)
	defer timer.Stop()
	pruned := time.Time{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
		case <-timer.C:
		}
		pause, err := e.claimAll(ctx)
		if err == nil && e.now().Sub(pruned) > time.Hour {
			pruned = e.now()
			err = e.prune(ctx, pruned.Add(-e.retention))
		}
		if err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "flow engine cannot read its runs", "error", err)
			pause = time.Second
		}
		timer.Reset(min(max(pause, 10*time.Millisecond), idle))
	}
}

// claimAll fills the free workers and returns how long nothing more is due.
func (e *Engine) claimAll(ctx context.Context) (time.Duration, error) {
	for {
		free := e.free()
		if free == 0 {
			return time.Minute, nil // a worker that becomes free pokes
		}
		at, found, err := e.nextDue(ctx)
		if err != nil || !found {
			return time.Minute, err
		}
		if pause := at.Sub(e.now()); pause > 0 {
			return pause, nil
		}
		runs, err := e.claim(ctx, free)
		if err != nil || len(runs) == 0 {
			return 0, err
		}
		for _, r := range runs {
			e.take(r)
		}
	}
}

func (e *Engine) free() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.started || len(e.flows) == 0 {
		return 0
	}
	return e.workers - e.active
}

func (e *Engine) stopping() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.ctx != nil && !e.started
}

// renewLoop keeps the leases of what is held, and does nothing when nothing is.
func (e *Engine) renewLoop(ctx context.Context) {
	tick := time.NewTicker(e.leaseTime / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		e.mu.Lock()
		busy := e.active > 0
		e.mu.Unlock()
		if !busy {
			continue
		}
		if err := e.renew(ctx); err != nil && ctx.Err() == nil {
			e.log.ErrorContext(ctx, "flow engine cannot renew its leases", "error", err)
		}
	}
}

func (e *Engine) flow(name string) definition {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.flows[name]
}

func (e *Engine) names() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	names := make([]string, 0, len(e.flows))
	for name := range e.flows {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
