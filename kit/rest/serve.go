package rest

import (
	"context"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// ServeHTTP does for every request of a face what does not depend on the route.
func (m *mount) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	ctx, span := m.startSpan(r)
	id := newRequestID()
	r = r.WithContext(withBaggage(ctx, id, r.Header))
	x := &exchange{ResponseWriter: w, id: id, route: unmatched, status: http.StatusOK}
	x.request, x.path = m.find(r)
	m.stamp(w.Header(), id)
	if r.ContentLength != 0 {
		// Also what is refused unread has to arrive before the reply is sent.
		// Recorders in tests have no deadlines; real connections do.
		_ = http.NewResponseController(w).SetReadDeadline(start.Add(m.site.config.Limits.Body))
	}
	m.site.metrics.begin()
	defer func() {
		finishSpan(span, x)
		m.site.observe(m.face.Name, x, time.Since(start))
	}()
	defer func() { m.recovered(x, recover()) }()
	if !wellFormed(x.request) {
		m.fail(x, failureOf(fault.Invalid.Errorf("the request's path or query is not UTF-8 text")))
		return
	}
	m.mux.ServeHTTP(x, x.request)
}

const unmatched = "none"

// stamp sets the headers that every response of the face has.
func (m *mount) stamp(h http.Header, id string) {
	h[requestIDHeader] = []string{id}
	for _, name := range m.face.RequestIDHeaders {
		h.Set(name, id)
	}
	if m.face.Decorate != nil {
		m.face.Decorate(h, id)
	}
}

// recovered answers a request whose handler panicked.
func (m *mount) recovered(x *exchange, p any) {
	if p == nil {
		return
	}
	//nolint:errorlint // net/http compares this sentinel by identity too.
	if p == http.ErrAbortHandler {
		panic(p)
	}
	m.fail(x, failureOf(fault.Internal.Errorf("panic: %v\n%s", p, debug.Stack())))
}

// wellFormed refuses bytes that no database takes.
func wellFormed(r *http.Request) bool {
	text := func(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
	query := r.URL.RawQuery
	if plain, err := url.QueryUnescape(query); err == nil {
		query = plain
	}
	return text(r.URL.Path) && text(query)
}

// serve returns what the router calls for one method and path.
func (m *mount) serve(c call, routes []Route) http.HandlerFunc {
	label := m.prefix + c.path
	return func(w http.ResponseWriter, hr *http.Request) {
		x := w.(*exchange)
		x.route = label
		if !plainSegments(hr) {
			m.notFound(x)
			return
		}
		r := &Request{HTTP: hr, exchange: x, mount: m}
		reply, err := m.answer(r, routes)
		if err == nil {
			err = r.send(reply)
		}
		if err != nil {
			m.fail(x, failureOf(err))
		}
	}
}

// plainSegments refuses path parameters that are empty or that name a directory.
func plainSegments(r *http.Request) bool {
	params := chi.RouteContext(r.Context()).URLParams
	for i, key := range params.Keys {
		if v := params.Values[i]; key != "*" && (v == "" || v == "." || v == "..") {
			return false
		}
	}
	return true
}

// answer finds out who calls, at which version, and asks the handler.
func (m *mount) answer(r *Request, routes []Route) (Response, error) {
	ctx, err := m.site.authenticate(r.Context(), &routes[0], r.Header("X-Auth-Token"))
	if err != nil {
		return Response{}, err
	}
	if ctx != r.Context() {
		r.HTTP = r.HTTP.WithContext(ctx)
		r.exchange.request = r.HTTP
	}
	r.version, err = m.versions.negotiate(r.HTTP.Header, r.exchange.Header())
	if err != nil {
		return Response{}, err
	}
	r.exchange.version = r.version
	route, ok := pick(routes, r.version)
	if !ok {
		return Response{}, fault.NotFound.Errorf("this call is not part of version %s", r.version)
	}
	r.route = route
	r.open()
	if m.face.Admit != nil {
		if err := m.face.Admit(r); err != nil {
			return Response{}, err
		}
	}
	return route.handler(r)
}

// keptBuffer is the largest buffer that is used again.
const keptBuffer = 8 << 20

var buffers = sync.Pool{New: func() any { return new([]byte) }}

// send writes a handler's response.
func (r *Request) send(p Response) error {
	x := r.exchange
	h := x.Header()
	for name, values := range p.header {
		h[name] = values
	}
	if p.stream != nil {
		return r.sendStream(p)
	}
	status := p.status
	if status == 0 {
		status = r.route.status
	}
	if !p.bodied {
		if status == 0 {
			status = http.StatusNoContent
		}
		x.respond(status, nil)
		return nil
	}
	if status == 0 {
		status = http.StatusOK
	}
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= keptBuffer {
			buffers.Put(buf)
		}
	}()
	body, err := microversion.Append((*buf)[:0], p.body, microversion.Options{Version: r.version, Only: p.only})
	*buf = body
	if err != nil {
		return fault.Internal.Wrap(err, "encode the reply of %s", x.route)
	}
	if h["Content-Type"] == nil {
		h["Content-Type"] = []string{"application/json"}
	}
	x.respond(status, body)
	return nil
}

func withRouting(ctx context.Context, c *chi.Context) context.Context {
	return context.WithValue(ctx, chi.RouteCtxKey, c)
}
