package objectapi

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/object"
)

const maxManifest = 2 << 20 // bytes

func errMethod(r *rest.Request) error {
	return rest.WithStatus(http.StatusMethodNotAllowed, fault.Invalid.Errorf("the method %s is not allowed for this resource", r.HTTP.Method))
}

func (a *api) putObject(r *rest.Request) (rest.Response, error) {
	if kind := r.Query().String("extract-archive"); kind != "" {
		return a.extract(r, kind)
	}
	if r.Header("X-Copy-From") != "" {
		from, err := pathID(r, "X-Copy-From", "X-Copy-From-Account")
		if err != nil {
			return rest.Response{}, err
		}
		to, err := objectID(r)
		if err != nil {
			return rest.Response{}, err
		}
		return a.copy(r, from, to)
	}
	u, err := uploadSpec(r)
	if err != nil {
		return rest.Response{}, err
	}
	o, err := a.content.Upload(r.Context(), u)
	if errors.Is(err, io.ErrUnexpectedEOF) && r.HTTP.ContentLength != 0 {
		err = rest.WithStatus(http.StatusRequestTimeout, fault.Invalid.Errorf("the upload of %s ended before its end", u.ObjectID))
	}
	if err != nil {
		return rest.Response{}, err
	}
	h := http.Header{}
	h.Set("Etag", etag(o))
	h.Set("Last-Modified", httpTime(modified(o)))
	return reply(http.StatusCreated, h, nil), nil
}

func uploadSpec(r *rest.Request) (u object.UploadSpec, err error) {
	if u.ObjectID, err = objectID(r); err != nil {
		return u, err
	}
	if u.Properties, err = properties(r); err != nil {
		return u, err
	}
	if u.Signature, err = signature(r); err != nil {
		return u, err
	}
	if u.Signature != nil && u.Manifest != "" {
		return u, fault.Invalid.Errorf("a signed URL cannot make a large object")
	}
	u.Size, u.Body = r.HTTP.ContentLength, r.Body
	u.ETag = r.Header("Etag")
	switch r.Header("If-None-Match") {
	case "":
	case "*":
		u.Absent = true
	default:
		return u, fault.Invalid.Errorf("If-None-Match on a write takes only *")
	}
	if u.ContentType == "" || strings.EqualFold(r.Header("X-Detect-Content-Type"), "true") {
		u.ContentType = guess(u.Object)
	}
	if r.Query().String("multipart-manifest") == "put" {
		if u.Signature != nil {
			return u, fault.Invalid.Errorf("a signed URL cannot make a large object")
		}
		u.Segments, err = segments(r)
	}
	return u, err
}

// guess returns the content type that a name's ending stands for.
func guess(name object.Name) string {
	if t := mime.TypeByExtension(path.Ext(string(name))); t != "" {
		return t
	}
	return "application/octet-stream"
}

// segments reads the manifest of a static large object.
func segments(r *rest.Request) ([]object.Segment, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxManifest+1))
	if err != nil {
		return nil, fault.Invalid.Errorf("read the manifest: %w", err)
	}
	if len(body) > maxManifest {
		return nil, object.ErrTooLarge.Errorf("manifest above the limit of %d bytes", maxManifest)
	}
	var in []struct {
		Path  string  `json:"path"`
		ETag  *string `json:"etag"`
		Size  *int64  `json:"size_bytes"`
		Range *string `json:"range"`
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in) == 0 {
		return nil, fault.Invalid.Errorf("manifest must be a JSON list of segments with a path")
	}
	out := make([]object.Segment, 0, len(in))
	for _, s := range in {
		container, name, ok := strings.Cut(strings.TrimPrefix(s.Path, "/"), "/")
		if !ok || name == "" || s.Range != nil {
			return nil, fault.Invalid.Errorf("segment %.100q must have a path of container and object, and no range", s.Path)
		}
		seg := object.Segment{Container: object.Name(container), Object: object.Name(name), Size: -1}
		if s.ETag != nil {
			seg.ETag = *s.ETag
		}
		if s.Size != nil {
			seg.Size = *s.Size
		}
		out = append(out, seg)
	}
	return out, nil
}

func (a *api) postObject(r *rest.Request) (rest.Response, error) {
	id, err := objectID(r)
	if err != nil {
		return rest.Response{}, err
	}
	p, err := properties(r)
	if err != nil {
		return rest.Response{}, err
	}
	return reply(http.StatusAccepted, nil, nil), a.UpdateObject(r.Context(), object.ObjectPatch{ObjectID: id, Properties: p})
}

func (a *api) deleteObject(r *rest.Request) (rest.Response, error) {
	id, err := objectID(r)
	if err != nil {
		return rest.Response{}, err
	}
	all := r.Query().String("multipart-manifest") == "delete"
	if err := a.DeleteObject(r.Context(), object.DeleteSpec{ObjectID: id, Segments: all}); err != nil {
		return rest.Response{}, err
	}
	if all {
		return (&bulk{Deleted: 1, Status: "200 OK"}).reply(r)
	}
	return reply(http.StatusNoContent, nil, nil), nil
}

func (a *api) copyObject(r *rest.Request) (rest.Response, error) {
	from, err := objectID(r)
	if err != nil {
		return rest.Response{}, err
	}
	to, err := pathID(r, "Destination", "Destination-Account")
	if err != nil {
		return rest.Response{}, err
	}
	return a.copy(r, from, to)
}

func (a *api) copy(r *rest.Request, from, to object.ObjectID) (rest.Response, error) {
	p, err := properties(r)
	if err != nil {
		return rest.Response{}, err
	}
	source, err := a.Object(r.Context(), from)
	if err != nil {
		return rest.Response{}, err
	}
	o, err := a.CopyObject(r.Context(), object.CopySpec{
		From: from, To: to, Properties: p,
		Fresh:     strings.EqualFold(r.Header("X-Fresh-Metadata"), "true"),
		KeepLarge: r.Query().String("multipart-manifest") == "get",
	})
	if err != nil {
		return rest.Response{}, err
	}
	h := http.Header{}
	say(h, o)
	h.Del("Content-Encoding") // of the copy, not of this response
	h.Set("Content-Type", "text/html; charset=UTF-8")
	h.Set("X-Copied-From", (&url.URL{Path: from.String()}).EscapedPath())
	h.Set("X-Copied-From-Account", reseller+from.ProjectID)
	h.Set("X-Copied-From-Last-Modified", httpTime(modified(source)))
	return reply(http.StatusCreated, h, nil), nil
}
