// Package objectapi is the HTTP face of the object domain: the Swift v1
// protocol, as far as GET /info says. It decodes headers, calls object.Service
// and object.Content, and encodes headers; everything else is theirs.
package objectapi

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
	"github.com/nacre-cloud/nacre/object"
)

type api struct {
	object.Service
	content object.Content
}

const (
	accountPath   = "/v1/{account}"
	containerPath = "/v1/{account}/{container}"
	objectPath    = "/v1/{account}/{container}/*"
	reseller      = "AUTH_"
)

// Face returns the face.
func Face(p Params) rest.Face {
	a := &api{p.Service, p.Content}
	routes := []rest.Route{
		rest.GET("/info", a.info).Public(),
		rest.GET("/healthcheck", healthcheck).Public(),
	}
	for _, h := range []struct {
		method, path string
		handler      rest.Handler
	}{
		{http.MethodGet, accountPath, a.listAccount},
		{http.MethodHead, accountPath, a.headAccount},
		{http.MethodPost, accountPath, a.postAccount},
		{http.MethodPut, accountPath, a.putAccount},
		{http.MethodDelete, accountPath, a.deleteAccount},
		{http.MethodGet, containerPath, a.listContainer},
		{http.MethodHead, containerPath, a.headContainer},
		{http.MethodPut, containerPath, a.putContainer},
		{http.MethodPost, containerPath, a.postContainer},
		{http.MethodDelete, containerPath, a.deleteContainer},
		{http.MethodGet, objectPath, orContainer(a.readObject, a.listContainer)},
		{http.MethodHead, objectPath, orContainer(a.readObject, a.headContainer)},
		{http.MethodPut, objectPath, orContainer(a.putObject, a.putContainer)},
		{http.MethodPost, objectPath, orContainer(a.postObject, a.postContainer)},
		{http.MethodDelete, objectPath, orContainer(a.deleteObject, a.deleteContainer)},
		{"COPY", objectPath, a.copyObject},
	} {
		routes = append(routes, rest.Handle(h.method, h.path, h.handler).Anonymous().Stream())
	}
	return rest.Face{
		Name:     "object",
		Prefix:   "/object-store",
		Services: []rest.Service{{Type: "object-store", Name: "swift", Path: "/v1/" + reseller + "%(project_id)s"}},
		Dialect:  page,
		Statuses: map[error]int{
			object.ErrChecksum:     http.StatusUnprocessableEntity,
			object.ErrTooLarge:     http.StatusRequestEntityTooLarge,
			object.ErrPrecondition: http.StatusPreconditionFailed,
			fault.Exhausted:        http.StatusInsufficientStorage,
		},
		Routes:   routes,
		Decorate: decorate,
	}
}

// orContainer serves a container whose path ends with a slash.
func orContainer(object, container rest.Handler) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		if r.Param("*") == "" {
			return container(r)
		}
		return object(r)
	}
}

// decorate sets what clients want on every response, also on those without a body.
func decorate(h http.Header, requestID string) {
	digits := strings.ReplaceAll(strings.TrimPrefix(requestID, "req-"), "-", "")
	digits = fmt.Sprintf("%021s", digits[max(0, len(digits)-21):])
	h.Set("X-Trans-Id", fmt.Sprintf("tx%s-%010x", digits, time.Now().Unix()))
	h.Set("Content-Type", "text/html; charset=UTF-8")
}

// page writes an error as a small page, with a sentence that clients look for.
func page(h http.Header, p dialect.Problem) []byte {
	h.Set("Content-Type", "text/html; charset=UTF-8")
	sentence := ""
	if p.Status == http.StatusConflict {
		sentence = "There was a conflict when trying to complete your request. "
	}
	first, n := utf8.DecodeRuneInString(p.Message)
	return fmt.Appendf(nil, "<html><h1>%s</h1><p>%s%c%s</p></html>",
		p.Title(), sentence, unicode.ToUpper(first), html.EscapeString(p.Message[n:]))
}

// reply returns a response with headers and a body of its own, also where the
// status allows none: clients look for a Content-Type everywhere.
func reply(status int, h http.Header, body []byte) rest.Response {
	return rest.Raw(func(w http.ResponseWriter, r *http.Request) error {
		for k, v := range h {
			w.Header()[k] = v
		}
		if status != http.StatusNoContent && status != http.StatusNotModified {
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		}
		w.WriteHeader(status)
		if r.Method == http.MethodHead || len(body) == 0 {
			return nil
		}
		_, err := w.Write(body)
		return err
	})
}

// info says what works here, and the limits.
func (a *api) info(*rest.Request) (rest.Response, error) {
	store := a.content.Info()
	body, err := json.Marshal(map[string]any{
		"swift": map[string]any{
			"version":                   "2.30.0",
			"policies":                  []any{map[string]any{"name": store.Policy, "aliases": store.Policy, "default": true}},
			"max_file_size":             store.MaxObject,
			"max_container_name_length": object.MaxContainerName,
			"max_object_name_length":    object.MaxObjectName,
			"max_meta_name_length":      object.MaxMetaName,
			"max_meta_value_length":     object.MaxMetaValue,
			"max_meta_count":            object.MaxMetaCount,
			"max_meta_overall_size":     object.MaxMetaSize,
			"container_listing_limit":   object.MaxListing,
			"account_listing_limit":     object.MaxListing,
			"strict_cors_mode":          true,
		},
		"versioned_writes": map[string]any{"allowed_flags": []string{"x-versions-location", "x-history-location"}},
		"account_quotas":   map[string]any{},
		"container_quotas": map[string]any{},
		"bulk_delete":      map[string]any{"max_deletes_per_request": maxBulk, "max_failed_deletes": maxBulk},
		"bulk_upload":      map[string]any{"max_containers_per_extraction": maxBulk, "max_failed_extractions": maxBulk},
		"dlo":              map[string]any{},
		"slo":              map[string]any{"max_manifest_segments": object.MaxSegments, "max_manifest_size": maxManifest, "min_segment_size": 1},
		"tempurl": map[string]any{
			"methods": []string{"GET", "HEAD", "PUT"}, "allowed_digests": []string{"sha256", "sha512"},
		},
	})
	h := http.Header{"Content-Type": {"application/json; charset=UTF-8"}}
	return reply(http.StatusOK, h, body), fault.Internal.Wrap(err, "encode info")
}

func healthcheck(*rest.Request) (rest.Response, error) {
	return reply(http.StatusOK, http.Header{"Content-Type": {"text/plain"}}, []byte("OK")), nil
}
