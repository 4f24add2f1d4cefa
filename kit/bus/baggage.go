package bus

import (
	"context"
	"maps"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

type baggageKey struct{}

// WithBaggage returns ctx with one string that travels with every call, event
// and flow begun under it: across processes in message metadata, across crashes
// in the flow's row. It is for small things such as who is calling.
func WithBaggage(ctx context.Context, key, value string) context.Context {
	b := maps.Clone(Baggage(ctx))
	if b == nil {
		b = map[string]string{}
	}
	b[key] = value
	return context.WithValue(ctx, baggageKey{}, b)
}

// Baggage returns what travels with ctx. It must not be changed.
func Baggage(ctx context.Context) map[string]string {
	b, _ := ctx.Value(baggageKey{}).(map[string]string)
	return b
}

// Restore returns ctx carrying exactly the baggage b.
func Restore(ctx context.Context, b map[string]string) context.Context {
	return context.WithValue(ctx, baggageKey{}, b)
}

// outgoing is the baggage of ctx with its trace (W3C traceparent), for a message.
func outgoing(ctx context.Context) map[string]string {
	b := Baggage(ctx)
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return b
	}
	b = maps.Clone(b)
	if b == nil {
		b = map[string]string{}
	}
	propagation.TraceContext{}.Inject(ctx, propagation.MapCarrier(b))
	return b
}

// incoming returns ctx as it was where the message with baggage b came from.
func incoming(ctx context.Context, b map[string]string) context.Context {
	return propagation.TraceContext{}.Extract(Restore(ctx, b), propagation.MapCarrier(b))
}
