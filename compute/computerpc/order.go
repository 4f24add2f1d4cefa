package computerpc

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// An order may take minutes, such as a spawn whose image is fetched first. Whoever
// gave it asks now and then whether the host is still at it, so that a host that
// died does not keep a flow waiting until the step's time is up.
type order[T any] struct {
	Call string
	Args T
}

// working asks a host whether it is at work on an order.
const working = bus.Method[string, bool]("compute.host.working")

const (
	lookEvery  = 5 * time.Second
	lookWithin = 5 * time.Second
	longest    = time.Hour // of an order whose context has no deadline
)

// give sends an order to h and waits for its end.
func give[T any](ctx context.Context, h host, m bus.Method[order[T], bus.None], args T) error {
	if err := ctx.Err(); err != nil {
		// Sent all the same, it might overtake the next order.
		return fault.Unavailable.Errorf("order to host %s: %w", h.name, err)
	}
	o := order[T]{Call: uuid.NewString(), Args: args}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	defer close(done)
	go func() {
		if err := h.look(ctx, o.Call, done); err != nil {
			cancel(err)
		}
	}()
	patience := longest
	if deadline, ok := ctx.Deadline(); ok {
		patience = time.Until(deadline)
	}
	_, err := m.To(h.name).Call(bus.Within(ctx, patience), h.bus, o)
	if cause := context.Cause(ctx); cause != nil && fault.Of(err) == fault.Unavailable {
		return fault.Unavailable.Wrap(cause, "order to host %s", h.name)
	}
	return err
}

// look returns nil when the order is done, and why it never will be otherwise.
// An answer may overtake the end of the order, so one bad look is not enough.
func (h host) look(ctx context.Context, call string, done <-chan struct{}) error {
	clock := time.NewTicker(lookEvery)
	defer clock.Stop()
	for bad := 0; bad < 2; {
		select {
		case <-done:
			return nil
		case <-clock.C:
		}
		asking, cancel := context.WithTimeout(ctx, lookWithin)
		still, err := working.To(h.name).Call(asking, h.bus, call)
		cancel()
		if err != nil || !still {
			bad++
			continue
		}
		bad = 0
	}
	return fault.Unavailable.Errorf("the host is no longer at work on it")
}

// atWork are the orders that a host is carrying out.
type atWork struct {
	mu     sync.Mutex
	orders map[string]bool
}

func (w *atWork) has(_ context.Context, call string) (bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.orders[call], nil
}

func (w *atWork) begin(call string) (end func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.orders[call] = true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.orders, call)
	}
}

// carryOut makes a handler of what a driver does.
func carryOut[T any](w *atWork, do func(context.Context, T) error) func(context.Context, order[T]) (bus.None, error) {
	return func(ctx context.Context, o order[T]) (bus.None, error) {
		defer w.begin(o.Call)()
		return bus.None{}, do(ctx, o.Args)
	}
}
