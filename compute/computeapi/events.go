package computeapi

import (
	"errors"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
)

type actionOut struct {
	Action    string    `json:"action"`
	ServerID  string    `json:"instance_uuid"`
	RequestID string    `json:"request_id"`
	UserID    string    `json:"user_id"`
	ProjectID string    `json:"project_id"`
	StartedAt time.Time `json:"start_time" time:"micro"`
	Message   *string   `json:"message"`
	UpdatedAt time.Time `json:"updated_at" time:"micro" since:"2.58"`
}

type actionShown struct {
	actionOut
	Events []actionEvent `json:"events,omitempty"`
}

// An actionEvent is a part of an action. Here each has one: itself.
type actionEvent struct {
	Event      string    `json:"event"`
	StartedAt  time.Time `json:"start_time" time:"micro"`
	FinishedAt time.Time `json:"finish_time" time:"micro"`
	Result     *string   `json:"result"`
	Traceback  *string   `json:"traceback,omitempty"`
	HostID     string    `json:"hostId" since:"2.62"`
	Host       string    `json:"host,omitempty" since:"2.62"`
	Details    *string   `json:"details" since:"2.84"`
}

func newAction(x *compute.Action, out *actionOut) {
	*out = actionOut{
		Action: x.Name, ServerID: string(x.ServerID), RequestID: x.RequestID, UserID: x.UserID, ProjectID: x.ProjectID,
		StartedAt: x.StartedAt, Message: text(&x.Message), UpdatedAt: x.StartedAt,
	}
	if !x.FinishedAt.IsZero() {
		out.UpdatedAt = x.FinishedAt
	}
}

var actionPaging = rest.Paging{ZeroIsNone: true, Links: func(reply rest.Response, _ string, around rest.Around) rest.Response {
	if next := around.Next(); next != "" {
		return reply.And("links", []rest.Link{{Rel: "next", Href: around.URL(next)}})
	}
	return reply
}}

func (a *api) listActions(r *rest.Request) (rest.Response, error) {
	asked := compute.ActionQuery{ServerID: compute.ServerID(r.Param("id"))}
	var since, before int64
	if r.Since("2.58") {
		q := r.Query()
		asked.Query = q.Page(actionPaging)
		var err error
		if since, err = moment("changes-since", q.String("changes-since")); err != nil {
			return rest.Response{}, err
		}
		if r.Since("2.66") {
			if before, err = moment("changes-before", q.String("changes-before")); err != nil {
				return rest.Response{}, err
			}
		}
		if err := q.NoMore(); err != nil {
			return rest.Response{}, err
		}
	}
	if _, err := a.actor(r); err != nil {
		return rest.Response{}, err
	}
	p, err := a.Actions(r.Context(), asked)
	if err != nil {
		return rest.Response{}, err
	}
	out := transform(p, newAction)
	kept := out.Items[:0]
	for _, x := range out.Items {
		if at := x.UpdatedAt.Unix(); at >= since && (before == 0 || at <= before) {
			kept = append(kept, x)
		}
	}
	return rest.ReplyPage(r, "instanceActions", page.Of[actionOut]{Items: kept, Next: out.Next}), nil
}

// actor returns the server that actions are asked about. Later versions also ask about
// one that is deleted, of which little is known.
func (a *api) actor(r *rest.Request) (compute.Server, error) {
	s, err := a.server(r)
	if r.Since("2.21") && errors.Is(err, fault.NotFound) {
		return compute.Server{ID: compute.ServerID(r.Param("id"))}, nil
	}
	return s, err
}

func (a *api) showAction(r *rest.Request) (rest.Response, error) {
	s, err := a.actor(r)
	if err != nil {
		return rest.Response{}, err
	}
	p, err := a.Actions(r.Context(), compute.ActionQuery{ServerID: s.ID, RequestID: r.Param("request")})
	if err != nil {
		return rest.Response{}, err
	}
	if len(p.Items) == 0 {
		return rest.Response{}, fault.NotFound.Errorf("action for request %s on server %s not found", r.Param("request"), s.ID)
	}
	var out actionShown
	newAction(&p.Items[0], &out.actionOut)
	if admin := identity.CallerOf(r.Context()).Admin(); admin || r.Since("2.51") {
		out.Events = []actionEvent{newActionEvent(r, &s, &p.Items[0])}
	}
	return rest.ReplyUnder("instanceAction", out), nil
}

func newActionEvent(r *rest.Request, s *compute.Server, x *compute.Action) actionEvent {
	e := actionEvent{
		Event: "compute_" + x.Name, StartedAt: x.StartedAt, FinishedAt: x.FinishedAt,
		HostID: newView(r).hostID(x.ProjectID, s.Host), Details: text(&x.Message),
	}
	if !x.FinishedAt.IsZero() {
		result := "Success"
		if x.Message != "" {
			result = "Error"
		}
		e.Result = &result
	}
	if operator(r) {
		e.Host, e.Traceback = s.Host, text(&x.Message)
	}
	return e
}
