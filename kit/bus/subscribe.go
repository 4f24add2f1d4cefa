package bus

import (
	"context"
	"errors"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A subscription is kept for as long as its lifetime, whatever the broker does.
type subscription struct {
	bus    *Bus
	life   *lifetime
	topic  string
	from   message.Subscriber
	handle func(*message.Message) // must not block
	renew  signal
}

// subscribe makes the first attempt before it returns, so that in the normal
// case nothing sent afterwards is missed.
func (b *Bus) subscribe(life *lifetime, topic string, from message.Subscriber, handle func(*message.Message)) {
	s := &subscription{b, life, topic, from, handle, newSignal()}
	b.mu.Lock()
	b.subscriptions = append(b.subscriptions, s)
	b.mu.Unlock()
	in, end := s.open(0)
	life.run(func() { s.keep(in, end) })
}

// open returns a nil channel when the broker refuses.
func (s *subscription) open(failures int) (<-chan *message.Message, context.CancelFunc) {
	ctx, end := context.WithCancel(s.life.ctx)
	in, err := s.from.Subscribe(ctx, s.topic)
	if err != nil {
		end()
		if failures == 0 && s.life.ctx.Err() == nil {
			s.bus.log.Warn("bus: cannot subscribe, trying on", "topic", s.topic, "error", err)
		}
		return nil, func() {}
	}
	return in, end
}

func (s *subscription) keep(in <-chan *message.Message, end context.CancelFunc) {
	defer func() { end() }()
	for failures := 0; ; {
		for in == nil {
			if !s.life.sleep(backoff(100*time.Millisecond, failures)) {
				return
			}
			failures++
			in, end = s.open(failures)
		}
		select {
		case m, ok := <-in:
			if !ok {
				end()
				in = nil
				continue
			}
			failures = 0
			m.Ack() // whoever needs an answer asks again; the log is the memory
			s.handle(m)
		case <-s.renew:
			if again, endAgain := s.open(0); again != nil {
				end()
				in, end = again, endAgain
			}
		case <-s.life.ctx.Done():
			return
		}
	}
}

// clock looks, once a tick, for what a broker can lose without saying so.
func (b *Bus) clock() {
	tick := time.NewTicker(b.config.Tick)
	defer tick.Stop()
	for {
		select {
		case <-b.work.ctx.Done():
			return
		case <-b.calls.doubt:
			b.hearMyself()
		case <-tick.C:
			if b.db != nil {
				b.relay.poke.send()
				b.askOrigins()
				b.wakeAll()
				if time.Since(b.relay.pruned) >= time.Hour {
					b.prune()
				}
			}
			b.hearMyself()
		}
	}
}

// errDeaf: a message to ourselves was sent and did not come back.
var errDeaf = fault.Unavailable.Reason("bus.deaf")

// pingTimeout is long for a broker, and shorter than what asks after our health waits.
const pingTimeout = 4 * time.Second

// Ping sends a message to this process through the broker. It is fault.Unavailable
// when that does not come back within 4 s, or the Deadline if that is shorter.
func (b *Bus) Ping(ctx context.Context) error {
	if err := b.alive(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, min(pingTimeout, b.config.Deadline, b.config.Tick))
	defer cancel()
	id, answer := b.calls.expect()
	defer b.calls.forget(id)
	m := message.NewMessage(id, nil)
	m.Metadata[MetadataCall] = id
	if err := b.transport.Publisher.Publish(b.calls.topic, m); err != nil {
		return fault.Unavailable.Wrap(err, "the broker cannot be reached")
	}
	select {
	case <-answer:
		return nil
	case <-ctx.Done():
		return errDeaf.Errorf("the broker does not bring this process its own messages")
	}
}

// hearMyself subscribes anew when the broker has forgotten this process. A lost
// connection is not that: the transport restores it with its subscriptions.
func (b *Bus) hearMyself() {
	err := b.Ping(b.work.ctx)
	if !errors.Is(err, errDeaf) || b.work.ctx.Err() != nil {
		return
	}
	b.log.Warn("bus: subscribing again", "name", b.config.Name, "error", err)
	b.mu.Lock()
	all := b.subscriptions
	b.mu.Unlock()
	for _, s := range all {
		s.renew.send()
	}
	b.wakeAll()
}
