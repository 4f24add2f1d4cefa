package objectapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/object"
)

// signature reads a signed URL; it is nil when the URL is not signed.
func signature(r *rest.Request) (*object.Signature, error) {
	q := r.Query()
	sum, expires := q.String("temp_url_sig"), q.String("temp_url_expires")
	if sum == "" && expires == "" {
		return nil, nil
	}
	until, err := strconv.ParseInt(expires, 10, 64)
	if err != nil {
		t, e := time.Parse(time.RFC3339, expires)
		until, err = t.Unix(), e
	}
	if err != nil || sum == "" {
		return nil, fault.Unauthenticated.Errorf("temp URL invalid")
	}
	s := &object.Signature{Methods: []string{r.HTTP.Method}, Expires: until, Sum: sum}
	if r.HTTP.Method == http.MethodHead {
		s.Methods = []string{http.MethodHead, http.MethodGet, http.MethodPut}
	}
	path, kind := r.HTTP.URL.Path, ""
	if q.Has("temp_url_prefix") {
		// Every object whose name begins so is signed at once.
		prefix, name := q.String("temp_url_prefix"), r.Param("*")
		if !strings.HasPrefix(name, prefix) {
			return nil, fault.Unauthenticated.Errorf("temp URL invalid")
		}
		path, kind = strings.TrimSuffix(path, name)+prefix, "prefix:"
	}
	// Clients sign what they know: the path with our prefix, or from the version on.
	s.Paths = []string{kind + path}
	if i := strings.Index(path, "/v1/"); i > 0 {
		s.Paths = append(s.Paths, kind+path[i:])
	}
	return s, nil
}
