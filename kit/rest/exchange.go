package rest

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// An exchange is one request and the reply to it, as seen from outside the
// handler. It is the ResponseWriter that handlers get.
type exchange struct {
	http.ResponseWriter
	request *http.Request
	id      string
	path    string // below the face's prefix
	base    string // the face's public URL, once somebody asked for it
	route   string // the pattern that matched, with the prefix; "none" before
	action  string
	version Version
	status  int
	bytes   int64
	wrote   bool
	failed  error
	control *http.ResponseController // of a stream, else nil
	wait    time.Duration
}

func (x *exchange) context() context.Context { return x.request.Context() }

// WriteHeader notes the status and sends it.
func (x *exchange) WriteHeader(code int) {
	if code >= http.StatusOK && !x.wrote {
		x.status, x.wrote = code, true
	}
	x.ResponseWriter.WriteHeader(code)
}

// Write sends bytes of the body.
func (x *exchange) Write(p []byte) (int, error) {
	if !x.wrote {
		x.WriteHeader(http.StatusOK)
	}
	x.extend()
	n, err := x.ResponseWriter.Write(p)
	x.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// respond sends a status and a body, where the status may have one.
func (x *exchange) respond(status int, body []byte) {
	h := x.Header()
	if !mayHaveBody(status) {
		h.Del("Content-Type")
		h.Del("Content-Length")
		x.WriteHeader(status)
		return
	}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.WriteHeader(status)
	if x.request.Method != http.MethodHead && len(body) > 0 {
		// Nobody is left to tell that the client went away.
		_, _ = x.Write(body)
	}
}

func mayHaveBody(status int) bool {
	return status >= http.StatusOK && status != http.StatusNoContent &&
		status != http.StatusResetContent && status != http.StatusNotModified
}
