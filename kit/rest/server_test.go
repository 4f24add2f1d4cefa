package rest_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"
	"go.uber.org/goleak"

	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func get(t *testing.T, c *http.Client, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

func start(t *testing.T, p rest.Params) *rest.Server {
	t.Helper()
	s, err := rest.New(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

func public(path string, f rest.Handler) rest.Face {
	return rest.Face{
		Name: "a", Prefix: "/a", Dialect: dialect.Keyed, Routes: []rest.Route{rest.GET(path, f).Public()},
		Services: []rest.Service{{Type: "alpha", Name: "a", Path: "/v1/%(project_id)s"}},
	}
}

func TestAFaceAloneHasNoPrefix(t *testing.T) {
	free, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	face := public("/x", func(r *rest.Request) (rest.Response, error) {
		return rest.Reply([]string{r.URL("/x"), r.Endpoints()[0].URL}), nil
	})
	s := start(t, rest.Params{Faces: []rest.Face{face}, Config: rest.Config{Alone: []rest.Alone{{Face: "a", Listen: address}}}})
	c, catalog := client(t), s.URL()+`/a/v1/%(project_id)s`
	for url, self := range map[string]string{s.URL() + "/a/x": s.URL() + "/a/x", "http://" + address + "/x": "http://" + address + "/x"} {
		if _, body := get(t, c, url); body != `["`+self+`","`+catalog+`"]` {
			t.Errorf("%s answers %s", url, body)
		}
	}
	if e := s.Endpoints(); len(e) != 1 || e[0].URL != catalog || e[0].Type != "alpha" {
		t.Errorf("the catalog is %v", e)
	}
	if status, _ := get(t, c, "http://"+address+"/a/x"); status != http.StatusNotFound {
		t.Errorf("the prefix answers %d on the face's own port", status)
	}
}

func TestStopWaitsForWhatRuns(t *testing.T) {
	entered, leave := make(chan struct{}), make(chan struct{})
	s, err := rest.New(rest.Params{Faces: []rest.Face{public("/x", func(*rest.Request) (rest.Response, error) {
		close(entered)
		<-leave
		return rest.Reply("done"), nil
	})}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, replied, stopped := client(t), make(chan string), make(chan error)
	go func() {
		_, body := get(t, c, s.URL()+"/a/x")
		replied <- body
	}()
	<-entered
	go func() { stopped <- s.Stop(context.Background()) }()
	select {
	case err := <-stopped:
		t.Fatalf("stop returned %v before the request was over", err)
	default:
	}
	close(leave)
	if body := <-replied; body != `"done"` {
		t.Errorf("the last request got %q", body)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestStopBreaksOffWhatDoesNotEnd(t *testing.T) {
	entered := make(chan struct{})
	s, err := rest.New(rest.Params{Faces: []rest.Face{public("/x", func(r *rest.Request) (rest.Response, error) {
		close(entered)
		<-r.Context().Done()
		return rest.Response{}, r.Context().Err()
	})}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, over := client(t), make(chan error)
	go func() {
		res, err := c.Get(s.URL() + "/a/x") //nolint:noctx // it must outlive nothing
		if err == nil {
			res.Body.Close()
		}
		over <- err
	}()
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("stop returned %v", err)
	}
	if err := <-over; err == nil {
		t.Error("the request was answered")
	}
}

func TestHealthGivesReasons(t *testing.T) {
	var broken error
	s := start(t, rest.Params{Checks: []rest.Check{
		{Name: "database", Run: func(context.Context) error { return broken }},
		{Name: "bus", Run: func(context.Context) error { return nil }},
	}})
	c := client(t)
	if status, body := get(t, c, s.URL()+"/healthz"); status != 200 || body != `{"status":"ok","checks":{"bus":"ok","database":"ok"}}` {
		t.Errorf("well: %d %s", status, body)
	}
	broken = errors.New("no disk")
	if status, body := get(t, c, s.URL()+"/healthz"); status != 503 || body != `{"status":"failing","checks":{"bus":"ok","database":"no disk"}}` {
		t.Errorf("ill: %d %s", status, body)
	}
}

// An unanswering check must not make /healthz one, and a check's bug must not end the process.
func TestHealthSurvivesItsChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := rest.New(rest.Params{Checks: []rest.Check{
			{Name: "deaf", Run: func(context.Context) error { <-t.Context().Done(); return nil }},
			{Name: "mad", Run: func(context.Context) error { panic("a bug") }},
			{Name: "well", Run: func(context.Context) error { return nil }},
		}})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		s.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", nil))
		want := `{"status":"failing","checks":{"deaf":"no answer within 5s","mad":"panic: a bug","well":"ok"}}`
		if w.Code != http.StatusServiceUnavailable || w.Body.String() != want {
			t.Errorf("%d %s, want %s", w.Code, w.Body, want)
		}
	})
}

// described tells the log whose token it was.
type described struct{ rest.AuthenticatorFunc }

func (described) Describe(context.Context) []slog.Attr {
	return []slog.Attr{slog.String("user", "ann"), slog.String("project", "fleet")}
}

func TestRequestsAreCountedAndLogged(t *testing.T) {
	var logged bytes.Buffer
	face := (&harbour{boats: map[string]boat{}}).face()
	s := start(t, rest.Params{
		Faces: []rest.Face{face}, Authenticator: described{anyToken},
		Log: slog.New(slog.NewTextHandler(&logged, nil)),
	})
	h := s.Handler()
	try{method: "GET", path: "/harbour/v2.1/boats/b1?secret=1", status: 404}.check(t, h)
	try{method: "BREW", path: "/harbour/tea", status: 404}.check(t, h)
	_, body := get(t, client(t), s.URL()+"/metrics")
	for _, want := range []string{
		`nacre_http_requests_total{face="harbour",method="GET",route="/harbour/v2.1/boats/{id}",status="404"} 1`,
		`nacre_http_requests_total{face="harbour",method="none",route="none",status="404"} 1`,
		`nacre_http_request_duration_seconds_count{face="harbour",method="GET",route="/harbour/v2.1/boats/{id}"} 1`,
		`nacre_http_requests_running 0`, `go_goroutines`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	line := strings.Split(logged.String(), "\n")[1] // after the one that says where the server listens
	for _, want := range []string{"method=GET", "path=/harbour/v2.1/boats/b1", "status=404", "took=", "request=req-", "user=ann", "project=fleet", "version=2.1"} {
		if !strings.Contains(line, want) {
			t.Errorf("the access log lacks %s: %s", want, line)
		}
	}
	if all := logged.String(); strings.Contains(all, "secret") || strings.Contains(all, "good") {
		t.Errorf("the access log tells secrets: %s", all)
	}
}

func TestMetricsCanBePrivate(t *testing.T) {
	s := start(t, rest.Params{Config: rest.Config{Private: "127.0.0.1:0"}})
	for _, path := range []string{"/metrics", "/healthz"} {
		if status, _ := get(t, client(t), s.URL()+path); status != http.StatusNotFound {
			t.Errorf("%s answers %d in public", path, status)
		}
	}
}

func TestServersThatCannotWork(t *testing.T) {
	handler := func(*rest.Request) (rest.Response, error) { return rest.Empty(), nil }
	ok := public("/x", handler)
	with := func(change func(*rest.Face)) []rest.Face {
		f := ok
		change(&f)
		return []rest.Face{f}
	}
	tests := map[string]rest.Params{
		"two of a name":       {Faces: []rest.Face{ok, ok}},
		"no dialect":          {Faces: with(func(f *rest.Face) { f.Dialect = nil })},
		"no prefix":           {Faces: with(func(f *rest.Face) { f.Prefix = "" })},
		"a route twice":       {Faces: with(func(f *rest.Face) { f.Routes = append(f.Routes, f.Routes...) })},
		"a bad version":       {Faces: with(func(f *rest.Face) { f.Routes = []rest.Route{f.Routes[0].Since("two")} })},
		"a bad path":          {Faces: with(func(f *rest.Face) { f.Routes = []rest.Route{rest.GET("/{", handler)} })},
		"no handler":          {Faces: with(func(f *rest.Face) { f.Routes = []rest.Route{rest.GET("/y", nil)} })},
		"an action's version": {Faces: with(func(f *rest.Face) { f.Routes = []rest.Route{rest.Actions("/y", rest.Action("a", handler).Since("x"))} })},
		"a listener without":  {Config: rest.Config{Alone: []rest.Alone{{Face: "b"}}}},
		"public in some": {Faces: with(func(f *rest.Face) {
			f.Routes = []rest.Route{f.Routes[0].Until("2.1"), rest.GET("/x", handler).Since("2.2")}
		})},
		"document of a channel": {Faces: with(func(f *rest.Face) { f.Documents = []rest.Document{{Path: "/", Body: make(chan int)}} })},
	}
	for name, p := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := rest.New(p); err == nil {
				t.Error("the server was made")
			}
		})
	}
}

func TestTheModuleServesWhatIsListed(t *testing.T) {
	var s *rest.Server
	app := fxtest.New(t,
		rest.Module,
		rest.AddFace(func() (rest.Face, error) {
			return public("/x", func(*rest.Request) (rest.Response, error) { return rest.Reply(1), nil }), nil
		}),
		rest.AddCheck(func() rest.Check { return rest.Check{Name: "c", Run: func(context.Context) error { return nil }} }),
		fx.Populate(&s),
	).RequireStart()
	if status, body := get(t, client(t), s.URL()+"/a/x"); status != 200 || body != "1" {
		t.Errorf("got %d %s", status, body)
	}
	if _, body := get(t, client(t), s.URL()+"/healthz"); !strings.Contains(body, `"c":"ok"`) {
		t.Errorf("health is %s", body)
	}
	app.RequireStop()
}

func TestWithoutAnAuthenticatorNothingButPublicRoutesAnswers(t *testing.T) {
	face := (&harbour{boats: map[string]boat{}}).face()
	s, err := rest.New(rest.Params{Faces: []rest.Face{face}})
	if err != nil {
		t.Fatal(err)
	}
	try{method: "GET", path: "/harbour/v2.1/boats", status: 401, want: "no authenticator"}.check(t, s.Handler())
	try{method: "GET", path: "/harbour/v2.1", status: 200}.check(t, s.Handler())
}
