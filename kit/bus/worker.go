package bus

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

const (
	workBatch = 100
	// workTime is how long one transaction goes on taking events: on SQLite every
	// other writer waits for it.
	workTime = 50 * time.Millisecond
	// saveAfter is how old a written place gets while the log grows without events
	// for the listener: a restart reads that part again.
	saveAfter = time.Minute
	unknown   = -1
)

// A worker takes one listener through the log of one origin.
type worker struct {
	bus      *Bus
	listener *listener
	origin   string
	bell     signal // there may be something new
	renew    signal // the listener has a new handler
	lag      prometheus.Gauge

	topics []string // the listener's, since the last renewal
	done   int64    // every event of topics up to here is handled; or unknown
	saved  int64    // what of done is written

	savedAt time.Time
}

func (w *worker) run() {
	w.done = unknown
	for failures := 0; ; {
		err := w.catchUp()
		var retry <-chan time.Time
		if err != nil {
			w.bus.log.Log(w.bus.work.ctx, level(failures), "bus: cannot read events, trying on", "listener", w.listener.name, "origin", w.origin, "error", err)
			retry = time.After(backoff(100*time.Millisecond, failures))
			failures++
		} else {
			failures = 0
		}
		select {
		case <-w.bell:
		case <-w.renew:
			w.done = unknown
		case <-retry:
		case <-w.bus.work.ctx.Done():
			if err := w.save(); err != nil {
				w.bus.log.Debug("bus: cannot write a place", "listener", w.listener.name, "error", err)
			}
			return
		}
	}
}

// level makes one of the first failures and some of the later ones heard.
func level(failures int) slog.Level {
	if failures%10 == 3 {
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

// catchUp handles everything the log has for the listener.
func (w *worker) catchUp() error {
	for w.bus.work.ctx.Err() == nil {
		if w.done == unknown {
			if err := w.load(); err != nil {
				return err
			}
		}
		got, err := w.bus.fetch(w.bus.work.ctx, w.origin, fetchRequest{After: w.done, Topics: w.topics})
		if err != nil {
			return err
		}
		// Asked after the read: what it holds of events that were published after
		// their handlers were added is read again, for all of these together.
		if w.renewed() {
			continue
		}
		w.lag.Set(float64(got.Head - w.done))
		if w.done > 0 && w.done < got.Pruned {
			w.bus.metrics.lost.WithLabelValues(w.listener.name).Inc()
			w.bus.log.Error("bus: events were pruned before the listener saw them; it was away for longer than the retention",
				"listener", w.listener.name, "origin", w.origin, "from", w.done+1, "to", got.Pruned)
		}
		if len(got.Events) == 0 {
			w.done = max(w.done, got.Head)
			w.lag.Set(0)
			if time.Since(w.savedAt) < saveAfter {
				return nil
			}
			return w.save()
		}
		if err := w.handleAll(got.Events); err != nil {
			return err
		}
	}
	return nil
}

// renewed reports whether the listener has a new handler: the place is unknown then.
func (w *worker) renewed() bool {
	select {
	case <-w.renew:
		w.done = unknown
		return true
	default:
		return false
	}
}

// load finds where the listener stands.
func (w *worker) load() error {
	w.topics = w.listener.topics()
	at, err := places(w.bus.running.ctx, w.bus.db.Read(), w.listener.name, w.origin)
	if err != nil {
		return err
	}
	w.wrote(w.least(at))
	return nil
}

// least is where all topics of the listener are handled up to.
func (w *worker) least(at map[string]int64) int64 {
	least := int64(math.MaxInt64)
	for _, t := range w.topics {
		least = min(least, at[t])
	}
	return least
}

// save writes a place that was passed without an event.
func (w *worker) save() error {
	if w.done == unknown || w.done == w.saved {
		return nil
	}
	err := w.bus.db.Tx(w.bus.running.ctx, func(ctx context.Context, tx *db.Tx) error {
		return move(ctx, tx, w.at(w.done), w.topics)
	})
	if err == nil {
		w.wrote(w.done)
	}
	return err
}

func (w *worker) at(position int64) place {
	return place{Listener: w.listener.name, Origin: w.origin, Position: position}
}

func (w *worker) wrote(position int64) {
	w.done, w.saved, w.savedAt = position, position, time.Now()
}

// handleAll handles events in as few transactions as possible. When one fails,
// those before it are handled without it, then it alone, with patience.
func (w *worker) handleAll(events []logged) error {
	for n := len(events); len(events) > 0; n = len(events) {
		if w.bus.work.ctx.Err() != nil {
			return nil
		}
		for {
			did, err := w.handleSome(events[:n])
			if err == nil {
				events = events[did:]
				break
			}
			if n == 1 {
				if err := w.insist(events[0], err); err != nil {
					return err
				}
				events = events[1:]
				break
			}
			n = max(did, 1)
		}
	}
	return nil
}

// handleSome handles events in one transaction and returns how many, or, with an
// error, how many come before the one that failed.
func (w *worker) handleSome(events []logged) (did int, err error) {
	last, handled, ahead := int64(0), 0, false
	err = w.bus.db.Tx(w.bus.running.ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := tx.Lock(ctx, "bus/"+w.listener.name+"/"+w.origin); err != nil {
			return err
		}
		at, err := places(ctx, tx, w.listener.name, w.origin)
		if err != nil {
			return err
		}
		began := time.Now() // the wait for other writers does not count
		for _, e := range events {
			if e.Position > at[e.Topic] { // else another process was faster
				if err := w.handle(ctx, tx, e); err != nil {
					return err
				}
				handled++
			}
			did, last = did+1, e.Position
			if time.Since(began) > workTime {
				break
			}
		}
		if ahead = w.least(at) >= last; ahead {
			return nil
		}
		return move(ctx, tx, w.at(last), w.topics)
	})
	if err != nil {
		return did % len(events), err
	}
	w.bus.metrics.events.WithLabelValues(w.listener.name).Add(float64(handled))
	if ahead { // another process is
		return did, w.load()
	}
	w.wrote(last)
	return did, nil
}

func (w *worker) handle(ctx context.Context, tx *db.Tx, e logged) (err error) {
	ctx, span := w.bus.tracer.Start(Incoming(ctx, e.Baggage), w.listener.name+" "+e.Topic, trace.WithSpanKind(trace.SpanKindConsumer))
	defer func() {
		if p := recover(); p != nil {
			w.bus.log.Error("bus: a handler panicked", "listener", w.listener.name, "event", e.Topic, "panic", p, "stack", string(debug.Stack()))
			err = fault.Internal.Errorf("%s at %s: panic: %v", w.listener.name, e.Topic, p)
		}
		finish(span, err)
	}()
	return w.listener.handler(e.Topic)(ctx, tx, e.Body)
}

// insist tries e again until it is handled or a dead letter. It returns an
// error only when the bus stops before that.
func (w *worker) insist(e logged, err error) error {
	for attempts := 1; ; attempts++ {
		log := w.bus.log.With("listener", w.listener.name, "event", e.ID, "topic", e.Topic, "attempts", attempts)
		if !errors.Is(err, fault.Unavailable) && attempts >= w.bus.config.Attempts {
			cause, letter := err, ""
			if letter, err = w.bury(e, cause, attempts); err == nil {
				if letter != "" {
					log.Error("bus: gave up an event, which is a dead letter now", "letter", letter, "error", cause)
				}
				return nil
			}
		}
		log.Log(w.bus.work.ctx, level(attempts-1), "bus: an event has to wait", "error", err)
		if !w.bus.work.sleep(backoff(100*time.Millisecond, attempts-1)) {
			return err
		}
		if _, err = w.handleSome([]logged{e}); err == nil {
			return nil
		}
	}
}

// bury makes e a dead letter and returns its id, or nothing when another process
// has handled e meanwhile.
func (w *worker) bury(e logged, cause error, attempts int) (letter string, err error) {
	baggage, err := json.Marshal(e.Baggage)
	if err != nil {
		return "", fault.Internal.Wrap(err, "encode baggage")
	}
	err = w.bus.db.Tx(w.bus.running.ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := tx.Lock(ctx, "bus/"+w.listener.name+"/"+w.origin); err != nil {
			return err
		}
		at, err := places(ctx, tx, w.listener.name, w.origin)
		if err != nil || e.Position <= at[e.Topic] {
			return err
		}
		l := &DeadLetter{
			ID: newID(), Listener: w.listener.name, Origin: w.origin, Position: e.Position,
			Event: e.ID, Topic: e.Topic, Body: string(e.Body), Baggage: string(baggage),
			Error: cause.Error(), Attempts: attempts, CreatedAt: time.Now().UTC(),
		}
		if err := insertLetter(ctx, tx, l); err != nil {
			return err
		}
		letter = l.ID
		return move(ctx, tx, w.at(e.Position), w.topics)
	})
	if err != nil {
		return "", err
	}
	w.wrote(e.Position)
	if letter != "" {
		w.bus.metrics.dead.WithLabelValues(w.listener.name).Inc()
	}
	return letter, nil
}
