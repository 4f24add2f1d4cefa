package bus

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A Method declares both ends of a call: var create = bus.Method[CreateSpec, Volume]("volume.create").
// Requests and results cross as JSON. Its text is its topic and never changes.
type Method[Req, Res any] string

// None is the result of a method that has none, or the request of one that asks nothing.
type None = struct{}

// To returns m as served by one process or host alone. Any name is allowed.
func (m Method[Req, Res]) To(host string) Method[Req, Res] {
	return m + toHost + Method[Req, Res](token(host))
}

// toHost marks the token that names a host, so that metrics can leave it out.
const toHost = ".@"

// Call sends req and waits for the result: until ctx ends, but at most
// Config.Deadline unless Within allows more. Failures of the server keep their
// kind, reason and message; fault.Unavailable says that no answer came, and then
// the call may or may not have been carried out.
func (m Method[Req, Res]) Call(ctx context.Context, b *Bus, req Req) (Res, error) {
	var res Res
	body, err := json.Marshal(req)
	if err != nil {
		return res, fault.Internal.Wrap(err, "encode the request of %s", m)
	}
	body, err = b.call(ctx, string(m), body)
	if err != nil {
		return res, err
	}
	if err := json.Unmarshal(body, &res); err != nil {
		return res, fault.Internal.Wrap(err, "decode the result of %s", m)
	}
	return res, nil
}

type withinKey struct{}

// Within lets calls under ctx take up to d, longer than Config.Deadline. It is
// for orders such as a live migration; the deadline of ctx still counts.
func Within(ctx context.Context, d time.Duration) context.Context {
	return context.WithValue(ctx, withinKey{}, d)
}

// calls are the answers this process waits for, on one topic for all of them.
type calls struct {
	topic string
	doubt signal // sent when an answer did not come

	mu      sync.Mutex
	waiting map[string]chan *message.Message
}

func (c *calls) init(name string) {
	c.topic, c.doubt, c.waiting = ReplyPrefix+token(name), newSignal(), map[string]chan *message.Message{}
}

func (c *calls) expect() (string, <-chan *message.Message) {
	id, answer := newID(), make(chan *message.Message, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting[id] = answer
	return id, answer
}

func (c *calls) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, id)
}

func (c *calls) deliver(m *message.Message) {
	id := m.Metadata[MetadataCall]
	c.mu.Lock()
	answer := c.waiting[id]
	delete(c.waiting, id)
	c.mu.Unlock()
	if answer != nil {
		answer <- m
	}
}

func (b *Bus) call(ctx context.Context, topic string, body []byte) (_ []byte, err error) {
	began := time.Now()
	name, _, _ := strings.Cut(topic, toHost)
	ctx, span := b.tracer.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient))
	defer func() {
		finish(span, err)
		b.metrics.called(name, err, time.Since(began))
	}()
	limit, ok := ctx.Value(withinKey{}).(time.Duration)
	if !ok {
		limit = b.config.Deadline
	}
	waiting, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := b.alive(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fault.Unavailable.Wrap(err, "call %s: not sent", topic)
	}
	id, answer := b.calls.expect()
	defer b.calls.forget(id)
	m := message.NewMessage(id, body)
	m.Metadata[MetadataReply] = b.calls.topic
	deadline, _ := waiting.Deadline()
	m.Metadata[metadataTimeout] = strconv.FormatInt(time.Until(deadline).Milliseconds()+1, 10)
	if err := setBaggage(m, Outgoing(ctx)); err != nil {
		return nil, err
	}
	if size(m) > MaxMessage {
		return nil, ErrTooLarge.Errorf("the request of %s takes %d bytes, the limit is %d", topic, size(m), MaxMessage)
	}
	if err := b.transport.Publisher.Publish(topic, m); err != nil {
		return nil, fault.Unavailable.Wrap(err, "call %s", topic)
	}
	select {
	case m := <-answer:
		return m.Payload, faultOf(m)
	case <-b.running.ctx.Done():
		return nil, fault.Unavailable.Errorf("call %s: this process stops", topic)
	case <-waiting.Done():
	}
	if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		b.calls.doubt.send() // perhaps the answer came and was not heard
	}
	return nil, fault.Unavailable.Errorf("call %s: no answer within %v: %w", topic, time.Since(began).Round(time.Millisecond), waiting.Err())
}

// alive reports why no call can be made now.
func (b *Bus) alive() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running.ctx == nil || b.running.ctx.Err() != nil {
		return fault.Unavailable.Errorf("bus %s is not running", b.config.Name)
	}
	return nil
}

// setFault makes m say err.
func setFault(m *message.Message, err error) {
	r := fault.ReasonOf(err)
	m.Metadata[metadataFault], m.Metadata[metadataReason] = string(r.Kind), r.Name
	m.Payload = []byte(err.Error())
}

// faultOf returns the error m says, or nil.
func faultOf(m *message.Message) error {
	kind := fault.Kind(m.Metadata[metadataFault])
	if kind == "" {
		return nil
	}
	if !slices.Contains(fault.Kinds, kind) {
		kind = fault.Internal
	}
	if name := m.Metadata[metadataReason]; name != "" {
		return kind.Reason(name).Errorf("%s", m.Payload)
	}
	return kind.Errorf("%s", m.Payload)
}

func finish(span trace.Span, err error) {
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, string(fault.Of(err)))
	}
	span.End()
}
