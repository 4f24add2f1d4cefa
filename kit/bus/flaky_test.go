package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// flaky is a transport that can be told to misbehave.
type flaky struct {
	bus.Transport
	lossy atomic.Bool // nothing that is published arrives

	mu   sync.Mutex
	subs []*flakySub
}

type flakySub struct {
	deaf atomic.Bool
	end  context.CancelFunc
}

func newFlaky(sound bus.Transport) *flaky { return &flaky{Transport: sound} }

func (f *flaky) transport() bus.Transport {
	return bus.Transport{Publisher: flakyEnd{f, nil}, Broadcast: flakyEnd{f, f.Broadcast}, Queue: flakyEnd{f, f.Queue}}
}

// each does something to all subscriptions there are now.
func (f *flaky) each(do func(*flakySub)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.subs {
		do(s)
	}
}

type flakyEnd struct {
	f    *flaky
	from message.Subscriber
}

func (e flakyEnd) Publish(topic string, messages ...*message.Message) error {
	if e.f.lossy.Load() {
		return nil
	}
	return e.f.Publisher.Publish(topic, messages...)
}

func (e flakyEnd) Subscribe(ctx context.Context, topic string) (<-chan *message.Message, error) {
	s := &flakySub{}
	ctx, s.end = context.WithCancel(ctx)
	in, err := e.from.Subscribe(ctx, topic)
	if err != nil {
		return nil, err
	}
	e.f.mu.Lock()
	e.f.subs = append(e.f.subs, s)
	e.f.mu.Unlock()
	out := make(chan *message.Message)
	go func() {
		defer close(out)
		for m := range in {
			if s.deaf.Load() {
				m.Ack()
				continue
			}
			select {
			case out <- m:
			case <-ctx.Done():
			}
		}
	}()
	return out, nil
}

func (flakyEnd) Close() error { return nil }

const testTick = 50 * time.Millisecond

func TestLostSubscriptionsAreRenewed(t *testing.T) {
	ways := map[string]func(*flakySub){
		"closed": func(s *flakySub) { s.end() },
		"deaf":   func(s *flakySub) { s.deaf.Store(true) },
	}
	for name, hurt := range ways {
		for _, tick := range []time.Duration{testTick, time.Hour} {
			t.Run(fmt.Sprint(name, " ", tick), func(t *testing.T) {
				broken := newFlaky(bustest.Broker(t, bustest.GoChannel)(t))
				// One bus is both ends: without a tick only its failing calls can tell it.
				b := bustest.Start(t, bus.Params{Transport: broken.transport(), Config: bus.Config{Tick: tick, Deadline: testTick}})
				echo.Serve(b, func(_ context.Context, s string) (string, error) { return s, nil })
				if _, err := echo.Call(t.Context(), b, "x"); err != nil {
					t.Fatal(err)
				}
				if err := b.Ping(t.Context()); err != nil {
					t.Error(err)
				}
				broken.each(hurt)
				eventually(t, "a call succeeds", func() bool {
					_, err := echo.Call(t.Context(), b, "x")
					return err == nil
				})
			})
		}
	}
}

func TestAPingTellsABusThatIsDeaf(t *testing.T) {
	broken := newFlaky(bustest.Broker(t, bustest.GoChannel)(t))
	b := bustest.Start(t, bus.Params{Transport: broken.transport(), Config: bus.Config{Deadline: testTick}})
	broken.lossy.Store(true)
	if err := b.Ping(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}

func TestEventsArriveWithoutABroker(t *testing.T) {
	open := func(t *testing.T, url string) *db.DB {
		d, err := db.Open(db.Config{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = d.Close() })
		if err := d.Migrate(t.Context(), bus.Migrations, effects); err != nil {
			t.Fatal(err)
		}
		return d
	}
	urls := map[string]func(t *testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + t.TempDir() + "/shared.db" },
		"postgres": func(t *testing.T) string { return dbtest.PostgresURL(t) },
	}
	for name, url := range urls {
		t.Run(name, func(t *testing.T) {
			url := url(t)
			broken := newFlaky(bustest.Broker(t, bustest.GoChannel)(t))
			broken.lossy.Store(true)
			start := func() (*bus.Bus, *db.DB) {
				d := open(t, url)
				return bustest.Start(t, bus.Params{Transport: broken.transport(), DB: d, Config: bus.Config{Tick: testTick}}), d
			}
			_, here := start()
			there, _ := start()
			var seen notes
			bus.On(there, "l", func(_ context.Context, _ *db.Tx, e born) error { seen.add(e.ID); return nil })
			publish(t, here, born{"1"})
			seen.wait(t, "1")
			publish(t, here, born{"2"}, born{"3"})
			seen.wait(t, "1", "2", "3")
		})
	}
}

func TestEventsOfOtherDatabases(t *testing.T) {
	for _, kind := range bustest.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			each(t, func(t *testing.T, here *db.DB) {
				there := dbtest.SQLite(t, bus.Migrations, effects)
				connect := bustest.Broker(t, kind)
				start := func(d *db.DB) (*bus.Bus, *flaky) {
					f := newFlaky(connect(t))
					return bustest.Start(t, bus.Params{Transport: f.transport(), DB: d, Config: bus.Config{Tick: testTick, Deadline: time.Second}}), f
				}
				_, publisher := start(here)
				b, reader := start(there)
				publish(t, here, born{"early 1"}, gone{"skipped"}, born{"early 2"})
				var seen notes
				bus.On(b, "l", func(ctx context.Context, tx *db.Tx, e born) error {
					seen.add(e.ID)
					return write(ctx, tx, e.ID)
				})
				seen.wait(t, "early 1", "early 2")

				publisher.lossy.Store(true)
				reader.lossy.Store(true)
				want := []string{"early 1", "early 2"}
				for i := range 150 {
					publish(t, here, born{fmt.Sprint(i)})
					want = append(want, fmt.Sprint(i))
				}
				publisher.lossy.Store(false)
				reader.lossy.Store(false)
				seen.wait(t, want...)
				eventually(t, "all is committed", func() bool { return count(t, there, "effects") == len(want) })
				if n := count(t, here, "effects"); n != 0 {
					t.Error(n)
				}
			})
		})
	}
}

func TestAListenerMayGrowWhileItRuns(t *testing.T) {
	each(t, func(t *testing.T, d *db.DB) {
		b := bustest.New(t, d)
		var first, second notes
		bus.On(b, "l", func(_ context.Context, _ *db.Tx, e born) error { first.add(e.ID); return nil })
		var many []bus.Event
		var want []string
		for i := range 250 {
			many, want = append(many, born{fmt.Sprint(i)}), append(want, fmt.Sprint(i))
		}
		publish(t, d, append(many, gone{"1"})...)
		first.wait(t, want...)
		bus.On(b, "l", func(_ context.Context, _ *db.Tx, e gone) error { second.add(e.ID); return nil })
		second.wait(t, "1")
		publish(t, d, born{"2"}, gone{"2"})
		first.wait(t, append(want, "2")...)
		second.wait(t, "1", "2")
	})
}
