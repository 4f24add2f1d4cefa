package rest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// A Handler answers a request: decode, call the Service, encode. JSON and
// JSONUnder make a Handler of a function that also takes the decoded body.
type Handler func(r *Request) (Response, error)

// A Route is one call of a face. Routes of one method and path may have
// disjoint versions; a path that none of them has at the request's version
// answers 404.
type Route struct {
	method, path string
	action       string
	handler      Handler
	since, until string
	status       int
	limit        int64
	access       access
	strict       bool
	types        []string
	versions     microversion.Range
	broken       error
}

// access is who may call a route.
type access int

const (
	withToken access = iota
	withOrWithoutToken
	withoutToken
)

// DefaultLimit is the size of the largest body a route takes unless it says otherwise.
const DefaultLimit int64 = 1 << 20

// Handle returns a Route. Its path is relative to the face's prefix; {id} holds
// a segment and a trailing * the rest, both read with Request.Param.
func Handle(method, path string, h Handler) Route {
	return Route{method: method, path: path, handler: h, limit: DefaultLimit}
}

// GET returns a Route for GET, and for HEAD unless the face has one of its own.
func GET(path string, h Handler) Route { return Handle(http.MethodGet, path, h) }

// HEAD returns a Route for HEAD.
func HEAD(path string, h Handler) Route { return Handle(http.MethodHead, path, h) }

// POST returns a Route for POST.
func POST(path string, h Handler) Route { return Handle(http.MethodPost, path, h) }

// PUT returns a Route for PUT.
func PUT(path string, h Handler) Route { return Handle(http.MethodPut, path, h) }

// PATCH returns a Route for PATCH.
func PATCH(path string, h Handler) Route { return Handle(http.MethodPatch, path, h) }

// DELETE returns a Route for DELETE.
func DELETE(path string, h Handler) Route { return Handle(http.MethodDelete, path, h) }

// Since makes v the first microversion that has the route.
func (r Route) Since(v string) Route { r.since = v; return r }

// Until makes v the last microversion that has the route.
func (r Route) Until(v string) Route { r.until = v; return r }

// Status is the status of success where the handler's Response names none.
// Without it a body answers 200 and no body 204.
func (r Route) Status(code int) Route { r.status = code; return r }

// Public serves the route without a token, and ignores one that is sent.
func (r Route) Public() Route { r.access = withoutToken; return r }

// Anonymous serves the route with or without a token; a token that is sent must be good.
func (r Route) Anonymous() Route { r.access = withOrWithoutToken; return r }

// Strict refuses body fields that the input does not have at the request's version.
func (r Route) Strict() Route { r.strict = true; return r }

// Limit is the size in bytes of the largest body the route takes; more is 413.
func (r Route) Limit(bytes int64) Route { r.limit = bytes; return r }

// Stream takes a body of any size; the handler reads it from Request.Body, and
// neither body nor reply has a time limit while bytes flow.
func (r Route) Stream() Route { r.limit = unlimited; return r }

// Accepts names the content types that a JSON body may have besides application/json.
func (r Route) Accepts(types ...string) Route { r.types = types; return r }

// String returns the route as "POST /v2.1/os-keypairs".
func (r Route) String() string {
	s := r.method + " " + r.path
	if r.action != "" {
		s += " " + r.action
	}
	return s
}

const unlimited int64 = -1

func (r Route) streams() bool { return r.limit == unlimited }

// check makes the route ready to serve, or says what is wrong with it.
func (r Route) check() (Route, error) {
	if r.broken != nil {
		return r, r.broken
	}
	if r.handler == nil {
		return r, fmt.Errorf("route %s has no handler", r)
	}
	if !strings.HasPrefix(r.path, "/") {
		return r, fmt.Errorf("route %s does not begin with a slash", r)
	}
	var err error
	if r.versions, err = microversion.ParseRange(r.since, r.until); err != nil {
		return r, fmt.Errorf("route %s: %w", r, err)
	}
	return r, nil
}
