package objectapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/object"
)

// readObject answers GET and HEAD. An object that is replaced between looking
// and reading is looked at again.
func (a *api) readObject(r *rest.Request) (p rest.Response, err error) {
	for range 5 {
		if p, err = a.tryRead(r); !errors.Is(err, object.ErrReplaced) {
			break
		}
	}
	return p, err
}

func (a *api) tryRead(r *rest.Request) (rest.Response, error) {
	id, err := objectID(r)
	if err != nil {
		return rest.Response{}, err
	}
	sig, err := signature(r)
	if err != nil {
		return rest.Response{}, err
	}
	b, err := a.content.Download(r.Context(), object.DownloadSpec{ObjectID: id, Signature: sig})
	if err != nil {
		return rest.Response{}, err
	}
	h := http.Header{}
	say(h, b.Object)
	if sig != nil {
		h.Set("Content-Disposition", disposition(r, id.Object))
	}
	if r.Query().String("multipart-manifest") == "get" && b.Large() {
		return manifest(h, b.Object)
	}
	if status := unmet(r.HTTP.Header, b.Object); status != 0 {
		return reply(status, h, nil), nil
	}
	return send(r, h, b)
}

// send answers with the bytes, or the part of them that was asked for.
func send(r *rest.Request, h http.Header, b object.Bytes) (rest.Response, error) {
	want, partial, ok := part(r.HTTP.Header, b.Object)
	if !ok {
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", b.Size))
		return reply(http.StatusRequestedRangeNotSatisfiable, h, nil), nil
	}
	status, size := http.StatusOK, b.Size
	if partial {
		status, size = http.StatusPartialContent, want.Length
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", want.Offset, want.Offset+want.Length-1, b.Size))
	}
	h.Set("Content-Length", strconv.FormatInt(size, 10))
	var body io.ReadCloser
	if r.HTTP.Method != http.MethodHead {
		var err error
		if body, err = b.Open(r.Context(), want); err != nil {
			return rest.Response{}, err
		}
	}
	return rest.Raw(func(w http.ResponseWriter, _ *http.Request) error {
		for k, v := range h {
			w.Header()[k] = v
		}
		w.WriteHeader(status)
		if body == nil {
			return nil
		}
		defer body.Close()
		n, err := io.Copy(w, body)
		if err == nil && n != size {
			err = fault.Internal.Errorf("object %s gave %d bytes of %d", b.ID(), n, size)
		}
		return err
	}), nil
}

// manifest answers with what a large object is made of.
func manifest(h http.Header, o object.Object) (rest.Response, error) {
	if o.Manifest != "" {
		return reply(http.StatusOK, h, nil), nil
	}
	type segment struct {
		Name     string `json:"name"`
		Bytes    int64  `json:"bytes"`
		Hash     string `json:"hash"`
		Type     string `json:"content_type"`
		Modified string `json:"last_modified"`
	}
	segments := make([]segment, 0, len(o.Segments))
	for _, s := range o.Segments {
		name := "/" + string(s.Container) + "/" + string(s.Object)
		segments = append(segments, segment{name, s.Size, s.ETag, "application/octet-stream", listingTime(modified(o))})
	}
	body, err := json.Marshal(segments)
	h.Set("Content-Type", string(inJSON)+"; charset=utf-8")
	h.Del("Etag")
	return reply(http.StatusOK, h, body), fault.Internal.Wrap(err, "encode the manifest")
}

// disposition is how a browser shall take what a signed URL gives.
func disposition(r *rest.Request, name object.Name) string {
	q := r.Query()
	if q.Has("inline") && !q.Has("filename") {
		return "inline"
	}
	file := q.String("filename")
	if file == "" {
		file = path.Base(string(name))
	}
	kind := "attachment"
	if q.Has("inline") {
		kind = "inline"
	}
	return mime.FormatMediaType(kind, map[string]string{"filename": file})
}
