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

// Outgoing returns what ctx carries as baggage with the place of its trace (W3C
// traceparent): for a message, or a row that outlives the process.
func Outgoing(ctx context.Context) map[string]string {
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

// Incoming is the other end of Outgoing: ctx with the baggage b, and under the
// span that b names.
func Incoming(ctx context.Context, b map[string]string) context.Context {
	return propagation.TraceContext{}.Extract(Restore(ctx, b), propagation.MapCarrier(b))
}
