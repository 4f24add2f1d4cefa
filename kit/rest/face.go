package rest

import (
	"net/http"

	"github.com/nacre-cloud/nacre/kit/rest/dialect"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// Version is a microversion such as 2.47; zero where the face has none.
type Version = microversion.Version

// Optional is an input field that tells absent, null and a value apart.
type Optional[T any] = microversion.Optional[T]

// A Face is one domain's HTTP API, as data.
type Face struct {
	Name     string    // "compute"; labels metrics and logs, unique in a Server
	Prefix   string    // "/compute"; where the Server mounts it, unique in a Server
	Services []Service // what the catalog says about it

	// Dialect writes error bodies. Statuses overrides the HTTP status of a
	// fault.Kind or a fault.Reason where this protocol differs.
	Dialect  dialect.Dialect
	Statuses map[error]int

	// Microversions is nil for an API without any.
	Microversions *Microversions

	Documents []Document
	Routes    []Route
	// Aliases repeats the routes below a path under other paths:
	// {"/v2.1": {"/v2.1/{project_id}"}} serves each route both ways.
	Aliases map[string][]string

	// RequestIDHeaders carry the request id besides X-Openstack-Request-Id.
	// Decorate may set more headers; it runs first on every response.
	RequestIDHeaders []string
	Decorate         func(h http.Header, requestID string)

	// Admit may refuse a request that was authenticated and versioned, before
	// its handler runs. A face uses it for rules that hold on every path.
	Admit func(r *Request) error
}

// An Extension adds routes to the face called Face, for a domain whose calls
// clients expect below another domain's prefix. Without that face it does nothing.
type Extension struct {
	Face   string
	Routes []Route
}

// A Service is one line of the catalog.
type Service struct {
	Type string // "compute"
	Name string // "nova": what clients display
	Path string // below the face's prefix; "/v2.1", "/v3/%(project_id)s"
}

// An Endpoint is a Service and where it is reached.
type Endpoint struct {
	Service
	URL string // with %(project_id)s left in place
}

// A Document is a page that clients read before they have a token, such as the
// list of versions. It is served with and without a trailing slash, and never
// redirects. In Body and Location {base} stands for the face's public URL.
type Document struct {
	Path     string
	Status   int    // 0 means 200
	Location string // the Location header, or empty
	Body     any    // a value to encode as JSON
}

// A Link is a hypertext reference as most bodies spell it.
type Link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

// status returns the HTTP status of a failure in this face.
func (f *Face) status(p failure) int {
	if p.status != 0 {
		return p.status
	}
	if s, ok := f.Statuses[p.reason]; ok {
		return s
	}
	if s, ok := f.Statuses[p.reason.Kind]; ok {
		return s
	}
	return p.reason.Kind.Status()
}
