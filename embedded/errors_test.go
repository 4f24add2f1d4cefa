package embedded_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// refusal checks that a reply is a failure told in the words of its service.
func (r reply) refusal(t *testing.T) {
	t.Helper()
	if id := r.header.Get("X-Openstack-Request-Id"); !strings.HasPrefix(id, "req-") {
		t.Errorf("%s: request id is %q", r.call, id)
	}
	if r.status == 401 && !strings.HasPrefix(r.header.Get("WWW-Authenticate"), `Keystone uri="http`) {
		t.Errorf("%s: 401 with WWW-Authenticate %q", r.call, r.header.Get("WWW-Authenticate"))
	}
	if r.status == 500 {
		t.Errorf("%s: our fault: %s", r.call, r.body)
	}
	if strings.HasPrefix(r.call, "HEAD ") {
		return
	}
	_, path, _ := strings.Cut(r.call, " /")
	service, _, _ := strings.Cut(path, "/")
	kind, shape := "application/json", shapes[service]
	switch service {
	case "image", "object-store":
		kind = "text/html"
	case "identity":
		if shape(r) != "" && r.status == 404 { // no call at all
			kind, shape = "text/html", page
		}
	}
	if got := r.header.Get("Content-Type"); !strings.HasPrefix(got, kind) {
		t.Errorf("%s: %d as %s, want %s", r.call, r.status, got, kind)
	}
	if shape == nil {
		t.Fatalf("%s: no service has this path", r.call)
	}
	if wrong := shape(r); wrong != "" {
		t.Errorf("%s: %d has another shape (%s): %s", r.call, r.status, wrong, r.body)
	}
}

// shapes say what is wrong with an error body, by the first part of the path.
var shapes = map[string]func(reply) string{
	"identity": titled, "compute": keyed, "volume": keyed, "network": typed,
	"image": page, "object-store": swiftly, "placement": listed, "metering": flat,
}

func titled(r reply) string {
	return object(r.at("error"), map[string]any{"code": float64(r.status), "title": any(nil), "message": any(nil)})
}

func keyed(r reply) string {
	key, known := map[int]string{
		400: "badRequest", 401: "unauthorized", 403: "forbidden", 404: "itemNotFound", 405: "badMethod", 409: "conflictingRequest",
		413: "overLimit", 415: "badMediaType", 429: "overLimit", 501: "notImplemented", 503: "serviceUnavailable",
	}[r.status]
	if !known {
		key = "computeFault"
	}
	want := map[string]any{"code": float64(r.status), "message": any(nil)}
	if key == "overLimit" {
		want["retryAfter"] = any(nil)
		if r.header.Get("Retry-After") != "0" {
			return "no Retry-After"
		}
	}
	return object(r.at(key), want)
}

func typed(r reply) string {
	if _, ok := r.at("NeutronError.detail").(string); !ok {
		return "no detail"
	}
	return object(r.at("NeutronError"), map[string]any{"type": any(nil), "message": any(nil), "detail": ""})
}

func listed(r reply) string {
	if r.status == 401 {
		return titled(r)
	}
	for _, optional := range []string{"code", "min_version", "max_version"} {
		if v, ok := r.at("errors.0." + optional).(string); ok && v == "" {
			return optional + " is empty"
		}
	}
	for key, want := range map[string]any{"status": float64(r.status), "request_id": r.header.Get("X-Openstack-Request-Id")} {
		if got := r.at("errors.0." + key); got != want {
			return fmt.Sprintf("%s is %v", key, got)
		}
	}
	if text(r.at("errors.0.title")) == "" || text(r.at("errors.0.detail")) == "" {
		return "no title or detail"
	}
	return ""
}

func flat(r reply) string {
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		return err.Error()
	}
	return object(v, map[string]any{"code": float64(r.status), "title": any(nil), "description": any(nil)})
}

func page(r reply) string {
	if !strings.Contains(r.body, fmt.Sprintf("<title>%d ", r.status)) {
		return "no title"
	}
	return ""
}

var swiftPage = regexp.MustCompile(`^<html><h1>[A-Z][^<]+</h1><p>[^<]+</p></html>$`)

func swiftly(r reply) string {
	if !swiftPage.MatchString(r.body) {
		return "no page"
	}
	if !regexp.MustCompile(`^tx[0-9a-f]{21}-[0-9a-f]{10}`).MatchString(r.header.Get("X-Trans-Id")) {
		return "no transaction id"
	}
	return ""
}

// object says what is wrong with an object that should have just these keys; where
// a value is nil, any text will do that is not empty.
func object(v any, want map[string]any) string {
	got, ok := v.(map[string]any)
	if !ok {
		return "no such object"
	}
	for key, w := range want {
		switch g := got[key]; {
		case w == nil && text(g) == "":
			return key + " is no text"
		case w != nil && w != "" && g != w:
			return fmt.Sprintf("%s is %v", key, g)
		}
	}
	if len(got) != len(want) {
		return fmt.Sprintf("%d keys", len(got))
	}
	return ""
}
