package rest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// A Request is what a Handler answers.
type Request struct {
	// HTTP is the request underneath, for what has no method here.
	HTTP *http.Request
	// Body is the request's bytes, for routes that stream. It fails with 413
	// beyond the route's limit.
	Body io.Reader

	exchange *exchange
	mount    *mount
	route    *Route
	version  Version
	payload  []byte
	listing  *listing
}

// Context returns the context of the call: who is calling, its request id, its trace.
func (r *Request) Context() context.Context { return r.HTTP.Context() }

// Param returns a segment of the path by the name it has in the route's path;
// "*" is the rest of the path. It is unescaped, and never empty but for "*".
func (r *Request) Param(name string) string {
	v := chi.URLParam(r.HTTP, name)
	if r.HTTP.URL.RawPath == "" {
		return v
	}
	if plain, err := url.PathUnescape(v); err == nil {
		return plain
	}
	return v
}

// Header returns the first value of a header, or an empty string.
func (r *Request) Header(name string) string { return r.HTTP.Header.Get(name) }

// Version returns the microversion of this request; zero when the face has none.
func (r *Request) Version() Version { return r.version }

// Since reports whether the request's microversion is v or newer.
func (r *Request) Since(v string) bool { return r.version.Compare(microversion.MustParse(v)) >= 0 }

// RequestID returns the id that the response carries, "req-…".
func (r *Request) RequestID() string { return r.exchange.id }

// URL returns the public address of a path in this face. Segments are escaped
// and appended to it: URL("/v2.1/servers", id).
func (r *Request) URL(path string, segments ...string) string {
	return join(r.base(), path, segments)
}

// Self returns the public address that was asked for, with its query.
func (r *Request) Self() string {
	return r.URL(r.exchange.path + question(r.HTTP.URL.RawQuery))
}

// Endpoints lists the catalog of all faces that this Server serves.
func (r *Request) Endpoints() []Endpoint {
	return r.mount.site.catalog(r.mount.site.public(r.HTTP, r.mount))
}

func (r *Request) base() string {
	if r.exchange.base == "" {
		r.exchange.base = r.mount.base(r.HTTP)
	}
	return r.exchange.base
}

func join(base, path string, segments []string) string {
	var b strings.Builder
	b.WriteString(base)
	b.WriteString(path)
	for _, s := range segments {
		b.WriteByte('/')
		b.WriteString(url.PathEscape(s))
	}
	return b.String()
}

// readAll reads a body that must fit in memory.
func (r *Request) readAll() ([]byte, error) {
	limit := r.route.limit
	if r.route.streams() {
		limit = DefaultLimit
		r.bounded(limit)
	}
	if r.HTTP.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	var buf bytes.Buffer
	if n := r.HTTP.ContentLength; n > 0 {
		buf.Grow(int(n) + bytes.MinRead)
	}
	_, err := buf.ReadFrom(r.Body)
	return buf.Bytes(), err
}
