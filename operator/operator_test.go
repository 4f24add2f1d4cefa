package operator_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/operator"
)

// An office is a desk, what it stands on, and the way there over HTTP.
type office struct {
	*operator.Desk
	db     *db.DB
	bus    *bus.Bus
	flows  *flow.Engine
	now    time.Time
	server *rest.Server
}

func open(t *testing.T, d *db.DB) *office {
	t.Helper()
	o := &office{db: d, now: time.Now()}
	o.bus = bustest.Start(t, bus.Params{DB: d, Config: bus.Config{Attempts: 1}})
	o.flows = flow.NewEngine(d, nil, flow.Config{Now: func() time.Time { return o.now }})
	o.Desk = operator.New(operator.Params{Flows: o.flows, Bus: o.bus})
	var err error
	// A token is the role of who sends it.
	o.server, err = rest.New(rest.Params{Faces: []rest.Face{o.Face()}, Authenticator: rest.AuthenticatorFunc(
		func(ctx context.Context, role string) (context.Context, error) { return as(ctx, role), nil },
	)})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func as(ctx context.Context, role string) context.Context {
	return identitytest.As(ctx, role, "p", role)
}

// each runs f at a desk on each kind of database.
func each(t *testing.T, f func(t *testing.T, o *office)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) { f(t, open(t, d)) }, bus.Migrations, flow.Migrations)
}

// ask sends a request as somebody with a role, wants a status, and returns the body.
func (o *office) ask(t *testing.T, role, call string, status int) string {
	t.Helper()
	method, path, _ := strings.Cut(call, " ")
	r := httptest.NewRequestWithContext(t.Context(), method, "/operator/v1"+path, nil)
	r.Header.Set("X-Auth-Token", role)
	w := httptest.NewRecorder()
	o.server.Handler().ServeHTTP(w, r)
	if w.Code != status {
		t.Errorf("%s as %s: %d, want %d: %s", call, role, w.Code, status, w.Body)
	}
	return w.Body.String()
}

// listed is what the lists have in common.
type listed []struct {
	ID, Flow, Subject, Status, Step, Error, Cause, Listener, Topic string
	Attempts                                                       int
	Event                                                          json.RawMessage
	NextAt                                                         time.Time `json:"next_attempt_at"`
	Request                                                        string    `json:"request_id"`
}

func (o *office) list(t *testing.T, what string) listed {
	t.Helper()
	var body map[string]listed
	if err := json.Unmarshal([]byte(o.ask(t, identity.RoleAdmin, "GET /"+what, 200)), &body); err != nil {
		t.Fatal(err)
	}
	return body[strings.ReplaceAll(what, "-", "_")]
}

func (o *office) start(t *testing.T, f *flow.Flow[string], subject string) {
	t.Helper()
	ctx := bus.WithBaggage(t.Context(), rest.RequestIDKey, "req-1")
	err := o.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := flow.Start(ctx, tx, f, subject, "the state")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// work lets time pass, and the engine do what is due then.
func (o *office) work(t *testing.T, passes time.Duration) {
	t.Helper()
	o.now = o.now.Add(passes)
	if _, err := o.flows.RunDue(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestStuckRuns(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		tries := 0
		boot := flow.Register(o.flows, flow.New[string]("boot").
			Step("volume", nil, func(context.Context, *string) error { tries++; return errors.New("storage is on fire") }).
			Step("spawn", func(context.Context, *string) error { return fault.Exhausted.Errorf("no room") }, nil))
		o.start(t, boot, "server/1")
		o.work(t, 0)
		if runs := o.list(t, "runs"); len(runs) != 0 {
			t.Errorf("stuck after one failure: %+v", runs)
		}
		for range 5 {
			o.work(t, time.Minute)
		}
		runs := o.list(t, "runs")
		if len(runs) != 1 {
			t.Fatalf("%+v", runs)
		}
		r := runs[0]
		if r.Flow != "boot" || r.Subject != "server/1" || r.Status != "undoing" || r.Step != "volume" || r.Attempts != 6 ||
			r.Error != "storage is on fire" || r.Cause != "no room" || r.Request != "req-1" || !r.NextAt.After(o.now.Add(-time.Minute)) {
			t.Errorf("%+v", r)
		}
		if body := o.ask(t, identity.RoleAdmin, "GET /runs", 200); strings.Contains(body, "the state") {
			t.Error("the list shows states, which may hold secrets")
		}
		o.ask(t, identity.RoleAdmin, "POST /runs/"+r.ID+"/retry", 202)
		before := tries
		if o.work(t, 0); tries != before+1 {
			t.Errorf("a retry tried %d times", tries-before)
		}
		o.ask(t, identity.RoleAdmin, "POST /runs/"+r.ID+"/skip", 202)
		o.work(t, 0)
		if runs := o.list(t, "runs"); len(runs) != 0 {
			t.Errorf("still stuck: %+v", runs)
		}
		for _, order := range []string{"retry", "skip"} {
			o.ask(t, identity.RoleAdmin, "POST /runs/"+r.ID+"/"+order, 404)
		}
	})
}

func TestOnlyAStuckUndoCanBeSkipped(t *testing.T) {
	o := open(t, dbtest.SQLite(t, bus.Migrations, flow.Migrations))
	wait := func(context.Context, *string) error { return fault.Unavailable.Errorf("not yet") }
	forward := flow.Register(o.flows, flow.New[string]("forward").Step("a", wait, nil).Within(24*time.Hour))
	fresh := flow.Register(o.flows, flow.New[string]("fresh").Step("a", wait, nil).Sure())
	foreign := flow.New[string]("foreign").Step("a", wait, nil)
	o.start(t, forward, "server/forward")
	for range 6 {
		o.work(t, time.Minute)
	}
	o.start(t, fresh, "server/fresh")
	o.start(t, foreign, "server/foreign")
	o.work(t, 0)
	var runs []flow.Run
	if err := o.db.Read().NewSelect().Model(&runs).Scan(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"forward": "409 is still going forward",
		"fresh":   "409 is not stuck",
		"foreign": "503 knows no step a of foreign",
	}
	for _, r := range runs {
		status, why, _ := strings.Cut(want[r.Flow], " ")
		code := map[string]int{"409": 409, "503": 503}[status]
		if body := o.ask(t, identity.RoleAdmin, "POST /runs/"+r.ID+"/skip", code); !strings.Contains(body, why) {
			t.Errorf("%s: %s, want %s", r.Flow, body, why)
		}
	}
}

type born struct{ ID string }

func (born) Name() string { return "test.born.v1" }

func TestDeadLetters(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		var handled []string
		broken := true
		bus.On(o.bus, "nurse", func(_ context.Context, _ *db.Tx, e born) error {
			if broken {
				return fault.Invalid.Errorf("cannot read %s", e.ID)
			}
			handled = append(handled, e.ID)
			return nil
		})
		err := o.db.Tx(bus.WithBaggage(t.Context(), rest.RequestIDKey, "req-1"), func(ctx context.Context, tx *db.Tx) error {
			return bus.Publish(ctx, tx, born{"ann"}, born{"bob"})
		})
		if err != nil {
			t.Fatal(err)
		}
		flowtest.Eventually(t, "both are dead letters", func() bool { return len(o.list(t, "dead-letters")) == 2 })
		letters := o.list(t, "dead-letters")
		bob, ann := letters[0], letters[1] // newest first
		if body := o.ask(t, identity.RoleAdmin, "GET /dead-letters?limit=1", 200); !strings.Contains(body, "marker="+bob.ID) {
			t.Errorf("a page without a link to the next: %s", body)
		}
		if ann.Listener != "nurse" || ann.Topic != "test.born.v1" || string(ann.Event) != `{"ID":"ann"}` ||
			ann.Error != "cannot read ann" || ann.Attempts != 1 || ann.Request != "req-1" {
			t.Errorf("%+v", ann)
		}
		if body := o.ask(t, identity.RoleAdmin, "POST /dead-letters/"+ann.ID+"/replay", 400); !strings.Contains(body, "cannot read ann") {
			t.Error(body)
		}
		broken = false
		o.ask(t, identity.RoleAdmin, "POST /dead-letters/"+ann.ID+"/replay", 204)
		if len(handled) != 1 || handled[0] != "ann" {
			t.Errorf("handled %v", handled)
		}
		o.ask(t, identity.RoleAdmin, "DELETE /dead-letters/"+bob.ID, 204)
		if left := o.list(t, "dead-letters"); len(left) != 0 || len(handled) != 1 {
			t.Errorf("left %+v, handled %v", left, handled)
		}
		o.ask(t, identity.RoleAdmin, "POST /dead-letters/"+ann.ID+"/replay", 404)
		o.ask(t, identity.RoleAdmin, "DELETE /dead-letters/"+bob.ID, 404)
	})
}

func TestOnlyAdministratorsMay(t *testing.T) {
	o := open(t, dbtest.SQLite(t, bus.Migrations, flow.Migrations))
	calls := map[string]func(ctx context.Context) error{
		"GET /runs":                   func(ctx context.Context) error { _, err := o.StuckRuns(ctx, page.Query{}); return err },
		"POST /runs/x/retry":          func(ctx context.Context) error { return o.RetryRun(ctx, "x") },
		"POST /runs/x/skip":           func(ctx context.Context) error { return o.SkipStep(ctx, "x") },
		"GET /dead-letters":           func(ctx context.Context) error { _, err := o.DeadLetters(ctx, page.Query{}); return err },
		"POST /dead-letters/x/replay": func(ctx context.Context) error { return o.ReplayLetter(ctx, "x") },
		"DELETE /dead-letters/x":      func(ctx context.Context) error { return o.DiscardLetter(ctx, "x") },
	}
	for call, inGo := range calls {
		t.Run(call, func(t *testing.T) {
			for _, role := range []string{identity.RoleManager, identity.RoleMember, identity.RoleReader, identity.RoleService} {
				o.ask(t, role, call, 403)
				if err := inGo(as(t.Context(), role)); !errors.Is(err, fault.Forbidden) {
					t.Errorf("%s in Go: %v", role, err)
				}
			}
			o.ask(t, "", call, 401)
			if err := inGo(t.Context()); !errors.Is(err, fault.Unauthenticated) {
				t.Errorf("nobody in Go: %v", err)
			}
		})
	}
}

func TestEveryActionHasARule(t *testing.T) { identitytest.Actions(t, ".") }
