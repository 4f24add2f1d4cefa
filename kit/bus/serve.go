package bus

import (
	"context"
	"encoding/json"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.opentelemetry.io/otel/trace"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Serve answers calls of m with handle, whose ctx ends when the caller gives up.
// Of several processes that serve m each call reaches one. Serving a method
// twice on one bus is a mistake of the program and panics.
func (m Method[Req, Res]) Serve(b *Bus, handle func(context.Context, Req) (Res, error)) {
	s := m.server(b, handle)
	b.whenStarted(func() { b.subscribe(&b.accept, s.topic, b.transport.Queue, s.receive) })
}

// NoResult makes a handler of a function that returns only an error.
func NoResult[Req any](f func(context.Context, Req) error) func(context.Context, Req) (None, error) {
	return func(ctx context.Context, req Req) (None, error) { return None{}, f(ctx, req) }
}

func (m Method[Req, Res]) server(b *Bus, handle func(context.Context, Req) (Res, error)) *server {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.served[string(m)] {
		panic("bus: " + string(m) + " is served twice")
	}
	b.served[string(m)] = true
	name, _, _ := strings.Cut(string(m), toHost)
	return &server{
		bus: b, topic: string(m), name: name, slots: make(chan struct{}, b.config.Parallel),
		handle: func(ctx context.Context, body []byte) ([]byte, error) {
			var req Req
			if err := json.Unmarshal(body, &req); err != nil {
				return nil, fault.Invalid.Wrap(err, "decode the request of %s", m)
			}
			res, err := handle(ctx, req)
			if err != nil {
				return nil, err
			}
			out, err := json.Marshal(res)
			return out, fault.Internal.Wrap(err, "encode the result of %s", m)
		},
	}
}

// maxQueue is how many calls of one method may wait for a slot.
const maxQueue = 1024

// standardTimeout is for calls that do not say how long they wait.
const standardTimeout = 10 * time.Second

// A server answers the calls of one method. Slots are counted by method, not by
// process, so that a handler may call another method of its own process.
type server struct {
	bus    *Bus
	topic  string
	name   string
	slots  chan struct{}
	queued atomic.Int32
	handle func(ctx context.Context, body []byte) ([]byte, error)
}

func (s *server) receive(m *message.Message) {
	s.bus.handled.run(func() { s.serve(m) })
}

func (s *server) serve(m *message.Message) {
	timeout := standardTimeout
	if ms, err := strconv.ParseInt(m.Metadata[metadataTimeout], 10, 64); err == nil && ms > 0 {
		timeout = time.Duration(min(ms, 1<<40)) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(Incoming(s.bus.running.ctx, baggageOf(m)), timeout)
	defer cancel()
	if s.queued.Add(1) > maxQueue {
		s.queued.Add(-1)
		s.answer(m, nil, fault.Unavailable.Errorf("%s: %d calls wait already", s.topic, maxQueue))
		return
	}
	select {
	case s.slots <- struct{}{}:
		s.queued.Add(-1)
		defer func() { <-s.slots }()
	case <-ctx.Done():
		s.queued.Add(-1)
		return // so has the caller gone
	}
	body, err := s.run(ctx, m.Payload)
	s.answer(m, body, err)
}

func (s *server) run(ctx context.Context, payload []byte) (body []byte, err error) {
	ctx, span := s.bus.tracer.Start(ctx, s.name, trace.WithSpanKind(trace.SpanKindServer))
	began := time.Now()
	defer func() {
		if p := recover(); p != nil {
			s.bus.log.Error("bus: a handler panicked", "method", s.name, "panic", p, "stack", string(debug.Stack()))
			body, err = nil, fault.Internal.Errorf("%s: panic: %v", s.name, p)
		}
		finish(span, err)
		s.bus.metrics.served(s.name, err, time.Since(began))
	}()
	return s.handle(ctx, payload)
}

func (s *server) answer(to *message.Message, body []byte, err error) {
	topic := to.Metadata[MetadataReply]
	if !strings.HasPrefix(topic, ReplyPrefix) {
		return // nobody waits; and no caller may choose where answers go
	}
	m := message.NewMessage(newID(), body)
	m.Metadata[MetadataCall] = to.UUID
	if n := size(m); err == nil && n > MaxMessage {
		err = ErrTooLarge.Errorf("the result of %s takes %d bytes, the limit is %d: ask for less", s.topic, n, MaxMessage)
	}
	if err != nil {
		setFault(m, err)
		m.Payload = m.Payload[:min(len(m.Payload), maxFault)]
	}
	if err := s.bus.transport.Publisher.Publish(topic, m); err != nil {
		s.bus.log.Warn("bus: an answer could not be sent", "method", s.topic, "error", err)
	}
}

// maxFault is the longest message of a fault that crosses, in bytes.
const maxFault = 64 << 10
