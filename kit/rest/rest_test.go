package rest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

// A try is one request and what must come back.
type try struct {
	name, method, path string
	body               string
	header             map[string]string
	status             int
	want               string            // in the body
	headers            map[string]string // "" means absent
}

func serverOf(t *testing.T, config rest.Config, faces ...rest.Face) *rest.Server {
	t.Helper()
	s, err := rest.New(rest.Params{Config: config, Faces: faces, Authenticator: rest.AuthenticatorFunc(anyToken)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (c try) send(t *testing.T, h http.Handler) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, strings.NewReader(c.body))
	r.Header.Set("X-Auth-Token", "good")
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func (c try) check(t *testing.T, h http.Handler) {
	t.Helper()
	w := c.send(t, h)
	if w.Code != c.status {
		t.Errorf("status is %d, want %d: %s", w.Code, c.status, w.Body)
	}
	if !strings.Contains(w.Body.String(), c.want) {
		t.Errorf("body is %s, want %s", w.Body, c.want)
	}
	for name, value := range c.headers {
		if got := strings.Join(w.Header().Values(name), "|"); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	if !strings.HasPrefix(w.Header().Get("X-Openstack-Request-Id"), "req-") {
		t.Errorf("there is no request id")
	}
}

func harbourServer(t *testing.T) http.Handler {
	t.Helper()
	boats := map[string]boat{"b1": {ID: "b1", Name: "Nacre", Created: time.Unix(0, 0)}}
	return serverOf(t, rest.Config{}, (&harbour{boats: boats}).face()).Handler()
}

func TestAFaceAnswers(t *testing.T) {
	version := func(v string) map[string]string { return map[string]string{"OpenStack-API-Version": "harbour " + v} }
	big := `{"boat":{"name":"` + strings.Repeat("a", 2<<20) + `"}}`
	tests := []try{
		{name: "lists", path: "/harbour/v2.1/boats", status: 200, want: `{"boats":[{"id":"b1"`},
		{name: "a path with a project", path: "/harbour/v2.1/p1/boats/b1", status: 200, want: `{"boat":{"id":"b1"`},
		{name: "a trailing slash", path: "/harbour/v2.1/boats/", status: 200, want: `{"boats":`},
		{name: "HEAD has no body", method: "HEAD", path: "/harbour/v2.1/boats/b1", status: 200, headers: map[string]string{"Content-Type": "application/json"}},
		{name: "links use the host", path: "/harbour/v2.1/boats/b1", status: 200, want: `"href":"http://example.com/harbour/v2.1/boats/b1"`},
		{name: "accepted, without a body", method: "DELETE", path: "/harbour/v2.1/boats/zz", status: 202},
		{name: "no content from 2.2", method: "DELETE", path: "/harbour/v2.1/boats/zz", header: version("2.2"), status: 204, headers: map[string]string{"Content-Type": "", "Content-Length": ""}},

		{name: "no token", path: "/harbour/v2.1/boats", header: map[string]string{"X-Auth-Token": ""}, status: 401, want: `{"unauthorized":{"code":401`, headers: map[string]string{"WWW-Authenticate": `Keystone uri="http://example.com/identity"`}},
		{name: "a bad token", path: "/harbour/v2.1/boats", header: map[string]string{"X-Auth-Token": "bad"}, status: 401, want: `the token is not valid`},
		{name: "a host that is none", path: "/harbour/v2.1/boats", header: map[string]string{"X-Auth-Token": "bad"}, status: 401},
		{name: "gone", path: "/harbour/v2.1/boats/zz", status: 404, want: `{"itemNotFound":{"code":404,"message":"boat zz could not be found"}}`},
		{name: "unknown path", path: "/harbour/v2.1/sharks", status: 404, want: `{"itemNotFound":`, headers: map[string]string{"Content-Type": "application/json"}},
		{name: "unknown face", path: "/sharks", status: 404},
		{name: "wrong method", method: "PUT", path: "/harbour/v2.1/boats/b1", status: 405, want: `{"badMethod":{"code":405`, headers: map[string]string{"Allow": "DELETE, GET, HEAD"}},
		{name: "a method nobody knows", method: "BREW", path: "/harbour/v2.1/boats/b1", status: 405, want: `{"badMethod":`},
		{name: "before its time", path: "/harbour/v2.1/os-lighthouses", header: version("2.36"), status: 404, want: "not part of version 2.36"},

		{name: "dots", path: "/harbour/v2.1/boats/..", status: 404},
		{name: "escaped dots", path: "/harbour/v2.1/boats/%2e%2e", status: 404},
		{name: "dots out of the face", path: "/harbour/../harbour/v2.1/boats", status: 404},
		{name: "two slashes", path: "/harbour/v2.1//boats", status: 404},
		{name: "an escaped slash stays in its segment", path: "/harbour/v2.1/boats/a%2Fb", status: 404, want: "boat a/b could not"},
		{name: "NUL in the path", path: "/harbour/v2.1/boats/%00", status: 400, want: `{"badRequest"`},
		{name: "NUL in the query", path: "/harbour/v2.1/boats?name=%00", status: 400},
		{name: "a path that is not text", path: "/harbour/v2.1/boats/%ff", status: 400},

		{name: "creates", method: "POST", path: "/harbour/v2.1/boats", body: `{"boat":{"name":"x"}}`, status: 202, want: `{"boat":{"id":"b2"`, headers: map[string]string{"Location": "http://example.com/harbour/v2.1/boats/b2"}},
		{name: "no body", method: "POST", path: "/harbour/v2.1/boats", status: 400, want: `no body`},
		{name: "malformed JSON", method: "POST", path: "/harbour/v2.1/boats", body: `{"boat":{`, status: 400, want: `{"badRequest":{"code":400,"message":"malformed JSON`},
		{name: "trailing garbage", method: "POST", path: "/harbour/v2.1/boats", body: `{"boat":{"name":"x"}}]`, status: 400},
		{name: "an unknown field", method: "POST", path: "/harbour/v2.1/boats", body: `{"boat":{"name":"x","y":1}}`, status: 400, want: "boat.y: is not known"},
		{name: "a wrong type", method: "POST", path: "/harbour/v2.1/boats", body: `{"boat":{"name":1}}`, status: 400, want: "boat.name: expected a string, got a number"},
		{name: "a nesting bomb", method: "POST", path: "/harbour/v2.1/boats", body: strings.Repeat(`{"boat":`, 10000), status: 400},
		{name: "too large", method: "POST", path: "/harbour/v2.1/boats", body: big, status: 413, want: `{"overLimit":{"code":413`, headers: map[string]string{"Retry-After": "0"}},
		{name: "a form", method: "POST", path: "/harbour/v2.1/boats", body: "a=b", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, status: 415, want: `{"badMediaType"`},
		{name: "JSON by its name", method: "POST", path: "/harbour/v2.1/boats", body: `{"boat":{"name":"x"}}`, header: map[string]string{"Content-Type": "Application/JSON; charset=utf-8"}, status: 202},

		{name: "acts", method: "POST", path: "/harbour/v2.1/boats/b1/action", body: `{"unmoor":null}`, status: 202},
		{name: "acts with a value", method: "POST", path: "/harbour/v2.1/p/boats/b1/action", body: `{"moor":{"pier":1}}`, header: version("2.9"), status: 202},
		{name: "an action's fault", method: "POST", path: "/harbour/v2.1/boats/b1/action", body: `{"moor":{"pier":-1}}`, header: version("2.9"), status: 409, want: `{"conflictingRequest"`},
		{name: "an action's bad value", method: "POST", path: "/harbour/v2.1/boats/b1/action", body: `{"moor":null}`, header: version("2.9"), status: 400, want: "pier: is required"},
		{name: "an action before its time", method: "POST", path: "/harbour/v2.1/boats/b1/action", body: `{"moor":{"pier":1}}`, status: 404},
		{name: "an unknown action", method: "POST", path: "/harbour/v2.1/boats/b1/action", body: `{"sink":null}`, status: 400, want: "there is no action"},
		{name: "two actions", method: "POST", path: "/harbour/v2.1/boats/b1/action", body: `{"moor":null,"unmoor":null}`, status: 400},
	}
	h := harbourServer(t)
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			if c.method == "" {
				c.method = http.MethodGet
			}
			c.check(t, h)
		})
	}
}

func TestVersionsAreNegotiated(t *testing.T) {
	both := "OpenStack-API-Version, X-Quay-API-Version"
	answer := func(v string) map[string]string {
		return map[string]string{"OpenStack-API-Version": "harbour " + v, "X-Quay-API-Version": v, "Vary": both}
	}
	tests := []try{
		{name: "none asked for", status: 200, headers: answer("2.1")},
		{name: "the common header", header: map[string]string{"OpenStack-API-Version": "harbour 2.60"}, status: 200, headers: answer("2.60")},
		{name: "another service's", header: map[string]string{"OpenStack-API-Version": "volume 3.60"}, status: 200, headers: answer("2.1")},
		{name: "several services", header: map[string]string{"OpenStack-API-Version": "volume 3.60, harbour 2.9"}, status: 200, headers: answer("2.9")},
		{name: "the old header", header: map[string]string{"X-Quay-API-Version": "2.3"}, status: 200, headers: answer("2.3")},
		{name: "the common header wins", header: map[string]string{"X-Quay-API-Version": "2.3", "OpenStack-API-Version": "harbour 2.4"}, status: 200, headers: answer("2.4")},
		{name: "latest", header: map[string]string{"X-Quay-API-Version": "latest"}, status: 200, headers: answer("2.93")},
		{name: "too new", header: map[string]string{"X-Quay-API-Version": "2.94"}, status: 406, want: "maximum is 2.93", headers: answer("2.1")},
		{name: "too old", header: map[string]string{"X-Quay-API-Version": "1.0"}, status: 406},
		{name: "malformed", header: map[string]string{"X-Quay-API-Version": "2.01"}, status: 400},
		{name: "no version at all", header: map[string]string{"X-Quay-API-Version": "newest"}, status: 400},
	}
	h := harbourServer(t)
	for _, c := range tests {
		t.Run(c.name, func(t *testing.T) {
			c.method, c.path = http.MethodGet, "/harbour/v2.1/boats"
			c.check(t, h)
		})
	}
}

func TestDocumentsNeedNoTokenAndNoSlash(t *testing.T) {
	face := rest.Face{
		Name: "a", Prefix: "/a", Dialect: dialect.Titled,
		Documents: []rest.Document{
			{Path: "/", Status: 300, Location: "{base}/v3/", Body: map[string]any{"versions": rest.Link{Rel: "self", Href: "{base}/v3/"}}},
			{Path: "/v3", Body: map[string]string{"version": "{base}/v3/"}},
		},
		Routes: []rest.Route{rest.GET("/v3/things", func(*rest.Request) (rest.Response, error) { return rest.Empty(), nil })},
	}
	for _, public := range []string{"", "https://cloud.example.org/"} {
		base := "http://example.com/a"
		if public != "" {
			base = "https://cloud.example.org/a"
		}
		h := serverOf(t, rest.Config{Public: public}, face).Handler()
		for path, status := range map[string]int{"/a": 300, "/a/": 300, "/a/v3": 200, "/a/v3/": 200} {
			for _, method := range []string{"GET", "HEAD"} {
				c := try{method: method, path: path, status: status, header: map[string]string{"X-Auth-Token": ""}, want: base + "/v3/"}
				if status == 300 {
					c.headers = map[string]string{"Location": base + "/v3/"}
				}
				if method == "HEAD" {
					c.want = ""
				}
				t.Run(method+path+public, func(t *testing.T) { c.check(t, h) })
			}
		}
	}
	h := serverOf(t, rest.Config{}, face).Handler()
	t.Run("unknown paths are pages", func(t *testing.T) {
		try{method: "GET", path: "/a/v9", status: 404, want: "<title>404 Not Found</title>"}.check(t, h)
	})
	t.Run("documents refuse other methods", func(t *testing.T) {
		try{method: "POST", path: "/a/v3", status: 405, headers: map[string]string{"Allow": "GET, HEAD"}}.check(t, h)
	})
}

func TestFaultsBecomeStatuses(t *testing.T) {
	full := fault.Exhausted.Reason("pool.full")
	var err error
	face := rest.Face{
		Name: "a", Prefix: "/a", Dialect: dialect.Typed(map[error]string{full: "PoolFull"}),
		Statuses:         map[error]int{fault.OverQuota: 409, full: 503},
		RequestIDHeaders: []string{"X-A-Request-Id"},
		Routes: []rest.Route{rest.GET("/x", func(*rest.Request) (rest.Response, error) {
			if err == nil {
				panic("secret")
			}
			return rest.Response{}, err
		}).Public()},
	}
	h := serverOf(t, rest.Config{}, face).Handler()
	tests := []struct {
		name   string
		err    error
		status int
		want   string
	}{
		{"a kind", fault.NotFound.Errorf("no %s", "x"), 404, `{"NeutronError":{"type":"HTTPNotFound","message":"no x","detail":""}}`},
		{"a kind of another status here", fault.OverQuota.Errorf("q"), 409, `"OverQuota"`},
		{"a reason of another status here", full.Errorf("f"), 503, `"PoolFull"`},
		{"an exact status", rest.WithStatus(412, fault.Conflict.Errorf("c")), 412, `"HTTPConflict"`},
		{"what nobody classified says nothing", io.ErrUnexpectedEOF, 500, "an unexpected error occurred"},
		{"a panic says nothing", nil, 500, "an unexpected error occurred"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err = tt.err
			c := try{method: "GET", path: "/a/x", status: tt.status, want: tt.want}
			c.check(t, h)
			if w := c.send(t, h); strings.Contains(w.Body.String(), "secret") {
				t.Error("the client learns about our insides")
			}
		})
	}
}

func TestRequestIDsTravel(t *testing.T) {
	var seen context.Context
	face := rest.Face{
		Name: "a", Prefix: "/a", Dialect: dialect.Text, RequestIDHeaders: []string{"X-A-Request-Id"},
		Decorate: func(h http.Header, id string) { h.Set("X-Trans-Id", "tx"+id) },
		Routes: []rest.Route{rest.GET("/x", func(r *rest.Request) (rest.Response, error) {
			seen = r.Context()
			return rest.Reply(r.RequestID()), nil
		}).Public()},
	}
	h := serverOf(t, rest.Config{}, face).Handler()
	global := "req-00000000-0000-4000-8000-000000000001"
	trace := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	w := try{method: "GET", path: "/a/x", header: map[string]string{"X-OpenStack-Request-ID": global, "traceparent": trace}}.send(t, h)
	id := w.Header().Get("X-OpenStack-Request-ID")
	var body string
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || body != id {
		t.Errorf("the handler saw %q, the client %q (%v)", body, id, err)
	}
	if id == global || w.Header().Get("X-A-Request-Id") != id || w.Header().Get("X-Trans-Id") != "tx"+id {
		t.Errorf("headers are %v", w.Header())
	}
	if rest.RequestID(seen) != id || rest.GlobalRequestID(seen) != global {
		t.Errorf("the context knows %q and %q", rest.RequestID(seen), rest.GlobalRequestID(seen))
	}
	_ = try{method: "GET", path: "/a/x", header: map[string]string{"X-OpenStack-Request-ID": "req-<script>"}}.send(t, h)
	if got := rest.GlobalRequestID(seen); got != "" {
		t.Errorf("a forged global id %q passed", got)
	}
}
