// Package dialect writes error bodies in the shapes that clients parse. Every
// OpenStack API invented its own; each is a Dialect here, named by its shape.
//
// kit/rest calls a Dialect once for each failed request, after it has turned
// the fault into a status. A new API whose errors look like none of these
// brings a Dialect of its own: it is one function.
package dialect

import (
	"net/http"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// A Problem is a failure about to be told to a client.
type Problem struct {
	Status    int
	Reason    fault.Reason
	Message   string // fit for the client; says nothing about our insides
	RequestID string
	Version   string // the request's microversion, or empty
	Min, Max  string // the face's microversions, or empty
	Unrouted  bool   // no call of the API has this path
}

// A Dialect returns the body that tells p. It sets Content-Type in h, and
// whatever other headers the protocol wants beside such a failure.
type Dialect func(h http.Header, p Problem) []byte

// Title returns the reason phrase of the problem's status.
func (p Problem) Title() string {
	if t := http.StatusText(p.Status); t != "" {
		return t
	}
	return "Error"
}

// asJSON encodes a body that holds nothing but strings and numbers.
func asJSON(h http.Header, v any) []byte {
	h.Set("Content-Type", "application/json")
	body, err := microversion.Append(nil, v, microversion.Options{})
	if err != nil {
		return []byte(`{}`)
	}
	return body
}
