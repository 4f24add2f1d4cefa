package dialect_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

func TestEachDialectHasItsShape(t *testing.T) {
	full := fault.Exhausted.Reason("network.no-address")
	problem := func(status int, r fault.Reason) dialect.Problem {
		return dialect.Problem{Status: status, Reason: r, Message: "<why>", RequestID: "req-1"}
	}
	gone := problem(404, fault.Reason{Kind: fault.NotFound})
	unrouted := gone
	unrouted.Unrouted = true
	coded := gone
	coded.Version = "1.23"
	refused := problem(406, fault.Reason{Kind: fault.Invalid})
	refused.Min, refused.Max = "1.0", "1.39"
	page := "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  &lt;why&gt;<br /><br />\n </body>\n</html>"
	tests := []struct {
		name    string
		dialect dialect.Dialect
		problem dialect.Problem
		kind    string
		want    string
	}{
		{"keyed", dialect.Keyed, gone, "application/json", `{"itemNotFound":{"code":404,"message":"<why>"}}`},
		{"keyed over a limit", dialect.Keyed, problem(413, full), "application/json", `{"overLimit":{"code":413,"message":"<why>","retryAfter":"0"}}`},
		{"keyed without a name", dialect.Keyed, problem(418, full), "application/json", `{"computeFault":{"code":418,"message":"<why>"}}`},
		{"titled", dialect.Titled, gone, "application/json", `{"error":{"code":404,"message":"<why>","title":"Not Found"}}`},
		{"titled nowhere", dialect.Titled, unrouted, "text/html; charset=UTF-8", page},
		{"typed", dialect.Typed(nil), gone, "application/json", `{"NeutronError":{"type":"HTTPNotFound","message":"<why>","detail":""}}`},
		{"typed by its reason", dialect.Typed(map[error]string{full: "Full", fault.Exhausted: "Other"}), problem(409, full), "application/json", `{"NeutronError":{"type":"Full","message":"<why>","detail":""}}`},
		{"html", dialect.HTML, gone, "text/html; charset=UTF-8", page},
		{"listed", dialect.Listed(nil), gone, "application/json", `{"errors":[{"status":404,"title":"Not Found","detail":"<why>","request_id":"req-1"}]}`},
		{"listed with a code", dialect.Listed(map[error]string{fault.NotFound: "placement.gone"}), coded, "application/json", `{"errors":[{"status":404,"title":"Not Found","detail":"<why>","code":"placement.gone","request_id":"req-1"}]}`},
		{"listed with versions", dialect.Listed(nil), refused, "application/json", `{"errors":[{"status":406,"title":"Not Acceptable","detail":"<why>","request_id":"req-1","min_version":"1.0","max_version":"1.39"}]}`},
		{"listed without a token", dialect.Listed(nil), problem(401, fault.Reason{Kind: fault.Unauthenticated}), "application/json", `{"error":{"code":401,"message":"<why>","title":"Unauthorized"}}`},
		{"flat", dialect.Flat, gone, "application/json", `{"code":404,"title":"Not Found","description":"<why>"}`},
		{"text", dialect.Text, gone, "text/plain; charset=UTF-8", "<why>\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			if diff := cmp.Diff(tt.want, string(tt.dialect(h, tt.problem))); diff != "" {
				t.Error(diff)
			}
			if got := h.Get("Content-Type"); got != tt.kind {
				t.Errorf("content type is %q, want %q", got, tt.kind)
			}
		})
	}
}
