package networkapi

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

// Each host that carries networks is an agent to clients: one that does all that
// theirs share out between several.
const (
	agentType   = "Host agent"
	agentBinary = "nacre-host"
)

func (a *api) agentRoutes() []rest.Route {
	const path = root + "/agents"
	return []rest.Route{
		rest.GET(path, a.listAgents),
		rest.GET(path+"/{id}", about("Agent", a.showAgent)),
		rest.DELETE(path+"/{id}", about("Agent", a.deleteAgent)).Status(http.StatusNoContent),
	}
}

type agentView struct {
	ID        string   `json:"id"`
	Type      string   `json:"agent_type"`
	Binary    string   `json:"binary"`
	Host      string   `json:"host"`
	Topic     string   `json:"topic"`
	Zone      *string  `json:"availability_zone"`
	AdminUp   bool     `json:"admin_state_up"`
	Alive     bool     `json:"alive"`
	Synced    *bool    `json:"resources_synced"`
	Created   string   `json:"created_at"`
	Started   string   `json:"started_at"`
	Heartbeat string   `json:"heartbeat_timestamp"`
	Text      *string  `json:"description"`
	Settings  struct{} `json:"configurations"`
}

func agentOf(h network.HostState) agentView {
	return agentView{
		ID: agentID(h.Name), Type: agentType, Binary: agentBinary, Host: h.Name, Topic: "N/A", AdminUp: true, Alive: h.Up,
		Created: agentTime(h.CreatedAt), Started: agentTime(h.CreatedAt), Heartbeat: agentTime(h.SeenAt),
	}
}

func agentTime(t time.Time) string { return t.UTC().Format(time.DateTime) }

var agentIDs = uuid.MustParse("0197a3c2-77aa-7d10-9c0d-3b52c1a6e0f4")

// agentID names a host as clients want it: by a UUID.
func agentID(host string) string { return uuid.NewSHA1(agentIDs, []byte(host)).String() }

// listAgents shows users none, as they may not see hosts.
func (a *api) listAgents(r *rest.Request) (rest.Response, error) {
	out := []agentView{}
	hosts, err := a.networks.Hosts(r.Context())
	if errors.Is(err, fault.Forbidden) {
		return rest.ReplyUnder("agents", out), nil
	}
	q := r.Query()
	for _, h := range hosts {
		v := agentOf(h)
		if matches(q, map[string]string{
			"id": v.ID, "host": v.Host, "agent_type": v.Type, "binary": v.Binary, "alive": strconv.FormatBool(v.Alive),
		}) {
			out = append(out, v)
		}
	}
	return rest.ReplyUnder("agents", out), err
}

// matches reports whether what a client asked for by name is there.
func matches(q *rest.Query, have map[string]string) bool {
	for name, value := range have {
		if q.Has(name) && !slices.ContainsFunc(q.Strings(name), func(want string) bool { return strings.EqualFold(want, value) }) {
			return false
		}
	}
	return true
}

func (a *api) agentHost(r *rest.Request) (network.HostState, error) {
	hosts, err := a.networks.Hosts(r.Context())
	for _, h := range hosts {
		if agentID(h.Name) == r.Param("id") {
			return h, err
		}
	}
	if err == nil || errors.Is(err, fault.Forbidden) {
		err = fault.NotFound.Errorf("agent %s could not be found", r.Param("id"))
	}
	return network.HostState{}, err
}

func (a *api) showAgent(r *rest.Request) (rest.Response, error) {
	h, err := a.agentHost(r)
	return rest.ReplyUnder("agent", agentOf(h)), err
}

func (a *api) deleteAgent(r *rest.Request) (rest.Response, error) {
	h, err := a.agentHost(r)
	if err == nil {
		err = a.networks.DeleteHost(r.Context(), h.Name)
	}
	return rest.Empty(), err
}
