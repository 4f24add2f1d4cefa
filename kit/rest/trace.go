package rest

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

const tracerName = "github.com/nacre-cloud/nacre/kit/rest"

// startSpan begins the server's span of a request; finishSpan ends it.
func (m *mount) startSpan(r *http.Request) (context.Context, trace.Span) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
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
