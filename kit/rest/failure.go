package rest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

// WithStatus gives err an exact HTTP status, for the few that no fault.Kind
// stands for, such as 412. The error keeps its kind and message.
func WithStatus(code int, err error) error { return &statusError{code, err} }

type statusError struct {
	status int
	err    error
}

func (e *statusError) Error() string { return e.err.Error() }

func (e *statusError) Unwrap() error { return e.err }

// clientGone is what logs and metrics show when nobody waits for the answer.
const clientGone = 499

// A failure is an error on its way to a client.
type failure struct {
	err      error
	reason   fault.Reason
	status   int // 0 means that the face decides
	unrouted bool
}

func failureOf(err error) failure {
	f := failure{err: err, reason: fault.ReasonOf(err)}
	var s *statusError
	if errors.As(err, &s) {
		f.status = s.status
	}
	return f
}

// fail answers x with an error body in the face's dialect.
func (m *mount) fail(x *exchange, f failure) {
	if x.context().Err() != nil && errors.Is(f.err, context.Canceled) {
		f.status = clientGone
	}
	p := dialect.Problem{
		Status: m.face.status(f), Reason: f.reason, Message: f.err.Error(), RequestID: x.id,
		Version: x.version.String(), Unrouted: f.unrouted,
	}
	if v := m.versions; v != nil {
		p.Min, p.Max = v.min.String(), v.max.String()
	}
	if f.reason.Kind == fault.Internal && f.status == 0 {
		m.site.log.LogAttrs(x.context(), slog.LevelError, "request failed",
			slog.String("request", x.id), slog.String("route", x.route), slog.Any("error", f.err))
		p.Message = "an unexpected error occurred; tell the operator the request id " + x.id
	}
	x.failed = f.err
	if x.wrote {
		// The body is cut short: only a broken connection says so to the client.
		panic(http.ErrAbortHandler)
	}
	h := x.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Content-Range", "Etag", "Last-Modified"} {
		h.Del(name)
	}
	if p.Status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", `Keystone uri="`+m.site.identityURL(x.request, m)+`"`)
	}
	if p.Status == http.StatusRequestTimeout {
		// The rest of the body is not worth waiting for.
		h.Set("Connection", "close")
	}
	x.respond(p.Status, m.face.Dialect(h, p))
}

func (m *mount) notFound(x *exchange) {
	m.fail(x, failure{
		err:      fault.NotFound.Errorf("the resource could not be found"),
		reason:   fault.Reason{Kind: fault.NotFound},
		unrouted: true,
	})
}
