package bus

import (
	"context"
	"sync"
	"time"
)

// A lifetime is a context together with the goroutines that live in it.
type lifetime struct {
	ctx context.Context
	end context.CancelFunc

	mu  sync.Mutex // no goroutine may be added once somebody waits
	all sync.WaitGroup
}

func (l *lifetime) begin(parent context.Context) { l.ctx, l.end = context.WithCancel(parent) }

// run starts f, unless the lifetime has ended.
func (l *lifetime) run(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ctx.Err() == nil {
		l.all.Go(f)
	}
}

func (l *lifetime) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.end()
}

// wait returns when the lifetime was stopped and its goroutines have ended.
func (l *lifetime) wait() {
	<-l.ctx.Done()
	l.mu.Lock()
	l.mu.Unlock() //nolint:staticcheck // run has either added its goroutine or seen the end
	l.all.Wait()
}

// sleep waits for d and reports whether the lifetime goes on.
func (l *lifetime) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// A signal wakes one goroutine. Signals that come together count once.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) send() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// backoff is the pause after a number of failures: doubling, at most a minute.
func backoff(first time.Duration, failures int) time.Duration {
	return min(first<<min(failures, 12), time.Minute)
}
