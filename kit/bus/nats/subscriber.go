package nats

import (
	"context"
	"sync"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/nats-io/nats.go"

	"github.com/nacre-cloud/nacre/kit/fault"
)

const flushTimeout = 5 * time.Second

// subscriber is ours because watermill-nats may send on a channel it has just
// closed, which ends the process, and returns before the server knows of the
// subscription.
type subscriber struct {
	conn  *nats.Conn
	queue string // the group, or empty to receive everything

	closing context.Context
	close   context.CancelFunc

	mu   sync.Mutex // no subscription may be added once Close waits
	open sync.WaitGroup
}

func newSubscriber(conn *nats.Conn, queue string) *subscriber {
	s := &subscriber{conn: conn, queue: queue}
	s.closing, s.close = context.WithCancel(context.Background())
	return s
}

// Subscribe returns when the server knows of it. While there is no connection
// the server is told as soon as there is.
func (s *subscriber) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	if !s.enter() {
		return nil, fault.Unavailable.Errorf("subscribe to %s: the NATS client has stopped", topic)
	}
	ctx, end := context.WithCancel(ctx)
	out := make(chan *message.Message)
	sub, err := s.conn.QueueSubscribe(subject(topic), s.queue, func(m *nats.Msg) { forward(ctx, out, decode(m)) })
	if err != nil {
		end()
		s.open.Done()
		return nil, fault.Unavailable.Wrap(err, "subscribe to %s", topic)
	}
	stop := context.AfterFunc(s.closing, end)
	sub.SetClosedHandler(func(string) { // after the last message
		stop()
		end()
		close(out)
		s.open.Done()
	})
	context.AfterFunc(ctx, func() { _ = sub.Unsubscribe() }) // it fails when the connection is gone, and with it the subscription
	if s.conn.IsConnected() {
		if err := s.conn.FlushTimeout(flushTimeout); err != nil && s.conn.IsConnected() {
			end()
			return nil, fault.Unavailable.Wrap(err, "subscribe to %s", topic)
		}
	}
	return out, nil
}

func (s *subscriber) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Err() != nil {
		return false
	}
	s.open.Add(1)
	return true
}

// forward delivers m until it is acknowledged.
func forward(ctx context.Context, out chan<- *message.Message, m *message.Message) {
	for {
		attempt := m.Copy()
		own, end := context.WithCancel(ctx)
		attempt.SetContext(own)
		select {
		case out <- attempt:
		case <-ctx.Done():
			end()
			return
		}
		select {
		case <-attempt.Acked():
			end()
			return
		case <-attempt.Nacked():
			end()
		case <-ctx.Done():
			end()
			return
		}
	}
}

// Close ends every subscription and waits for them.
func (s *subscriber) Close() error {
	s.mu.Lock()
	s.close()
	s.mu.Unlock()
	s.open.Wait()
	return nil
}

var _ message.Subscriber = (*subscriber)(nil)
