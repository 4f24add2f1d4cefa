package rest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/kit/rest"
)

// BenchmarkRequest is what this package costs a request, sockets aside.
func BenchmarkRequest(b *testing.B) {
	boats := map[string]boat{"b1": {ID: "b1", Name: "Nacre", Labels: map[string]string{"a": "b"}}}
	s, err := rest.New(rest.Params{Faces: []rest.Face{(&harbour{boats: boats}).face()}, Authenticator: rest.AuthenticatorFunc(anyToken)})
	if err != nil {
		b.Fatal(err)
	}
	h := s.Handler()
	run := func(name, method, path, body string, want int) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequestWithContext(b.Context(), method, path, strings.NewReader(body))
				r.Header.Set("X-Auth-Token", "good")
				r.Header.Set("OpenStack-API-Version", "harbour 2.60")
				w := httptest.NewRecorder()
				if h.ServeHTTP(w, r); w.Code != want {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
	run("show", http.MethodGet, "/harbour/v2.1/boats/b1", "", http.StatusOK)
	run("create", http.MethodPost, "/harbour/v2.1/boats", `{"boat":{"name":"Tern","crew":"two"}}`, http.StatusAccepted)
	run("not found", http.MethodGet, "/harbour/v2.1/boats/zz", "", http.StatusNotFound)
}
