package rest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

const basePlaceholder = "{base}"

// document serves d with and without a trailing slash.
func (m *mount) document(d Document) error {
	if d.Status == 0 {
		d.Status = http.StatusOK
	}
	encoded, err := microversion.Append(nil, d.Body, microversion.Options{})
	if err != nil {
		return fmt.Errorf("document %s: %w", d.Path, err)
	}
	body := string(encoded)
	handler := func(w http.ResponseWriter, r *http.Request) {
		x := w.(*exchange)
		x.route = m.prefix + d.Path
		// A client that asks for a version it cannot have reads here which ones it can.
		_, _ = m.versions.negotiate(r.Header, x.Header())
		base := m.base(r)
		x.Header().Set("Content-Type", "application/json")
		if d.Location != "" {
			x.Header().Set("Location", strings.ReplaceAll(d.Location, basePlaceholder, base))
		}
		x.respond(d.Status, []byte(strings.ReplaceAll(body, basePlaceholder, base)))
	}
	path := strings.TrimSuffix(d.Path, "/")
	for _, path := range []string{path, path + "/"} {
		if path == "" {
			continue
		}
		m.mux.MethodFunc(http.MethodGet, path, handler)
		m.mux.MethodFunc(http.MethodHead, path, handler)
	}
	return nil
}
