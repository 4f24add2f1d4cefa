package bus

import (
	"context"
	"encoding/json"
	"slices"
	"sync"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// On makes handle take effect exactly once for each event E that any database on
// the bus publishes, in the order each database published them, across all events
// of the same listener. What handle does in tx, on the database of b, commits
// together with the listener's place; up to 100 events share a tx, so it must be
// short. When handle returns fault.Unavailable the listener waits and tries again
// for as long as it takes; after Config.Attempts other failures the event becomes
// a dead letter and the listener goes on.
//
// The listener's name is stable: processes that share a database and use one name
// share the work. A listener new to an event begins with the oldest that is kept.
// Handlers are best added before Start: one that comes later is handed what is
// kept of its event after what the others have handled already.
// A bus without a DB, or a second handler of E for one listener, is a mistake of
// the program and panics.
func On[E Event](b *Bus, listener string, handle func(ctx context.Context, tx *db.Tx, e E) error) {
	var zero E
	topic := zero.Name()
	b.on(listener, topic, func(ctx context.Context, tx *db.Tx, body []byte) error {
		var e E
		if err := json.Unmarshal(body, &e); err != nil {
			return fault.Invalid.Wrap(err, "decode event %s", topic)
		}
		return handle(ctx, tx, e)
	})
}

type handler func(ctx context.Context, tx *db.Tx, body []byte) error

// A listener is a set of handlers that share a place in every log.
type listener struct {
	name string

	mu       sync.Mutex
	handlers map[string]handler // by topic
	workers  map[string]*worker // by origin
}

func (b *Bus) on(name, topic string, h handler) {
	if b.db == nil {
		panic("bus: " + name + " listens to " + topic + ", but the bus has no database")
	}
	b.mu.Lock()
	l := b.listeners[name]
	if l == nil {
		l = &listener{name: name, handlers: map[string]handler{}, workers: map[string]*worker{}}
		b.listeners[name] = l
	}
	b.mu.Unlock()
	l.add(topic, h)
	b.whenStarted(func() { b.listen(l, topic) })
}

func (l *listener) add(topic string, h handler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handlers[topic] != nil {
		panic("bus: " + l.name + " listens to " + topic + " twice")
	}
	l.handlers[topic] = h
}

func (l *listener) topics() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	topics := make([]string, 0, len(l.handlers))
	for t := range l.handlers {
		topics = append(topics, t)
	}
	slices.Sort(topics)
	return topics
}

func (l *listener) handler(topic string) handler {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.handlers[topic]
}

// listen subscribes to the doorbell of topic and starts to read the logs.
func (b *Bus) listen(l *listener, topic string) {
	b.mu.Lock()
	subscribed := b.doorbells[topic]
	b.doorbells[topic] = true
	b.mu.Unlock()
	if !subscribed {
		b.subscribe(&b.accept, topic, b.transport.Broadcast, func(m *message.Message) {
			if origin := m.Metadata[metadataOrigin]; origin != "" && m.Metadata[metadataFrom] != b.config.Name {
				b.wake(origin, topic)
			}
		})
	}
	origins, err := originsOf(b.running.ctx, b.db.Read(), l.name)
	if err != nil {
		b.log.Warn("bus: cannot tell whom the listener heard before", "listener", l.name, "error", err)
	}
	for _, origin := range append(origins, b.relay.origin) {
		b.worker(l, origin).renew.send()
	}
}

// worker returns the reader of one log for l, which it starts if need be.
func (b *Bus) worker(l *listener, origin string) *worker {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.workers[origin]
	if w == nil {
		w = &worker{bus: b, listener: l, origin: origin, bell: newSignal(), renew: newSignal()}
		w.lag = b.metrics.lag.WithLabelValues(l.name, origin)
		l.workers[origin] = w
		b.work.run(w.run)
	}
	return w
}

// wake makes whoever listens to topic read the log of origin.
func (b *Bus) wake(origin, topic string) {
	for _, l := range b.allListeners() {
		if l.handler(topic) != nil {
			b.worker(l, origin).bell.send()
		}
	}
}

// wakeAll makes every listener read every log it knows.
func (b *Bus) wakeAll() {
	for _, l := range b.allListeners() {
		l.mu.Lock()
		for _, w := range l.workers {
			w.bell.send()
		}
		l.mu.Unlock()
	}
}

func (b *Bus) allListeners() []*listener {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]*listener, 0, len(b.listeners))
	for _, l := range b.listeners {
		all = append(all, l)
	}
	return all
}
