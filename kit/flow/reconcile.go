package flow

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A Reconciler calls a check again and again. The check compares rows with what
// a driver lists, and repairs or reports the difference; it never does what a
// caller asked for, that is a flow's work.
type Reconciler struct {
	name  string
	every time.Duration
	check func(ctx context.Context) error
	log   *slog.Logger

	cancel context.CancelFunc
	loop   sync.WaitGroup
}

// NewReconciler returns a reconciler that runs check when it starts and then
// once per interval; 0 means a minute.
func NewReconciler(log *slog.Logger, name string, interval time.Duration, check func(ctx context.Context) error) *Reconciler {
	if interval <= 0 {
		interval = time.Minute
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Reconciler{name: name, every: interval, check: check, log: log}
}

// Start begins to check.
func (r *Reconciler) Start(context.Context) error {
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	r.loop.Go(func() {
		tick := time.NewTicker(r.every)
		defer tick.Stop()
		for {
			if err := guard(func() error { return r.check(ctx) }); err != nil && ctx.Err() == nil {
				r.log.ErrorContext(ctx, "reconciler failed", "reconciler", r.name, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	return nil
}

// Stop ends the current check and waits for it.
func (r *Reconciler) Stop(context.Context) error {
	if r.cancel != nil {
		r.cancel()
		r.loop.Wait()
	}
	return nil
}

// Insist calls do until it returns anything but fault.Unavailable, or ctx ends. It
// is for checks that tell a process elsewhere, which may be coming up: waiting for
// the next interval would be long.
func Insist(ctx context.Context, do func(ctx context.Context) error) error {
	const longest = 10 * time.Second
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, longest) {
		err := do(ctx)
		if err == nil || fault.Of(err) != fault.Unavailable {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}
