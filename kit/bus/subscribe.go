package bus

import (
	"context"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
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

// hearMyself sends a message to itself through the broker. When it does not
// come back the broker has forgotten this process, which subscribes anew.
func (b *Bus) hearMyself() {
	ctx, cancel := context.WithTimeout(b.work.ctx, min(5*time.Second, b.config.Deadline, b.config.Tick))
	defer cancel()
	id, answer := b.calls.expect()
	defer b.calls.forget(id)
	m := message.NewMessage(id, nil)
	m.Metadata[MetadataCall] = id
	if err := b.transport.Publisher.Publish(b.calls.topic, m); err != nil {
		return // there is no connection: the transport restores it with its subscriptions
	}
	select {
	case <-answer:
		return
	case <-ctx.Done():
	}
	if b.work.ctx.Err() != nil {
		return
	}
	b.log.Warn("bus: the broker does not bring my own messages, subscribing again", "name", b.config.Name)
	b.mu.Lock()
	all := b.subscriptions
	b.mu.Unlock()
	for _, s := range all {
		s.renew.send()
	}
	b.wakeAll()
}
