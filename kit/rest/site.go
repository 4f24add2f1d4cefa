package rest

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// A site is what all mounts of a Server share.
type site struct {
	config        Config
	address       string // of the main listener; real once it is bound
	faces         []Face
	authenticator Authenticator
	log           *slog.Logger
	tracer        trace.Tracer
	metrics       *metrics
}

// origin returns the scheme and host under which a client reached us.
func (s *site) origin(r *http.Request) string {
	scheme := "http://"
	if r.TLS != nil {
		scheme = "https://"
	}
	if plainHost(r.Host) {
		return scheme + r.Host
	}
	return scheme + s.address
}

// plainHost keeps quotes and the like out of headers and bodies.
func plainHost(host string) bool {
	return host != "" && strings.IndexFunc(host, func(c rune) bool {
		return !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune(".-_:[]%", c))
	}) < 0
}

// public returns the base URL of the listener that serves every face, as the
// client of m may reach it.
func (s *site) public(r *http.Request, m *mount) string {
	if s.config.Public != "" {
		return s.config.Public
	}
	origin := s.origin(r)
	if m.prefix != "" {
		return origin
	}
	// A face alone has a port of its own, so only the client's host is right.
	u, err := url.Parse(origin)
	_, port, portErr := net.SplitHostPort(s.address)
	if err != nil || portErr != nil {
		return origin
	}
	return u.Scheme + "://" + net.JoinHostPort(u.Hostname(), port)
}

// catalog returns the endpoints of every face below a base URL.
func (s *site) catalog(base string) []Endpoint {
	var list []Endpoint
	for _, f := range s.faces {
		for _, service := range f.Services {
			list = append(list, Endpoint{service, base + f.Prefix + service.Path})
		}
	}
	return list
}

// identityURL returns where to get a token.
func (s *site) identityURL(r *http.Request, m *mount) string {
	if s.config.Identity != "" {
		return s.config.Identity
	}
	base := s.public(r, m)
	for _, e := range s.catalog(base) {
		if e.Type == "identity" {
			return e.URL
		}
	}
	return base + "/identity"
}

// observe tells metrics and the access log about a request that is over.
func (s *site) observe(face string, x *exchange, took time.Duration) {
	s.metrics.end(face, x, took)
	ctx := x.context()
	level := slog.LevelInfo
	if x.status >= http.StatusInternalServerError && x.status != http.StatusServiceUnavailable {
		level = slog.LevelWarn
	}
	if !s.log.Enabled(ctx, level) {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs,
		slog.String("method", x.request.Method),
		slog.String("path", x.request.URL.Path),
		slog.Int("status", x.status),
		slog.Duration("took", took),
		slog.Int64("bytes", x.bytes),
		slog.String("request", x.id),
		slog.String("client", x.request.RemoteAddr),
	)
	if d, ok := s.authenticator.(Describer); ok {
		attrs = append(attrs, d.Describe(ctx)...)
	}
	for _, more := range []slog.Attr{
		slog.String("version", x.version.String()),
		slog.String("action", x.action),
		slog.String("global", GlobalRequestID(ctx)),
	} {
		if more.Value.String() != "" {
			attrs = append(attrs, more)
		}
	}
	s.log.LogAttrs(ctx, level, "http", attrs...)
}
