package rest

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/nacre-cloud/nacre/kit/bus"
)

const tracerName = "github.com/nacre-cloud/nacre/kit/rest"

// traceContext reads and writes the keys traceparent and tracestate, in HTTP
// headers and in the bus's baggage alike.
var traceContext propagation.TraceContext

// TraceToBaggage returns ctx whose baggage continues its current span. A flow or
// a call that is handed the baggage takes the span up with TraceFromBaggage.
func TraceToBaggage(ctx context.Context) context.Context {
	carrier := propagation.MapCarrier{}
	traceContext.Inject(ctx, carrier)
	for k, v := range carrier {
		ctx = bus.WithBaggage(ctx, k, v)
	}
	return ctx
}

// TraceFromBaggage returns ctx under the span that its baggage names, if any.
func TraceFromBaggage(ctx context.Context) context.Context {
	return traceContext.Extract(ctx, propagation.MapCarrier(bus.Baggage(ctx)))
}

// startSpan begins the server's span of a request; finishSpan ends it.
func (m *mount) startSpan(r *http.Request) (context.Context, trace.Span) {
	ctx := traceContext.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	return m.site.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
}

func finishSpan(span trace.Span, x *exchange) {
	if span.IsRecording() {
		span.SetName(x.request.Method + " " + x.route)
		span.SetAttributes(
			attribute.String("http.request.method", x.request.Method),
			attribute.String("http.route", x.route),
			attribute.String("url.path", x.request.URL.Path),
			attribute.Int("http.response.status_code", x.status),
			attribute.String("nacre.request_id", x.id),
		)
		if x.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, http.StatusText(x.status))
			if x.failed != nil {
				span.RecordError(x.failed)
			}
		}
	}
	span.End()
}
