package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/fault"
)

const (
	echo  = bus.Method[string, string]("test.echo")
	fails = bus.Method[string, bus.None]("test.fails")
	slow  = bus.Method[time.Duration, bool]("test.slow")
)

var errNoRoom = fault.Exhausted.Reason("test.no-room")

func TestCalls(t *testing.T) {
	bustest.Each(t, func(t *testing.T, server, client *bus.Bus) {
		ctx := t.Context()
		echo.Serve(server, func(ctx context.Context, s string) (string, error) { return s + bus.Baggage(ctx)["who"], nil })
		echo.To("node-1.example com>*").Serve(server, func(_ context.Context, s string) (string, error) { return "host " + s, nil })
		fails.Serve(server, bus.NoResult(func(_ context.Context, how string) error {
			switch how {
			case "reason":
				return errNoRoom.Errorf("host\nis full")
			case "panic":
				panic("oops")
			case "kind":
				return fault.NotFound.Errorf("no such thing")
			}
			return nil
		}))
		t.Run("result", func(t *testing.T) {
			if got, err := echo.Call(bus.WithBaggage(ctx, "who", " ünd\r\nann"), client, "hello"); err != nil || got != "hello ünd\r\nann" {
				t.Errorf("%q %v", got, err)
			}
		})
		t.Run("to a host", func(t *testing.T) {
			if got, err := echo.To("node-1.example com>*").Call(ctx, client, "x"); err != nil || got != "host x" {
				t.Errorf("%q %v", got, err)
			}
		})
		t.Run("from itself", func(t *testing.T) {
			if got, err := echo.Call(ctx, server, "me"); err != nil || got != "me" {
				t.Errorf("%q %v", got, err)
			}
		})
		t.Run("no result", func(t *testing.T) {
			if _, err := fails.Call(ctx, client, "not"); err != nil {
				t.Error(err)
			}
		})
		for how, want := range map[string]error{"reason": errNoRoom, "panic": fault.Internal, "kind": fault.NotFound} {
			t.Run("fault by "+how, func(t *testing.T) {
				if _, err := fails.Call(ctx, client, how); !errors.Is(err, want) || fault.Of(err) != fault.ReasonOf(want).Kind {
					t.Error(err)
				}
			})
		}
		t.Run("message of a fault", func(t *testing.T) {
			if _, err := fails.Call(ctx, client, "reason"); err == nil || err.Error() != "host\nis full" {
				t.Error(err)
			}
		})
		t.Run("nobody serves", func(t *testing.T) {
			began := time.Now()
			_, err := echo.To("nobody").Call(ctx, client, "x")
			if !errors.Is(err, fault.Unavailable) || time.Since(began) > 5*time.Second {
				t.Error(err, time.Since(began))
			}
		})
		t.Run("large", func(t *testing.T) {
			if got, err := echo.Call(ctx, client, strings.Repeat("x", bus.MaxMessage-1000)); err != nil || len(got) != bus.MaxMessage-1000 {
				t.Error(len(got), err)
			}
		})
		t.Run("too large", func(t *testing.T) {
			if _, err := echo.Call(ctx, client, strings.Repeat("x", bus.MaxMessage)); !errors.Is(err, bus.ErrTooLarge) {
				t.Error(err)
			}
			grow := bus.Method[int, string]("test.grow")
			grow.Serve(server, func(_ context.Context, n int) (string, error) { return strings.Repeat("x", n), nil })
			if _, err := grow.Call(ctx, client, bus.MaxMessage); !errors.Is(err, bus.ErrTooLarge) {
				t.Error(err)
			}
		})
	})
}

func TestDeadlineStopsBothEnds(t *testing.T) {
	bustest.Each(t, func(t *testing.T, server, client *bus.Bus) {
		ended := make(chan error)
		slow.Serve(server, func(ctx context.Context, _ time.Duration) (bool, error) {
			<-ctx.Done()
			ended <- ctx.Err() // once the caller has gone
			return true, nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := slow.Call(ctx, client, 0); !errors.Is(err, fault.Unavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestEveryCallHasADeadline(t *testing.T) {
	b := bustest.Start(t, bus.Params{Config: bus.Config{Deadline: 20 * time.Millisecond}})
	over := make(chan struct{})
	defer close(over)
	slow.Serve(b, func(context.Context, time.Duration) (bool, error) {
		<-over
		return true, nil
	})
	longer := bus.Method[bus.None, time.Duration]("test.longer")
	longer.Serve(b, func(ctx context.Context, _ bus.None) (time.Duration, error) {
		deadline, _ := ctx.Deadline()
		return time.Until(deadline), nil
	})
	if _, err := slow.Call(t.Context(), b, 0); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a call of a caller without a deadline: %v", err)
	}
	if left, err := longer.Call(bus.Within(t.Context(), time.Hour), b, bus.None{}); err != nil || left < 59*time.Minute {
		t.Errorf("an order that may take an hour has %v: %v", left, err)
	}
	ctx, cancel := context.WithTimeout(bus.Within(t.Context(), time.Hour), time.Minute)
	defer cancel()
	if left, err := longer.Call(ctx, b, bus.None{}); err != nil || left > time.Minute+time.Second {
		t.Errorf("an order of a caller with a minute has %v: %v", left, err)
	}
}

func TestNoCallIsLost(t *testing.T) {
	bustest.Each(t, func(t *testing.T, server, client *bus.Bus) {
		echo.Serve(server, func(_ context.Context, s string) (string, error) { return s, nil })
		var wg sync.WaitGroup
		for g := range 16 {
			wg.Go(func() {
				for i := range 500 {
					want := fmt.Sprint(g, ":", i)
					if got, err := echo.Call(t.Context(), client, want); err != nil || got != want {
						t.Errorf("%q %v", got, err)
						return
					}
				}
			})
		}
		wg.Wait()
	})
}

func TestOneServerAnswersACall(t *testing.T) {
	for _, kind := range bustest.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			connect := bustest.Broker(t, kind)
			var seen notes
			for i := range 3 {
				b := bustest.Start(t, bus.Params{Transport: connect(t)})
				echo.Serve(b, func(_ context.Context, s string) (string, error) { seen.add(fmt.Sprint(i)); return s, nil })
			}
			client := bustest.Start(t, bus.Params{Transport: connect(t)})
			for range 100 {
				if _, err := echo.Call(t.Context(), client, "x"); err != nil {
					t.Fatal(err)
				}
			}
			if n := len(seen.all()); n != 100 {
				t.Errorf("%d times handled", n)
			}
		})
	}
}

func TestStopWaitsForHandlers(t *testing.T) {
	bustest.Each(t, func(t *testing.T, server, client *bus.Bus) {
		began, release := make(chan struct{}), make(chan struct{})
		begin := sync.OnceFunc(func() { close(began) })
		slow.Serve(server, func(context.Context, time.Duration) (bool, error) { begin(); <-release; return true, nil })
		answer := make(chan error, 1)
		go func() {
			ok, err := slow.Call(t.Context(), client, 0)
			if !ok && err == nil {
				err = errors.New("wrong answer")
			}
			answer <- err
		}()
		<-began
		stopped := make(chan error, 1)
		go func() { stopped <- server.Stop(t.Context()) }()
		eventually(t, "nothing is taken in", func() bool {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, err := slow.Call(ctx, client, 0)
			return errors.Is(err, fault.Unavailable)
		})
		select {
		case err := <-stopped:
			t.Fatal("stopped before the handler had ended", err)
		default:
		}
		close(release)
		if err := errors.Join(<-answer, <-stopped); err != nil {
			t.Error(err)
		}
		if _, err := echo.Call(t.Context(), server, "x"); !errors.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	})
}

func TestMistakesOfTheProgramPanic(t *testing.T) {
	b := bus.New(bus.Params{})
	serve := func() { echo.Serve(b, func(_ context.Context, s string) (string, error) { return s, nil }) }
	serve()
	tests := map[string]func(){
		"serving twice":                serve,
		"listening without a database": func() { bus.On[born](b, "l", nil) },
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}
