package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/kit/bus"
)

// Keys of the baggage that follows every request.
const (
	RequestIDKey       = "request-id"        // "req-<uuid>", made here
	GlobalRequestIDKey = "global-request-id" // the caller's own, when it sent one
)

const requestIDHeader = "X-Openstack-Request-Id"

// RequestID returns the id of the request that caused what runs under ctx, in
// whichever process, or an empty string.
func RequestID(ctx context.Context) string { return bus.Baggage(ctx)[RequestIDKey] }

// GlobalRequestID returns the id that the caller gave its request, or an empty string.
func GlobalRequestID(ctx context.Context) string { return bus.Baggage(ctx)[GlobalRequestIDKey] }

func newRequestID() string { return "req-" + uuid.NewString() }

// globalID returns the id a request came with, when it is one.
func globalID(h http.Header) string {
	id := h.Get(requestIDHeader)
	if rest, ok := strings.CutPrefix(id, "req-"); ok && uuid.Validate(rest) == nil {
		return id
	}
	return ""
}

// withBaggage puts what must follow a request onto ctx.
func withBaggage(ctx context.Context, id string, h http.Header) context.Context {
	b := map[string]string{RequestIDKey: id}
	if global := globalID(h); global != "" {
		b[GlobalRequestIDKey] = global
	}
	return bus.Restore(ctx, b)
}
