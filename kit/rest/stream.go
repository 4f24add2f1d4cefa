package rest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// open prepares the body for the handler.
func (r *Request) open() {
	x := r.exchange
	if r.route.streams() {
		x.stream(r.mount.site.config.Limits.Stream)
		r.Body = &body{src: r.HTTP.Body, control: x.control, wait: x.wait}
		return
	}
	r.bounded(r.route.limit)
}

// bounded makes the body fail beyond limit.
func (r *Request) bounded(limit int64) {
	w := r.exchange.ResponseWriter
	r.HTTP.Body = http.MaxBytesReader(w, r.HTTP.Body, limit)
	r.Body = &body{src: r.HTTP.Body, limit: limit, control: http.NewResponseController(w)}
}

// stream makes the reply's time limit count from its last bytes.
func (x *exchange) stream(wait time.Duration) {
	x.control, x.wait = http.NewResponseController(x.ResponseWriter), wait
	x.extend()
}

func (x *exchange) extend() {
	if x.control != nil {
		_ = x.control.SetWriteDeadline(time.Now().Add(x.wait))
	}
}

// sendStream lets a response write itself, for as long as bytes flow.
func (r *Request) sendStream(p Response) error {
	x := r.exchange
	x.stream(r.mount.site.config.Limits.Stream)
	if p.status == 0 {
		p.status = r.route.status
	}
	if p.status != 0 && p.status != http.StatusOK {
		return p.stream(&restatus{x, p.status}, r.HTTP)
	}
	return p.stream(x, r.HTTP)
}

// restatus answers with another status of success than the stream's own.
type restatus struct {
	*exchange
	status int
}

// WriteHeader replaces 200, and leaves partial and unmodified content alone.
func (w *restatus) WriteHeader(code int) {
	if code == http.StatusOK {
		code = w.status
	}
	w.exchange.WriteHeader(code)
}

// Write sends bytes of the body.
func (w *restatus) Write(p []byte) (int, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.exchange.Write(p)
}

// ReadFrom sends a whole body.
func (w *restatus) ReadFrom(src io.Reader) (int64, error) {
	if !w.wrote {
		w.WriteHeader(http.StatusOK)
	}
	return w.exchange.ReadFrom(src)
}

// chunk is how much of a stream a client must take in the time of Limits.Stream.
const chunk = 1 << 20

// ReadFrom lets io.Copy hand a file to the kernel, a chunk at a time.
func (x *exchange) ReadFrom(src io.Reader) (int64, error) {
	if !x.wrote {
		x.WriteHeader(http.StatusOK)
	}
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	var total int64
	for limited.N > 0 {
		x.extend()
		// The kernel is only asked when the file is directly below one limit.
		n, err := io.CopyN(x.ResponseWriter, limited.R, min(limited.N, chunk))
		total += n
		x.bytes += n
		limited.N -= n
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

// copyBody copies exactly size bytes, or all when size is negative.
func copyBody(w io.Writer, src io.Reader, size int64) error {
	n, err := io.Copy(w, src)
	if err == nil && size >= 0 && n != size {
		err = fmt.Errorf("the body has %d bytes instead of %d", n, size)
	}
	return err
}
