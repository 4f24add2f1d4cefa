package imagerpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Content is the image.Content of another process: a ticket over the bus, bytes
// over HTTP.
type Content struct {
	Bus  *bus.Bus
	HTTP *http.Client // nil means one that waits for an answer, but not for ever
}

// patient has no limit on the whole of a transfer, which may take hours.
var patient = &http.Client{Transport: &http.Transport{
	DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext,
	TLSHandshakeTimeout:   10 * time.Second,
	ExpectContinueTimeout: 2 * time.Second,
	IdleConnTimeout:       time.Minute,
	Proxy:                 http.ProxyFromEnvironment,
}}

// Open implements image.Source.
func (c Content) Open(ctx context.Context, id image.ID, r image.Range) (io.ReadCloser, image.Image, error) {
	t, err := giveTicket.Call(ctx, c.Bus, image.TicketSpec{ID: id})
	if err != nil {
		return nil, image.Image{}, err
	}
	size, ok := r.Clip(t.Image.SizeBytes)
	if !ok {
		return nil, image.Image{}, fault.Invalid.Errorf("range from %d of image %s, which has %d bytes", r.Offset, id, t.Image.SizeBytes)
	}
	header := http.Header{}
	part := size != t.Image.SizeBytes
	if part {
		header.Set("Range", fmt.Sprintf("bytes=%d-%d", r.Offset, r.Offset+size-1))
	}
	resp, err := c.do(ctx, http.MethodGet, t, header, nil)
	if err != nil {
		return nil, image.Image{}, err
	}
	if part != (resp.StatusCode == http.StatusPartialContent) {
		_ = resp.Body.Close()
		return nil, image.Image{}, fault.Unavailable.Errorf("bytes of image %s: %s answers %s to a range", id, resp.Request.URL.Host, resp.Status)
	}
	return &body{resp.Body, id}, t.Image, nil
}

// Upload implements image.Content.
func (c Content) Upload(ctx context.Context, id image.ID, r io.Reader) (image.Image, error) {
	t, err := giveTicket.Call(ctx, c.Bus, image.TicketSpec{ID: id, Upload: true})
	if err != nil {
		return image.Image{}, err
	}
	source := &watched{r: r}
	resp, err := c.do(ctx, http.MethodPut, t, http.Header{"Expect": {"100-continue"}}, source)
	if broken := source.end(); broken != nil && err != nil {
		return image.Image{}, fault.Unavailable.Wrap(broken, "upload image %s", id)
	}
	if err != nil {
		return image.Image{}, err
	}
	defer resp.Body.Close()
	var i image.Image
	if err := json.NewDecoder(resp.Body).Decode(&i); err != nil {
		return image.Image{}, fault.Unavailable.Wrap(err, "upload image %s: read the answer", id)
	}
	return i, nil
}

func (c Content) do(ctx context.Context, method string, t image.Ticket, header http.Header, r io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, t.URL, r)
	if err != nil {
		return nil, fault.Internal.Wrap(err, "the ticket for image %s", t.Image.ID)
	}
	req.Header = header
	req.Header.Set("Authorization", "Bearer "+t.Token)
	client := c.HTTP
	if client == nil {
		client = patient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fault.Unavailable.Wrap(err, "bytes of image %s", t.Image.ID)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		defer resp.Body.Close()
		return nil, failure(resp)
	}
	return resp, nil
}

// told is an error as the other process tells it, over HTTP as over the bus.
type told struct {
	Kind    fault.Kind `json:"kind"`
	Reason  string     `json:"reason,omitempty"`
	Message string     `json:"message"`
}

// maxFailure is the longest error that is read, in bytes.
const maxFailure = 64 << 10

func failure(resp *http.Response) error {
	var f told
	err := json.NewDecoder(io.LimitReader(resp.Body, maxFailure)).Decode(&f)
	switch {
	case err != nil || !slices.Contains(fault.Kinds, f.Kind):
		return fault.Unavailable.Errorf("bytes of an image: answer %s from %s", resp.Status, resp.Request.URL.Host)
	case f.Kind == fault.Unauthenticated:
		// The process that gave the ticket was restarted: the next one will be good.
		return fault.Unavailable.Errorf("%s", f.Message)
	case f.Reason != "":
		return f.Kind.Reason(f.Reason).Errorf("%s", f.Message)
	}
	return f.Kind.Errorf("%s", f.Message)
}

// body gives what breaks on the way its kind.
type body struct {
	io.ReadCloser
	id image.ID
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		return n, fault.Unavailable.Wrap(err, "read image %s", b.id)
	}
	return n, err
}

// watched remembers why reading failed, which the HTTP client hides, and lets
// nobody read once the call is over, which the client might.
type watched struct {
	mu   sync.Mutex
	r    io.Reader
	over bool
	err  error
}

func (w *watched) Read(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return 0, io.ErrClosedPipe
	}
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

func (w *watched) end() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	return w.err
}

var _ image.Content = Content{}
