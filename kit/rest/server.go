package rest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"

	"github.com/go-chi/chi/v5"
	"go.opentelemetry.io/otel"

	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

// Config says where a Server listens. The zero Config listens on a free
// loopback port and builds links from each request's Host.
type Config struct {
	Listen   string      // "127.0.0.1:5000"; port 0 or empty picks a free one
	Public   string      // "https://cloud.example.org": the base of every link
	Identity string      // where to get a token, when no face of this Server gives them
	TLS      *tls.Config // nil serves plain HTTP
	Alone    []Alone     // faces that also have a port of their own
	// Private moves /metrics and /healthz from Listen to an address of their own.
	Private string
	Limits  Limits
}

// Alone gives one face a listener of its own, where it has no prefix.
type Alone struct {
	Face   string
	Listen string
	Public string
}

// A Server serves faces over HTTP. It runs between Start and Stop.
type Server struct {
	site    *site
	main    *chi.Mux
	faces   map[string]*mount
	running sync.WaitGroup
	listens []*listen
}

// A listen is one address and what is served there.
type listen struct {
	address string
	handler http.Handler
	server  *http.Server
	bound   net.Listener
}

// New returns a Server of the faces. It fails when two faces or routes collide,
// or one is not well formed.
func New(p Params) (*Server, error) {
	m, err := newMetrics(p.Collectors)
	if err != nil {
		return nil, fmt.Errorf("rest: %w", err)
	}
	p.Config.Limits = p.Config.Limits.orDefault()
	if p.Config.Listen == "" {
		p.Config.Listen = "127.0.0.1:0"
	}
	p.Config.Public = strings.TrimSuffix(p.Config.Public, "/")
	if p.Log == nil {
		p.Log = slog.New(slog.DiscardHandler)
	}
	if p.Traces == nil {
		p.Traces = otel.GetTracerProvider()
	}
	s := &Server{
		site: &site{
			config: p.Config, address: p.Config.Listen, faces: p.Faces, authenticator: p.Authenticator,
			log: p.Log, tracer: p.Traces.Tracer(tracerName), metrics: m,
		},
		main:  chi.NewRouter(),
		faces: map[string]*mount{},
	}
	if err := s.mount(p); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) mount(p Params) error {
	root, err := newMount(s.site, &Face{Name: "root", Dialect: dialect.Text}, "", p.Config.Public)
	if err != nil {
		return err
	}
	s.main.NotFound(root.ServeHTTP)
	// The router asks no face about a method that it does not know itself.
	s.main.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range s.faces {
			if strings.HasPrefix(r.URL.Path+"/", m.prefix+"/") {
				m.ServeHTTP(w, r)
				return
			}
		}
		root.ServeHTTP(w, r)
	})
	prefixes := map[string]string{}
	for i := range p.Faces {
		f := &p.Faces[i]
		for _, e := range p.Extensions {
			if e.Face == f.Name {
				f.Routes = append(f.Routes[:len(f.Routes):len(f.Routes)], e.Routes...)
			}
		}
		if !strings.HasPrefix(f.Prefix, "/") || strings.HasSuffix(f.Prefix, "/") {
			return fmt.Errorf("rest: face %q: prefix %q must be like /compute", f.Name, f.Prefix)
		}
		if other := prefixes[f.Prefix]; other != "" || s.faces[f.Name] != nil {
			return fmt.Errorf("rest: face %q at %s is listed twice", f.Name, f.Prefix)
		}
		m, err := newMount(s.site, f, f.Prefix, p.Config.Public)
		if err != nil {
			return err
		}
		prefixes[f.Prefix], s.faces[f.Name] = f.Name, m
		s.main.Mount(f.Prefix, m)
	}
	return s.plan(p)
}

// plan decides what is served where.
func (s *Server) plan(p Params) error {
	private := s.main
	if p.Config.Private != "" {
		private = chi.NewRouter()
		s.listens = append(s.listens, &listen{address: p.Config.Private, handler: private})
	}
	private.Method(http.MethodGet, "/metrics", s.site.metrics.handler())
	private.Method(http.MethodGet, "/healthz", healthHandler(p.Checks))
	s.listens = append([]*listen{{address: p.Config.Listen, handler: s.main}}, s.listens...)
	for _, a := range p.Config.Alone {
		m := s.faces[a.Face]
		if m == nil {
			return fmt.Errorf("rest: face %q is to listen on %s, but it is not listed", a.Face, a.Listen)
		}
		alone, err := newMount(s.site, m.face, "", strings.TrimSuffix(a.Public, "/"))
		if err != nil {
			return err
		}
		s.listens = append(s.listens, &listen{address: a.Listen, handler: alone})
	}
	return nil
}

// Handler returns what the main listener serves, for tests and for embedding
// in another server.
func (s *Server) Handler() http.Handler { return s.main }

// Start binds every address and serves. Once it returns, requests are answered.
func (s *Server) Start(ctx context.Context) error {
	for _, l := range s.listens {
		bound, err := new(net.ListenConfig).Listen(ctx, "tcp", l.address)
		if err != nil {
			s.close()
			return fmt.Errorf("rest: listen on %s: %w", l.address, err)
		}
		l.bound = bound
	}
	s.site.address = s.Address()
	for _, l := range s.listens {
		s.serve(l)
	}
	return nil
}

func (s *Server) serve(l *listen) {
	limits := s.site.config.Limits
	l.server = &http.Server{
		Handler:           l.handler,
		TLSConfig:         s.site.config.TLS,
		ReadHeaderTimeout: limits.Header,
		WriteTimeout:      limits.Reply,
		IdleTimeout:       limits.Idle,
		MaxHeaderBytes:    limits.HeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.site.log.Handler(), slog.LevelDebug),
	}
	s.site.log.Info("http listens", "address", l.bound.Addr().String())
	s.running.Go(func() {
		serve := l.server.Serve
		if l.server.TLSConfig != nil {
			serve = func(b net.Listener) error { return l.server.ServeTLS(b, "", "") }
		}
		if err := serve(l.bound); !errors.Is(err, http.ErrServerClosed) {
			s.site.log.Error("http listener failed", "address", l.address, "error", err)
		}
	})
}

// Stop takes no more requests and waits for those that run, until ctx ends;
// then it breaks them off.
func (s *Server) Stop(ctx context.Context) error {
	var stops sync.WaitGroup
	errs := make([]error, len(s.listens))
	for i, l := range s.listens {
		if l.server == nil {
			continue
		}
		stops.Go(func() {
			if errs[i] = l.server.Shutdown(ctx); errs[i] != nil {
				_ = l.server.Close()
			}
		})
	}
	stops.Wait()
	s.running.Wait()
	return errors.Join(errs...)
}

func (s *Server) close() {
	for _, l := range s.listens {
		if l.bound != nil {
			_ = l.bound.Close()
		}
	}
}

// Address returns where the Server listens, "127.0.0.1:5000". Before Start it
// is what was configured.
func (s *Server) Address() string {
	if b := s.listens[0].bound; b != nil {
		return b.Addr().String()
	}
	return s.listens[0].address
}

// URL returns the public base of every link, or else the address of the listener.
func (s *Server) URL() string {
	if s.site.config.Public != "" {
		return s.site.config.Public
	}
	if s.site.config.TLS != nil {
		return "https://" + s.Address()
	}
	return "http://" + s.Address()
}

// Endpoints lists the catalog of the faces. Call it after Start, when the
// address is known.
func (s *Server) Endpoints() []Endpoint { return s.site.catalog(s.URL()) }
