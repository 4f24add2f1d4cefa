package rest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/nacre-cloud/nacre/kit/fault"
)

func init() {
	// Object stores copy with a method of their own. The registry is global
	// and not locked, so it is filled before any router is made.
	chi.RegisterMethod("COPY")
}

// A mount is a Face being served at one place: below its prefix, or alone.
type mount struct {
	face     *Face
	site     *site
	prefix   string // empty when alone
	public   string // configured base URL of this place, or empty
	mux      *chi.Mux
	versions *versions
	methods  []string
	calls    map[call][]Route
}

// A call is what the router knows a route by.
type call struct{ method, path string }

func newMount(s *site, f *Face, prefix, public string) (m *mount, err error) {
	m = &mount{face: f, site: s, prefix: prefix, public: public, mux: chi.NewRouter(), calls: map[call][]Route{}}
	// The router panics on a path it cannot read; to a module's author that is an error like the others.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("rest: face %s: %v", f.Name, p)
		}
	}()
	if err := m.build(); err != nil {
		return nil, fmt.Errorf("rest: face %s: %w", f.Name, err)
	}
	return m, nil
}

func (m *mount) build() error {
	if m.face.Dialect == nil {
		return errors.New("it has no Dialect; choose one of kit/rest/dialect")
	}
	var err error
	if m.versions, err = m.face.Microversions.parse(); err != nil {
		return err
	}
	if err := m.collect(); err != nil {
		return err
	}
	for c, routes := range m.calls {
		m.mux.MethodFunc(c.method, c.path, m.serve(c, routes))
		if head := (call{http.MethodHead, c.path}); c.method == http.MethodGet && m.calls[head] == nil {
			m.mux.MethodFunc(head.method, head.path, m.serve(head, routes))
		}
	}
	for _, d := range m.face.Documents {
		if err := m.document(d); err != nil {
			return err
		}
	}
	m.mux.NotFound(func(w http.ResponseWriter, _ *http.Request) { m.notFound(w.(*exchange)) })
	m.mux.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) { m.notAllowed(w.(*exchange), r) })
	return nil
}

// collect gathers the face's routes, and their aliases, by method and path.
func (m *mount) collect() error {
	for _, route := range m.face.Routes {
		route, err := route.check()
		if err != nil {
			return err
		}
		for _, path := range m.paths(route.path) {
			c := call{route.method, path}
			for _, other := range m.calls[c] {
				if other.versions.Overlaps(route.versions) {
					return fmt.Errorf("two routes are %s at one version", route)
				}
				if other.access != route.access {
					return fmt.Errorf("route %s needs a token at some versions only", route)
				}
			}
			m.calls[c] = append(m.calls[c], route)
			if !slices.Contains(m.methods, c.method) {
				m.methods = append(m.methods, c.method)
			}
		}
	}
	slices.Sort(m.methods)
	return nil
}

// paths returns a path and what the face's aliases make of it.
func (m *mount) paths(path string) []string {
	paths := []string{path}
	for below, others := range m.face.Aliases {
		rest, ok := strings.CutPrefix(path, below+"/")
		if !ok {
			continue
		}
		for _, other := range others {
			paths = append(paths, other+"/"+rest)
		}
	}
	return paths
}

// base returns the public URL that the face has in the eyes of a client.
func (m *mount) base(r *http.Request) string {
	if m.public != "" {
		return m.public + m.prefix
	}
	return m.site.origin(r) + m.prefix
}

// find gives the router the path to match. A trailing slash means nothing
// unless a route has it.
func (m *mount) find(r *http.Request) (*http.Request, string) {
	routing := chi.RouteContext(r.Context())
	path := r.URL.Path
	if r.URL.RawPath != "" {
		path = r.URL.RawPath
	}
	if path = strings.TrimPrefix(path, m.prefix); path == "" {
		path = "/"
	}
	if len(path) < 2 || path[len(path)-1] != '/' || m.mux.Match(chi.NewRouteContext(), r.Method, path) {
		return r, path
	}
	if routing == nil {
		routing = chi.NewRouteContext()
		r = r.WithContext(withRouting(r.Context(), routing))
	}
	routing.RoutePath = path[:len(path)-1]
	return r, routing.RoutePath
}

// notAllowed answers a path that has routes, but not for this method.
func (m *mount) notAllowed(x *exchange, r *http.Request) {
	var allowed []string
	for _, method := range append(slices.Clone(m.methods), http.MethodHead) {
		if m.mux.Match(chi.NewRouteContext(), method, x.path) && !slices.Contains(allowed, method) {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		m.notFound(x)
		return
	}
	x.Header().Set("Allow", strings.Join(allowed, ", "))
	m.fail(x, failureOf(WithStatus(http.StatusMethodNotAllowed,
		fault.Invalid.Errorf("the method %s is not allowed for this resource", r.Method))))
}
