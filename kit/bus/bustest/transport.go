package bustest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/fault"
)

const wait = 10 * time.Second

// TestTransport checks what the bus expects of a transport. It calls broker in
// each subtest; every call of connect joins the same broker as another process would.
func TestTransport(t *testing.T, broker func(*testing.T) (connect func() bus.Transport)) {
	tests := map[string]func(*testing.T, func() bus.Transport){
		"what is published after subscribing arrives": nothingIsMissed,
		"a broadcast reaches everybody":               broadcast,
		"a queue gives a message to one":              queue,
		"a queue outlives its members":                queueMembers,
		"messages arrive unchanged":                   unchanged,
		"the largest message passes":                  largest,
		"a subscription ends with its context":        ends,
		"no call is lost":                             calls,
		"a call nobody serves fails":                  unserved,
		"publishing from many goroutines":             concurrent,
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) { f(t, broker(t)) })
	}
}

func subscribe(t *testing.T, s message.Subscriber, topic string) <-chan *message.Message {
	t.Helper()
	in, err := s.Subscribe(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func publish(t *testing.T, p message.Publisher, topic string, messages ...*message.Message) {
	t.Helper()
	if err := p.Publish(topic, messages...); err != nil {
		t.Fatal(err)
	}
}

// texts makes n messages that say which they are.
func texts(n int) (out []*message.Message) {
	for i := range n {
		out = append(out, message.NewMessage(fmt.Sprint(i), []byte(fmt.Sprint("text ", i))))
	}
	return out
}

// receive takes n messages, acknowledging each, and counts them by id.
func receive(t *testing.T, n int, from ...<-chan *message.Message) map[string]int {
	t.Helper()
	got, all, done := map[string]int{}, make(chan *message.Message), make(chan struct{})
	var forwarders sync.WaitGroup
	defer forwarders.Wait()
	defer close(done)
	for _, c := range from {
		forwarders.Go(func() {
			for {
				select {
				case m, ok := <-c:
					if !ok {
						return
					}
					m.Ack()
					all <- m
				case <-done:
					return
				}
			}
		})
	}
	timeout := time.After(wait)
	for range n {
		select {
		case m := <-all:
			got[m.UUID]++
		case <-timeout:
			t.Fatalf("%d of %d messages arrived", len(got), n)
		}
	}
	return got
}

func nothingIsMissed(t *testing.T, connect func() bus.Transport) {
	a, b := connect(), connect()
	for i := range 50 {
		topic := fmt.Sprint("test.missed.", i)
		in := subscribe(t, b.Broadcast, topic)
		publish(t, a.Publisher, topic, texts(1)...)
		receive(t, 1, in)
	}
}

func broadcast(t *testing.T, connect func() bus.Transport) {
	a, b := connect(), connect()
	ins := []<-chan *message.Message{
		subscribe(t, a.Broadcast, "test.all"), subscribe(t, b.Broadcast, "test.all"), subscribe(t, b.Broadcast, "test.all"),
	}
	publish(t, a.Publisher, "test.all", texts(20)...)
	for id, times := range receive(t, 60, ins...) {
		if times != 3 {
			t.Errorf("message %s arrived %d times", id, times)
		}
	}
}

func queue(t *testing.T, connect func() bus.Transport) {
	a, b := connect(), connect()
	ins := []<-chan *message.Message{
		subscribe(t, a.Queue, "test.one"), subscribe(t, b.Queue, "test.one"), subscribe(t, b.Queue, "test.one"),
	}
	watch := subscribe(t, a.Broadcast, "test.one")
	publish(t, b.Publisher, "test.one", texts(100)...)
	for id, times := range receive(t, 200, append(ins, watch)...) {
		if times != 2 {
			t.Errorf("message %s arrived %d times, want once in the queue and once beside it", id, times)
		}
	}
}

func queueMembers(t *testing.T, connect func() bus.Transport) {
	a, b := connect(), connect()
	for i := range 5 {
		topic := fmt.Sprint("test.leave.", i)
		ctx, leave := context.WithCancel(t.Context())
		first, err := a.Queue.Subscribe(ctx, topic)
		if err != nil {
			t.Fatal(err)
		}
		second := subscribe(t, b.Queue, topic)
		leave()
		closed(t, first)
		publish(t, a.Publisher, topic, texts(10)...)
		receive(t, 10, second)
	}
}

func unchanged(t *testing.T, connect func() bus.Transport) {
	a, b := connect(), connect()
	in := subscribe(t, b.Queue, "test.same")
	m := message.NewMessage("the id", []byte("\x00\r\n\xff body"))
	m.Metadata["json"] = `{"who":"\u00fcnd \r\n \"ann\" 漢"}`
	m.Metadata["Case-Matters"], m.Metadata["case-matters"] = "A", "a"
	publish(t, a.Publisher, "test.same", m)
	select {
	case got := <-in:
		got.Ack()
		if !got.Equals(m) {
			t.Errorf("got %q %v %q", got.UUID, got.Metadata, got.Payload)
		}
	case <-time.After(wait):
		t.Fatal("nothing arrived")
	}
}

func largest(t *testing.T, connect func() bus.Transport) {
	a, b := connect(), connect()
	in := subscribe(t, b.Queue, "test.large")
	m := message.NewMessage("large", []byte(strings.Repeat("x", bus.MaxMessage-400)))
	publish(t, a.Publisher, "test.large", m)
	receive(t, 1, in)
}

func closed(t *testing.T, in <-chan *message.Message) {
	t.Helper()
	timeout := time.After(wait)
	for {
		select {
		case _, ok := <-in:
			if !ok {
				return
			}
		case <-timeout:
			t.Fatal("the subscription did not end")
		}
	}
}

func ends(t *testing.T, connect func() bus.Transport) {
	a := connect()
	for name, s := range map[string]message.Subscriber{"broadcast": a.Broadcast, "queue": a.Queue} {
		ctx, end := context.WithCancel(t.Context())
		in, err := s.Subscribe(ctx, "test.end")
		if err != nil {
			t.Fatal(name, err)
		}
		publish(t, a.Publisher, "test.end", texts(3)...) // one of them not acknowledged
		end()
		closed(t, in)
	}
}

func concurrent(t *testing.T, connect func() bus.Transport) {
	a, b := connect(), connect()
	in := subscribe(t, b.Broadcast, "test.many")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for _, m := range texts(100) {
				if err := a.Publisher.Publish("test.many", m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for id, times := range receive(t, 800, in) {
		if times != 8 {
			t.Errorf("message %s arrived %d of 8 times", id, times)
		}
	}
	wg.Wait()
}

func calls(t *testing.T, connect func() bus.Transport) {
	server, client := Start(t, bus.Params{Transport: connect()}), Start(t, bus.Params{Transport: connect()})
	double := bus.Method[int, int]("test.double")
	double.Serve(server, func(_ context.Context, n int) (int, error) { return 2 * n, nil })
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 500 {
				n := g*1000 + i
				if got, err := double.Call(t.Context(), client, n); err != nil || got != 2*n {
					t.Errorf("%d: %d, %v", n, got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func unserved(t *testing.T, connect func() bus.Transport) {
	client := Start(t, bus.Params{Transport: connect(), Config: bus.Config{Deadline: 100 * time.Millisecond}})
	if _, err := bus.Method[int, int]("test.nobody").Call(t.Context(), client, 1); fault.Of(err) != fault.Unavailable {
		t.Error(err)
	}
}
