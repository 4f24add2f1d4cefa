package identityapi_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/identity/identitytest"
)

type answer struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

func call(t testing.TB, method, url, token, body string) answer {
	t.Helper()
	return callWith(t, method, url, body, map[string]string{"X-Auth-Token": token})
}

func callWith(t testing.TB, method, url, body string, header map[string]string) answer {
	t.Helper()
	req := must[*http.Request](t)(http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body)))
	for k, v := range header {
		if v != "" {
			req.Header.Set(k, v)
		}
	}
	req.Header.Set("Content-Type", "application/json")
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res := must[*http.Response](t)(c.Do(req))
	defer func() { _ = res.Body.Close() }()
	a := answer{status: res.StatusCode, header: res.Header, text: string(must[[]byte](t)(io.ReadAll(res.Body)))}
	_ = json.Unmarshal([]byte(a.text), &a.body)
	return a
}

const (
	toAdmin   = `{"project": {"name": "admin", "domain": {"id": "default"}}}`
	loginBody = `{"auth": {"identity": {"methods": ["password"], "password": {"user":
		{"name": "admin", "domain": {"name": "Default"}, "password": "not-a-default-password"}}}, "scope": ` + toAdmin + `}}`
)

func scoped(scope string) string { return strings.Replace(loginBody, toAdmin, scope, 1) }

func logIn(t testing.TB, url, body string) answer {
	t.Helper()
	a := call(t, http.MethodPost, url+"/v3/auth/tokens", "", body)
	if a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.text)
	}
	return a
}

func TestTokens(t *testing.T) {
	url := serve(t, identitytest.Config(t))
	made := logIn(t, url, loginBody)
	tok := made.header.Get("X-Subject-Token")
	body := made.body["token"].(map[string]any)
	for _, key := range []string{"methods", "user", "project", "is_domain", "roles", "catalog", "audit_ids", "expires_at", "issued_at"} {
		if _, there := body[key]; !there {
			t.Errorf("the token has no %s: %s", key, made.text)
		}
	}
	if at := body["expires_at"].(string); !strings.HasSuffix(at, ".000000Z") {
		t.Errorf("expires at %s", at)
	}
	if _, there := body["user"].(map[string]any)["password_expires_at"]; !there || made.header.Get("Vary") != "X-Auth-Token" {
		t.Errorf("%s %v", made.text, made.header)
	}
	both := map[string]string{"X-Auth-Token": tok, "X-Subject-Token": tok}
	shown := callWith(t, http.MethodGet, url+"/v3/auth/tokens", "", both)
	if shown.status != http.StatusOK || shown.text != made.text {
		t.Errorf("%d\n%s\n%s", shown.status, shown.text, made.text)
	}
	if bare := callWith(t, http.MethodGet, url+"/v3/auth/tokens?nocatalog", "", both); strings.Contains(bare.text, "catalog") {
		t.Errorf("%s", bare.text)
	}
	if head := callWith(t, http.MethodHead, url+"/v3/auth/tokens", "", both); head.status != http.StatusOK || head.text != "" {
		t.Errorf("HEAD: %d %q", head.status, head.text)
	}
	unscoped := logIn(t, url, scoped(`"unscoped"`))
	for _, key := range []string{"project", "roles", "catalog", "is_domain"} {
		if _, there := unscoped.body["token"].(map[string]any)[key]; there {
			t.Errorf("an unscoped token has %s", key)
		}
	}
	system := logIn(t, url, scoped(`{"system": {"all": true}}`))
	if !strings.Contains(system.text, `"system":{"all":true}`) || strings.Contains(system.text, "project_id") {
		t.Errorf("%s", system.text)
	}
	if gone := callWith(t, http.MethodDelete, url+"/v3/auth/tokens", "", both); gone.status != http.StatusNoContent {
		t.Errorf("%d %s", gone.status, gone.text)
	}
	if after := callWith(t, http.MethodGet, url+"/v3/auth/tokens", "", both); after.status != http.StatusUnauthorized {
		t.Errorf("a revoked token still works: %d", after.status)
	}
	asked := callWith(t, http.MethodGet, url+"/v3/auth/tokens", "", map[string]string{
		"X-Auth-Token": system.header.Get("X-Subject-Token"), "X-Subject-Token": tok,
	})
	if asked.status != http.StatusNotFound {
		t.Errorf("asking about a revoked token: %d", asked.status)
	}
}

func TestListsSayWhereTheyAre(t *testing.T) {
	url := serve(t, identitytest.Config(t))
	tok := logIn(t, url, loginBody).header.Get("X-Subject-Token")
	for _, path := range []string{"/v3/users?name=admin", "/v3/role_assignments?include_names", "/v3/services", "/v3/limits", "/v3/auth/projects"} {
		a := callWith(t, http.MethodGet, url+path, "", map[string]string{"X-Auth-Token": tok})
		if links, _ := a.body["links"].(map[string]any); links["self"] != url+path {
			t.Errorf("%s is at %v", path, links["self"])
		}
	}
}

func TestVersionDocuments(t *testing.T) {
	url := serve(t, identitytest.Config(t))
	for path, status := range map[string]int{"": 300, "/": 300, "/v3": 200, "/v3/": 200} {
		a := call(t, http.MethodGet, url+path, "", "")
		if a.status != status || !strings.Contains(a.text, `"id":"v3.14"`) || !strings.Contains(a.text, url+"/v3/") {
			t.Errorf("%q: %d %s", path, a.status, a.text)
		}
		if status == 300 && a.header.Get("Location") != url+"/v3/" {
			t.Errorf("%q: Location %q", path, a.header.Get("Location"))
		}
	}
}

func TestBadRequests(t *testing.T) {
	url := serve(t, identitytest.Config(t))
	tok := logIn(t, url, loginBody).header.Get("X-Subject-Token")
	const auth = "/v3/auth/tokens"
	tests := []struct {
		name, method, path, body string
		status                   int
	}{
		{"no body", "POST", auth, "", 400},
		{"not JSON", "POST", auth, "{", 400},
		{"no auth", "POST", auth, `{}`, 400},
		{"no identity", "POST", auth, `{"auth": {}}`, 400},
		{"no methods", "POST", auth, `{"auth": {"identity": {"methods": []}}}`, 400},
		{"methods of another type", "POST", auth, `{"auth": {"identity": {"methods": "password"}}}`, 400},
		{"a name that is a number", "POST", auth, `{"auth": {"identity": {"methods": ["password"], "password": {"user": {"name": 1}}}}}`, 400},
		{"two scopes", "POST", auth, scoped(`{"system": {"all": true}, "domain": {"id": "default"}}`), 400},
		{"a scope of another type", "POST", auth, scoped("7"), 400},
		{"a domain of another type", "POST", auth, scoped(`{"project": {"name": "admin", "domain": 7}}`), 400},
		{"wrong password", "POST", auth, strings.Replace(loginBody, "not-a-", "", 1), 401},
		{"unknown method", "POST", auth, `{"auth": {"identity": {"methods": ["magic"]}}}`, 401},
		{"no subject", "GET", auth, "", 400},
		{"unknown path", "GET", "/v3/nothing", "", 404},
		{"user without a name", "POST", "/v3/users", `{"user": {}}`, 400},
		{"enabled that is a word", "POST", "/v3/users", `{"user": {"name": "x", "enabled": "yes"}}`, 400},
		{"tags that are no list", "POST", "/v3/projects", `{"project": {"name": "x", "tags": "a"}}`, 400},
		{"a project as a domain", "POST", "/v3/projects", `{"project": {"name": "x", "is_domain": true}}`, 400},
		{"an unknown domain", "POST", "/v3/projects", `{"project": {"name": "x", "domain_id": "none"}}`, 404},
		{"an unknown user", "GET", "/v3/users/none", "", 404},
		{"a path with dots", "GET", "/v3/users/..%2f..%2fetc", "", 404},
		{"an enabled domain", "DELETE", "/v3/domains/default", "", 403},
		{"an unknown role", "PUT", "/v3/projects/a/users/b/roles/c", "", 404},
		{"a limit below zero", "GET", "/v3/users?limit=-1", "", 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := call(t, tt.method, url+tt.path, tok, tt.body)
			if a.status != tt.status {
				t.Fatalf("%d %s, want %d", a.status, a.text, tt.status)
			}
			e, isError := a.body["error"].(map[string]any)
			if tt.name != "unknown path" && (!isError || e["code"] != float64(tt.status) || e["message"] == "" || e["title"] == "") {
				t.Errorf("%s", a.text)
			}
		})
	}
	for name, bad := range map[string]string{"none": "", "forged": "gAAAAAforged", "cut": tok[:20]} {
		a := call(t, http.MethodGet, url+"/v3/users", bad, "")
		if a.status != http.StatusUnauthorized || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Keystone uri=") {
			t.Errorf("token %s: %d %v", name, a.status, a.header)
		}
	}
}

func BenchmarkValidate(b *testing.B) {
	url := serve(b, identitytest.Config(b))
	tok := logIn(b, url, loginBody).header.Get("X-Subject-Token")
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			req, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, url+"/v3/auth/tokens", nil)
			req.Header.Set("X-Auth-Token", tok)
			req.Header.Set("X-Subject-Token", tok)
			res, err := transport.RoundTrip(req)
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	})
}
