package operator

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

// Face returns the HTTP face of the desk.
func (d *Desk) Face() rest.Face {
	return rest.Face{
		Name:     "operator",
		Prefix:   "/operator",
		Services: []rest.Service{{Type: "operator", Name: "operator", Path: "/v1"}},
		Dialect:  dialect.Titled,
		Documents: []rest.Document{{Path: "/", Body: map[string]any{"versions": []any{map[string]any{
			"id": "v1", "status": "CURRENT", "links": []rest.Link{{Rel: "self", Href: "{base}/v1"}},
		}}}}},
		Routes: []rest.Route{
			rest.GET("/v1/runs", d.listRuns),
			rest.POST("/v1/runs/{id}/retry", onID(d.RetryRun)).Status(202),
			rest.POST("/v1/runs/{id}/skip", onID(d.SkipStep)).Status(202),
			rest.GET("/v1/dead-letters", d.listLetters),
			rest.POST("/v1/dead-letters/{id}/replay", onID(d.ReplayLetter)),
			rest.DELETE("/v1/dead-letters/{id}", onID(d.DiscardLetter)),
		},
	}
}

// onID makes a handler of an order about the thing that the path names.
func onID(order func(ctx context.Context, id string) error) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		return rest.Empty(), order(r.Context(), r.Param("id"))
	}
}

// run is a flow's run as it is listed. Its state stays out: it may hold a guest's secrets.
type run struct {
	ID        string    `json:"id"`
	Flow      string    `json:"flow"`
	Subject   string    `json:"subject"`
	Status    string    `json:"status"`
	Step      string    `json:"step"`
	Attempts  int       `json:"attempts"`
	Error     string    `json:"error"` // of the last attempt at the step
	Cause     string    `json:"cause"` // why the run unwinds, if it does
	Request   string    `json:"request_id"`
	CreatedAt time.Time `json:"created_at" time:"z"`
	StepAt    time.Time `json:"step_since" time:"z"`
	NextAt    time.Time `json:"next_attempt_at" time:"z"`
}

func newRun(r flow.Run) run {
	out := run{
		ID: r.ID, Flow: r.Flow, Subject: r.Subject, Status: string(r.Status), Step: r.Step, Attempts: r.Attempts,
		Error: r.Error, Request: r.Baggage[rest.RequestIDKey],
		CreatedAt: r.CreatedAt, StepAt: time.UnixMicro(r.StepAt).UTC(), NextAt: time.UnixMicro(r.DueAt).UTC(),
	}
	if r.Status == flow.Undoing {
		out.Cause = r.Message
	}
	return out
}

func (d *Desk) listRuns(r *rest.Request) (rest.Response, error) {
	return list(r, "runs", d.StuckRuns, newRun, map[string]string{"id": "id", "created_at": "created_at"})
}

// letter is a dead letter as it is listed.
type letter struct {
	ID        string          `json:"id"`
	Listener  string          `json:"listener"`
	Topic     string          `json:"topic"`
	EventID   string          `json:"event_id"`
	Event     json.RawMessage `json:"event"`
	Error     string          `json:"error"`
	Attempts  int             `json:"attempts"`
	Request   string          `json:"request_id"`
	CreatedAt time.Time       `json:"created_at" time:"z"`
}

func newLetter(l bus.DeadLetter) letter {
	var baggage map[string]string
	_ = json.Unmarshal([]byte(l.Baggage), &baggage) // the bus wrote it
	return letter{
		ID: l.ID, Listener: l.Listener, Topic: l.Topic, EventID: l.Event, Event: json.RawMessage(l.Body),
		Error: l.Error, Attempts: l.Attempts, Request: baggage[rest.RequestIDKey], CreatedAt: l.CreatedAt,
	}
}

func (d *Desk) listLetters(r *rest.Request) (rest.Response, error) {
	return list(r, "dead_letters", d.DeadLetters, newLetter,
		map[string]string{"id": "id", "created_at": "created_at", "listener": "listener", "topic": "topic"})
}

// list answers with the page that r asks for.
func list[T, U any](r *rest.Request, key string, from func(context.Context, page.Query) (page.Of[T], error), wire func(T) U, sorts map[string]string) (rest.Response, error) {
	query := r.Query()
	q := query.Page(rest.Paging{Keys: sorts, Links: rest.NextLink})
	if err := query.NoMore(); err != nil {
		return rest.Response{}, err
	}
	found, err := from(r.Context(), q)
	return rest.ReplyPage(r, key, page.Map(found, wire)), err
}
