package rest

import (
	"cmp"
	"errors"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Limits is how long a client may take. Zero fields have sensible defaults.
type Limits struct {
	Header      time.Duration // to send its header
	Body        time.Duration // to send a body that is read as a whole
	Stream      time.Duration // to send or take the next bytes of a stream
	Reply       time.Duration // from the header to the end of a reply that is no stream
	Idle        time.Duration // to begin its next request on the connection
	HeaderBytes int
}

func (l Limits) orDefault() Limits {
	return Limits{
		Header:      cmp.Or(l.Header, 10*time.Second),
		Body:        cmp.Or(l.Body, time.Minute),
		Stream:      cmp.Or(l.Stream, 2*time.Minute),
		Reply:       cmp.Or(l.Reply, 5*time.Minute),
		Idle:        cmp.Or(l.Idle, 2*time.Minute),
		HeaderBytes: cmp.Or(l.HeaderBytes, 32<<10),
	}
}

// A body is a request's bytes. Its errors are faults that a handler may return.
type body struct {
	src     io.Reader
	limit   int64
	control *http.ResponseController
	wait    time.Duration // for the next bytes of a stream; 0 keeps the deadline of the whole
}

func (b *body) Read(p []byte) (int, error) {
	if b.wait > 0 {
		_ = b.control.SetReadDeadline(time.Now().Add(b.wait))
	}
	n, err := b.src.Read(p)
	if b.wait > 0 {
		// The reply must not fail because the body took long.
		_ = b.control.SetWriteDeadline(time.Now().Add(b.wait))
	}
	switch err {
	case nil:
		return n, nil
	case io.EOF:
		// From here on the connection is only watched for the client leaving.
		_ = b.control.SetReadDeadline(time.Time{})
		return n, io.EOF
	}
	return n, b.fault(err)
}

func (b *body) fault(err error) error {
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return tooLarge(b.limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return WithStatus(http.StatusRequestTimeout, fault.Invalid.Errorf("the request's body did not arrive in time"))
	}
	return fault.Invalid.Errorf("the request's body was cut short: %w", err)
}

func tooLarge(limit int64) error {
	return WithStatus(http.StatusRequestEntityTooLarge,
		fault.Invalid.Errorf("the request's body is larger than the limit of %d bytes", limit))
}
