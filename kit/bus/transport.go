package bus

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A Transport is a broker as the bus sees it, made of watermill's interfaces.
// When Subscribe returns, a message published afterwards, by anybody, arrives.
// Messages may be lost; they must not be changed. bustest.TestTransport checks one.
type Transport struct {
	Publisher message.Publisher
	Broadcast message.Subscriber // every subscriber of a topic receives every message
	Queue     message.Subscriber // one of the subscribers of a topic receives a message
}

// Close closes all three.
func (t Transport) Close() error {
	return errors.Join(t.Broadcast.Close(), t.Queue.Close(), t.Publisher.Close())
}

// MaxMessage is the largest message, metadata included, in bytes.
const MaxMessage = 1 << 20

// ErrTooLarge says that an event, a request or an answer is above the limit.
var ErrTooLarge = fault.Invalid.Reason("bus.too-large")

// MetadataReply is the metadata of a call that names the topic of the answer. A
// transport that can tell that nobody serves a call answers it with Unserved.
const MetadataReply = "bus-reply"

// ReplyPrefix begins the topics of answers. The rest is one token.
const ReplyPrefix = "bus.reply."

// MetadataCall is the metadata of an answer that names the call, a token.
const MetadataCall = "bus-call"

const (
	metadataTimeout  = "bus-timeout" // milliseconds: clocks differ, so no point in time
	metadataBaggage  = "bus-baggage"
	metadataFault    = "bus-fault"
	metadataReason   = "bus-reason"
	metadataOrigin   = "bus-origin"
	metadataPosition = "bus-position"
)

// Unserved returns the answer to a call on a topic that nobody serves.
func Unserved(call, topic string) *message.Message {
	m := message.NewMessage(newID(), nil)
	m.Metadata[MetadataCall] = call
	setFault(m, fault.Unavailable.Errorf("nobody serves %s", topic))
	return m
}

// size is at least what m takes on the wire.
func size(m *message.Message) int {
	n := 256 + len(m.Payload)
	for k, v := range m.Metadata {
		n += len(k) + len(v) + 4
	}
	return n
}

// token makes s one token of a topic on any broker.
func token(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), ".", "%2E")
}

func setBaggage(m *message.Message, baggage map[string]string) error {
	if len(baggage) == 0 {
		return nil
	}
	text, err := json.Marshal(baggage)
	if err != nil {
		return fault.Internal.Wrap(err, "encode baggage")
	}
	m.Metadata[metadataBaggage] = string(text)
	return nil
}

func baggageOf(m *message.Message) map[string]string {
	var out map[string]string
	if text := m.Metadata[metadataBaggage]; text != "" {
		_ = json.Unmarshal([]byte(text), &out) // foreign publishers may put anything there
	}
	return out
}

// InProcess returns a new Transport within this process.
func InProcess() Transport {
	channel := gochannel.NewGoChannel(gochannel.Config{}, watermill.NopLogger{})
	q := &queues{broadcast: channel, groups: map[string]*group{}}
	return Transport{Publisher: local{channel, q}, Broadcast: channel, Queue: q}
}

// local refuses calls that nobody in this process serves.
type local struct {
	message.Publisher
	queues *queues
}

func (l local) Publish(topic string, messages ...*message.Message) error {
	for _, m := range messages {
		if m.Metadata[MetadataReply] != "" && !l.queues.has(topic) {
			return fault.Unavailable.Errorf("nobody serves %s", topic)
		}
	}
	return fault.Unavailable.Wrap(l.Publisher.Publish(topic, messages...), "publish on %s", topic)
}

// queues gives each message of a broadcasting subscriber to one of its own subscribers.
type queues struct {
	broadcast message.Subscriber
	mu        sync.Mutex
	groups    map[string]*group // by topic
}

type group struct {
	in      <-chan *message.Message
	end     context.CancelFunc
	members int
}

func (q *queues) has(topic string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.groups[topic] != nil
}

func (q *queues) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	g := q.groups[topic]
	if g == nil {
		all, end := context.WithCancel(context.Background())
		in, err := q.broadcast.Subscribe(all, topic)
		if err != nil {
			end()
			return nil, fault.Unavailable.Wrap(err, "subscribe to %s", topic)
		}
		g = &group{in: in, end: end}
		q.groups[topic] = g
	}
	g.members++
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		defer q.leave(topic, g)
		g.forward(ctx, out)
	}()
	return out, nil
}

func (g *group) forward(ctx context.Context, out chan<- *message.Message) {
	for {
		select {
		case m, ok := <-g.in:
			if !ok {
				return
			}
			select {
			case out <- m:
			case <-ctx.Done():
				m.Nack() // for another member
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func (q *queues) leave(topic string, g *group) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if g.members--; g.members == 0 {
		g.end()
		delete(q.groups, topic)
	}
}

func (q *queues) Close() error { return fault.Internal.Wrap(q.broadcast.Close(), "close the queues") }

var (
	_ message.Publisher  = local{}
	_ message.Subscriber = (*queues)(nil)
)
