package embedded_test

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

// TestAnOperatorSkipsWhatCannotBeDone: a volume whose backend lost it for good.
func TestAnOperatorSkipsWhatCannotBeDone(t *testing.T) {
	w := newWorld(t)
	v := w.alice.newVolume(t)
	w.backends.fail("Delete", errors.New("the array is gone"))
	w.alice.do("DELETE", v, "").want(t, 202)
	var stuck reply
	flowtest.Eventually(t, "the deletion is stuck", func() bool {
		stuck = w.admin.do("GET", "/operator/v1/runs", "").want(t, 200)
		return stuck.at("runs.0") != nil
	})
	if got := stuck.at("runs.0.subject"); got != "volume/"+last(v) || !strings.Contains(text(stuck.at("runs.0.error")), "the array is gone") {
		t.Errorf("the stuck run: %s", stuck.body)
	}
	if m := w.admin.do("GET", "/metrics", "").want(t, 200).body; !strings.Contains(m, "nacre_flow_stuck_runs 1") || !strings.Contains(m, "nacre_bus_dead_letters 0") {
		t.Error("the metrics do not tell what waits for an operator")
	}
	skip := "/operator/v1/runs/" + text(stuck.at("runs.0.id")) + "/skip"
	w.alice.do("POST", skip, "").want(t, 403)
	// An engine holds the run while it tries.
	flowtest.Eventually(t, "the step is skipped", func() bool { return w.admin.do("POST", skip, "").want(t, 202, 409).status == 202 })
	flowtest.Eventually(t, "the volume is gone", func() bool { return w.alice.do("GET", v, "").status == 404 })
}

// lines is a log that many write to.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestTheLogNamesCallersAndKeepsSecrets, at its most talkative.
func TestTheLogNamesCallersAndKeepsSecrets(t *testing.T) {
	var log lines
	w := newWorld(t, fx.Decorate(func(*slog.Logger) *slog.Logger {
		return slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}))
	secret := func(what string) string { return "secret-" + what + "-9d1f" }
	logIn := func(password string) reply {
		return (&user{w: w}).do("POST", "/identity/v3/auth/tokens", fmt.Sprintf(
			`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"alice","domain":{"id":"default"},"password":%q}}}}}`, password))
	}
	logIn(secret("wrong password")).want(t, 401)
	w.alice.do("POST", "/identity/v3/users/"+w.alice.id+"/password", `{"user":{"original_password":"`+secret("old password")+`","password":"`+secret("new password")+`"}}`).want(t, 401)
	w.alice.do("GET", "/identity/v3/auth/tokens", "", "X-Subject-Token", w.bob.token).want(t, 403, 404)
	w.alice.with(secret("forged token")).do("GET", "/compute/v2.1/servers", "").want(t, 401)
	made := w.alice.do("POST", "/identity/v3/users/"+w.alice.id+"/application_credentials",
		`{"application_credential":{"name":"x","secret":"`+secret("credential")+`"}}`).want(t, 201)
	s := w.alice.do("POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"`+demo+`","networks":"none",
		"adminPass":"`+secret("admin pass")+`","user_data":"c2VjcmV0LXVzZXIgZGF0YS05ZDFm"}}`, microversion...).want(t, 202)
	w.alice.becomes(t, "/compute/v2.1/servers/"+text(s.at("server.id")), "server.status", "ACTIVE")

	all := log.String()
	for name, what := range map[string]string{
		"a password, secret or pass": "secret-", "user data": "c2VjcmV0", "a token": w.alice.token, "another token": w.bob.token,
		"the administrator's password": w.Password,
	} {
		if strings.Contains(all, what) {
			t.Errorf("the log tells %s", name)
		}
	}
	line := all[strings.LastIndex(all[:strings.Index(all, made.header.Get("X-Openstack-Request-Id"))], "\n")+1:]
	line, _, _ = strings.Cut(line, "\n")
	for _, want := range []string{
		"msg=http", "method=POST", "status=201", "took=", "request=req-", "user=" + w.alice.id, "project=" + w.alice.project,
	} {
		if !strings.Contains(line, want) {
			t.Errorf("the access log lacks %s: %s", want, line)
		}
	}
}

// TestABootIsOneTrace, from the client's own span to the last step of the flow.
func TestABootIsOneTrace(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	w := newWorld(t, fx.Provide(func() trace.TracerProvider {
		return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	}))
	const id = "0af7651916cd43dd8448eb211c80319c"
	s := w.alice.do("POST", "/compute/v2.1/servers", `{"server":{"name":"x","flavorRef":"1","imageRef":"`+demo+`","networks":"none"}}`,
		append(slices.Clone(microversion), "traceparent", "00-"+id+"-b7ad6b7169203331-01")...).want(t, http.StatusAccepted)
	w.alice.becomes(t, "/compute/v2.1/servers/"+text(s.at("server.id")), "server.status", "ACTIVE")
	var names []string
	flowtest.Eventually(t, "metering has heard of it in the same trace", func() bool {
		names = nil
		for _, span := range spans.Ended() {
			if span.SpanContext().TraceID().String() == id {
				names = append(names, span.Name())
			}
		}
		return slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, "metering ") })
	})
	for _, want := range []string{"POST /compute/v2.1/servers", "server.boot place", "server.boot spawn"} {
		if !slices.Contains(names, want) {
			t.Errorf("no span %s in %v", want, names)
		}
	}
}
