package objectapi

import (
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/object"
)

// project returns the project whose account the path names.
func project(account string) (string, error) {
	id, ok := strings.CutPrefix(account, reseller)
	if !ok || id == "" || len(id) > 64 {
		return "", fault.NotFound.Errorf("there is no account %.80q", account)
	}
	return id, nil
}

func containerID(r *rest.Request) (object.ContainerID, error) {
	p, err := project(r.Param("account"))
	return object.ContainerID{ProjectID: p, Container: object.Name(r.Param("container"))}, err
}

func objectID(r *rest.Request) (object.ObjectID, error) {
	c, err := containerID(r)
	return object.ObjectID{ProjectID: c.ProjectID, Container: c.Container, Object: object.Name(r.Param("*"))}, err
}

// pathID reads "container/object" of a header, in an account that another header
// may name.
func pathID(r *rest.Request, header, accountHeader string) (object.ObjectID, error) {
	account := r.Header(accountHeader)
	if account == "" {
		account = r.Param("account")
	}
	p, err := project(account)
	if err != nil {
		return object.ObjectID{}, err
	}
	path, err := url.PathUnescape(r.Header(header))
	container, name, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if err != nil || !ok || container == "" || name == "" {
		return object.ObjectID{}, rest.WithStatus(http.StatusPreconditionFailed,
			fault.Invalid.Errorf("%s header must be of the form container/object", header))
	}
	return object.ObjectID{ProjectID: p, Container: object.Name(container), Object: object.Name(name)}, nil
}

// patch reads the metadata headers of an account or a container.
func patch(h http.Header, kind string) object.Patch {
	p := object.Patch{}
	for key, values := range h {
		key = canonical(key)
		if name, ok := strings.CutPrefix(key, "X-"+kind+"-Meta-"); ok {
			p[canonical(name)] = strings.TrimSpace(strings.Join(values, ","))
		}
	}
	for key := range h {
		if name, ok := strings.CutPrefix(canonical(key), "X-Remove-"+kind+"-Meta-"); ok {
			p[canonical(name)] = ""
		}
	}
	return p
}

// canonical returns the one spelling of a header name, in which clients cannot
// tell underscores from dashes.
func canonical(name string) string {
	return textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(name, "_", "-"))
}

// list returns what a request makes of an access list: nil leaves it.
func list(h http.Header, name string) *string {
	if h.Values("X-Remove-"+name) != nil {
		return new(string)
	}
	values := h.Values("X-" + name)
	if values == nil {
		return nil
	}
	joined := strings.Join(values, ",")
	return &joined
}

// properties reads what a request says about an object.
func properties(r *rest.Request) (object.Properties, error) {
	p := object.Properties{
		ContentType: r.Header("Content-Type"),
		Encoding:    r.Header("Content-Encoding"),
		Disposition: r.Header("Content-Disposition"),
		Metadata:    object.Metadata{},
	}
	for key, values := range r.HTTP.Header {
		if name, ok := strings.CutPrefix(canonical(key), "X-Object-Meta-"); ok {
			p.Metadata[canonical(name)] = strings.TrimSpace(strings.Join(values, ","))
		}
	}
	manifest, err := url.PathUnescape(r.Header("X-Object-Manifest"))
	if err != nil {
		return p, fault.Invalid.Errorf("X-Object-Manifest is not a quoted path")
	}
	p.Manifest = strings.TrimPrefix(manifest, "/")
	p.DeleteAt, err = deleteAt(r)
	return p, err
}

func deleteAt(r *rest.Request) (int64, error) {
	at, after, now := r.Header("X-Delete-At"), r.Header("X-Delete-After"), time.Now().Unix()
	name, text, base := "X-Delete-At", at, int64(0)
	if after != "" {
		name, text, base = "X-Delete-After", after, now
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > 1<<40 {
		return 0, fault.Invalid.Errorf("non-integer %s", name)
	}
	if n += base; n <= now && r.HTTP.Method != http.MethodDelete {
		return 0, fault.Invalid.Errorf("%s in past", name)
	}
	return n, nil
}

// say puts what is known about an object into headers.
func say(h http.Header, o object.Object) {
	h.Set("Content-Type", o.ContentType)
	h.Set("Etag", etag(o))
	h.Set("Last-Modified", httpTime(modified(o)))
	h.Set("X-Timestamp", timestamp(modified(o)))
	h.Set("Accept-Ranges", "bytes")
	set(h, "Content-Encoding", o.Encoding)
	set(h, "Content-Disposition", o.Disposition)
	if o.DeleteAt != 0 {
		h.Set("X-Delete-At", strconv.FormatInt(o.DeleteAt, 10))
	}
	if o.Manifest != "" {
		h.Set("X-Object-Manifest", (&url.URL{Path: o.Manifest}).EscapedPath())
	}
	if len(o.Segments) > 0 {
		h.Set("X-Static-Large-Object", "True")
	}
	sayMeta(h, "Object", o.Metadata)
}

// modified is when an object last changed, bytes or words.
func modified(o object.Object) time.Time { return o.UpdatedAt }

func sayMeta(h http.Header, kind string, m object.Metadata) {
	for k, v := range m {
		h.Set("X-"+kind+"-Meta-"+k, v)
	}
}

func set(h http.Header, name, value string) {
	if value != "" {
		h.Set(name, value)
	}
}

// etag is the MD5 as it is; only that of a large object, which is of no bytes, is quoted.
func etag(o object.Object) string {
	if o.Large() {
		return `"` + o.ETag + `"`
	}
	return o.ETag
}

// httpTime rounds up to the second that HTTP knows, so that what was read then
// is not taken for modified since.
func httpTime(t time.Time) string {
	return t.Add(time.Second - time.Nanosecond).Truncate(time.Second).UTC().Format(http.TimeFormat)
}

func timestamp(t time.Time) string {
	if t.IsZero() {
		t = time.Now()
	}
	return fmt.Sprintf("%d.%05d", t.Unix(), t.Nanosecond()/10_000)
}
