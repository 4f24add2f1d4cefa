package bustest_test

import (
	"testing"

	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"go.uber.org/goleak"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTransports(t *testing.T) {
	for _, kind := range bustest.Kinds {
		t.Run(string(kind), func(t *testing.T) {
			bustest.TestTransport(t, func(t *testing.T) func() bus.Transport {
				connect := bustest.Broker(t, kind)
				return func() bus.Transport { return connect(t) }
			})
		})
	}
}

// The rest of watermill's own suite publishes before it subscribes: it is for
// brokers that keep messages, and the bus needs none that does.
func TestMessageContextOfWatermillsSuite(t *testing.T) {
	ends := map[string]func(bus.Transport) message.Subscriber{
		"broadcast": func(t bus.Transport) message.Subscriber { return t.Broadcast },
		"queue":     func(t bus.Transport) message.Subscriber { return t.Queue },
	}
	for _, kind := range bustest.Kinds {
		for name, end := range ends {
			t.Run(string(kind)+" "+name, func(t *testing.T) {
				tests.TestMessageCtx(t, tests.TestContext{TestID: tests.NewTestID()}, func(t *testing.T) (message.Publisher, message.Subscriber) {
					transport := bustest.Broker(t, kind)(t)
					return transport.Publisher, end(transport)
				})
			})
		}
	}
}
