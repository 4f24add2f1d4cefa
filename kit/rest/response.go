package rest

import (
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// A Response is what a Handler answers with. The zero Response has no body.
type Response struct {
	status int
	header http.Header
	body   any
	bodied bool
	only   []string
	stream func(w http.ResponseWriter, r *http.Request) error
}

// Empty returns a response without a body: 204, or the route's status.
func Empty() Response { return Response{} }

// Reply returns a response whose body is v as JSON, at the request's microversion.
func Reply(v any) Response { return Response{body: v, bodied: true} }

// ReplyUnder returns a response whose body is {"key": v}.
func ReplyUnder(key string, v any) Response {
	return Reply(microversion.Object{{Key: key, Value: v}})
}

// And adds a member beside the one that ReplyUnder made.
func (p Response) And(key string, v any) Response {
	object, _ := p.body.(microversion.Object)
	p.body, p.bodied = append(object[:len(object):len(object)], microversion.Member{Key: key, Value: v}), true
	return p
}

// Status sets the status, whatever the route says.
func (p Response) Status(code int) Response { p.status = code; return p }

// Header sets a header.
func (p Response) Header(name, value string) Response {
	p.header = p.header.Clone()
	if p.header == nil {
		p.header = http.Header{}
	}
	p.header.Set(name, value)
	return p
}

// Location sets the Location header to a URL, as made by Request.URL.
func (p Response) Location(url string) Response { return p.Header("Location", url) }

// Only keeps the named members of the objects in the body: of the object under
// the key, or of each object in the list under it. No names keep everything.
func (p Response) Only(names ...string) Response { p.only = names; return p }

// Raw returns a response that write makes by itself. An error returned before
// anything was written becomes an error body; after that the connection breaks,
// so that the client sees that it has not everything.
func Raw(write func(w http.ResponseWriter, r *http.Request) error) Response {
	return Response{stream: write}
}

// Content returns bytes that may be asked for in ranges or on conditions (If-None-Match,
// If-Range; set ETag with Header). A zero modified sends no Last-Modified. A
// content that is an io.Closer is closed.
func Content(contentType string, modified time.Time, content io.ReadSeeker) Response {
	return Raw(func(w http.ResponseWriter, r *http.Request) error {
		if c, ok := content.(io.Closer); ok {
			defer c.Close()
		}
		w.Header().Set("Content-Type", contentType)
		http.ServeContent(w, r, "", modified, content)
		return nil
	})
}

// Copy returns size bytes of src, or all of it in chunks when size is negative.
// A src that is an io.Closer is closed.
func Copy(contentType string, size int64, src io.Reader) Response {
	p := Response{}
	p.stream = func(w http.ResponseWriter, r *http.Request) error {
		if c, ok := src.(io.Closer); ok {
			defer c.Close()
		}
		w.Header().Set("Content-Type", contentType)
		if size >= 0 {
			w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		}
		if r.Method == http.MethodHead {
			return nil
		}
		return copyBody(w, src, size)
	}
	return p
}
