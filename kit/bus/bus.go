// Package bus carries events and calls between the parts of a cloud, in one
// process or in many.
//
// An event is a fact in the past tense that any number of listeners may want: a
// domain writes it with Publish in the transaction that made it true, and
// listens with On. The outbox is a log, not a queue: a relay numbers committed
// events, each listener keeps its place in the log and moves it in the
// transaction of its handler. So every handler takes effect exactly once per
// event, in the order of the log. The broker is only a doorbell: a listener
// that missed it reads the log when it starts, when the next bell rings, or
// within a minute. Losing all of the broker loses nothing.
//
// A call is a question or an order with one answerer: a Method, declared once,
// is both ends of it. Calls have a deadline; a lost one is fault.Unavailable
// and may be sent again, so what is ordered must be idempotent by id.
//
// The seam to the broker is watermill's Publisher and Subscriber, see Transport.
// The bus trusts whoever may connect to it: everybody on it may call everything
// and read every event.
package bus

import (
	"context"
	"crypto/rand"
	"embed"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/trace"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables a bus with a database needs.
var Migrations = db.Migrations{Domain: "bus", Files: files}

// Config tunes a bus. The zero value is good.
type Config struct {
	Name      string        // of this process, unique on the bus; default: host name and a random part
	Retention time.Duration // how long events are kept; default 7 days
	Tick      time.Duration // how often to look for what the broker lost; default 1 minute
	Deadline  time.Duration // of a call whose caller has none; default 10 seconds
	Attempts  int           // at an event whose handler fails, before it is a dead letter; default 5
	Parallel  int           // calls of one method that run at once in this process; default 64
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		host, _ := os.Hostname() // without a host name the random part is the name
		c.Name = host + "-" + strings.ToLower(rand.Text()[:10])
	}
	duration := func(d *time.Duration, standard time.Duration) {
		if *d <= 0 {
			*d = standard
		}
	}
	duration(&c.Retention, 7*24*time.Hour)
	duration(&c.Tick, time.Minute)
	duration(&c.Deadline, 10*time.Second)
	if c.Attempts <= 0 {
		c.Attempts = 5
	}
	if c.Parallel <= 0 {
		c.Parallel = 64
	}
	return c
}

// Bus is one process's place on the bus. It is safe for concurrent use.
type Bus struct {
	config    Config
	transport Transport
	private   bool // the transport was made here and ends here
	db        *db.DB
	log       *slog.Logger
	metrics   *metrics
	tracer    trace.Tracer

	calls         calls
	relay         relay
	listeners     map[string]*listener // by name, under mu
	doorbells     map[string]bool      // topics listened to, under mu
	served        map[string]bool      // topics served, under mu
	subscriptions []*subscription      // under mu

	mu      sync.Mutex
	state   state
	later   []func() // what was registered before Start
	accept  lifetime // subscriptions to calls and doorbells
	handled lifetime // calls being served
	work    lifetime // the relay, the listeners and the clock; they end between two batches
	running lifetime // everything, replies included
}

type state int

const (
	fresh state = iota
	started
	stopped
)

// New returns a bus. It does nothing until Start. Without a Transport it is a
// bus of this process alone; without a DB it carries calls but no events.
func New(p Params) *Bus {
	b := &Bus{
		config: p.Config.withDefaults(), transport: p.Transport, db: p.DB, log: p.Log,
		metrics:   newMetrics(p.Metrics),
		listeners: map[string]*listener{}, doorbells: map[string]bool{}, served: map[string]bool{},
	}
	if b.transport.Publisher == nil {
		b.transport, b.private = InProcess(), true
	}
	if b.log == nil {
		b.log = slog.Default()
	}
	traces := p.Traces
	if traces == nil {
		traces = otel.GetTracerProvider()
	}
	b.tracer = traces.Tracer("github.com/nacre-cloud/nacre/kit/bus")
	b.calls.init(b.config.Name)
	b.relay.init()
	if b.db != nil {
		countLetters(p.Metrics, b.db)
		fetchMethod.serveAll(b)
	}
	return b
}

// Name returns the name of this process on the bus.
func (b *Bus) Name() string { return b.config.Name }

// Start connects everything registered so far and begins to relay and to
// listen. A broker that does not answer is no error: the bus goes on trying. A
// database that does not answer or lacks Migrations is.
func (b *Bus) Start(ctx context.Context) error {
	b.mu.Lock()
	again := b.running.ctx != nil || b.state != fresh
	b.mu.Unlock()
	if again {
		return fault.Conflict.Errorf("bus %s was started before", b.config.Name)
	}
	if b.db != nil {
		if err := b.relay.open(ctx, b.db); err != nil {
			return err
		}
	}
	b.mu.Lock()
	b.running.begin(context.WithoutCancel(ctx)) // starting has a deadline, running has none
	b.accept.begin(b.running.ctx)
	b.handled.begin(b.running.ctx)
	b.work.begin(b.running.ctx)
	b.mu.Unlock()
	b.subscribe(&b.running, b.calls.topic, b.transport.Broadcast, b.calls.deliver)

	b.mu.Lock()
	b.state = started
	later := b.later
	b.later = nil
	b.mu.Unlock()
	for _, f := range later {
		f()
	}
	b.work.run(b.clock)
	if b.db != nil {
		b.subscribe(&b.accept, originsTopic, b.transport.Broadcast, b.hearOrigin)
		relays.add(b) // first, or nobody here hears of what a process before us left behind
		b.work.run(b.runRelay)
		b.askOrigins()
	}
	return nil
}

// whenStarted runs f now, or at Start.
func (b *Bus) whenStarted(f func()) {
	b.mu.Lock()
	if b.state == fresh {
		b.later = append(b.later, f)
		b.mu.Unlock()
		return
	}
	ok := b.state == started
	b.mu.Unlock()
	if ok {
		f()
	}
}

// Stop takes in nothing more, waits for what runs until ctx ends, then cancels
// the rest. Calls that still wait for an answer fail with fault.Unavailable.
func (b *Bus) Stop(ctx context.Context) error {
	b.mu.Lock()
	was := b.state
	b.state = stopped
	b.mu.Unlock()
	if was != started {
		return nil
	}
	if b.db != nil {
		relays.remove(b)
	}
	b.accept.stop()
	b.work.stop()
	graceful := make(chan struct{})
	go func() {
		b.accept.wait()
		b.handled.stop() // nothing is added any more
		b.handled.wait()
		b.work.wait()
		close(graceful)
	}()
	var err error
	select {
	case <-graceful:
	case <-ctx.Done():
		err = fault.Unavailable.Errorf("bus %s: handlers were still running: %w", b.config.Name, ctx.Err())
	}
	b.running.stop()
	select {
	case <-graceful:
		b.running.wait()
	case <-time.After(stopTimeout): // a handler that does not heed its ctx
	}
	if b.private {
		_ = b.transport.Close()
	}
	return err
}

// stopTimeout is for handlers whose ctx was cancelled.
const stopTimeout = time.Second

func newID() string { return uuid.Must(uuid.NewV7()).String() }
