package computeapi

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// actions is the table of what POST …/action takes.
func (a *api) actions() []rest.Route {
	table := []rest.Route{
		rest.Action("os-start", a.power(compute.Start)),
		rest.Action("os-stop", a.power(compute.Stop)),
		rest.Action("pause", a.power(compute.Pause)),
		rest.Action("unpause", a.power(compute.Unpause)),
		rest.Action("suspend", a.power(compute.Suspend)),
		rest.Action("resume", a.power(compute.Resume)),
		rest.Action("reboot", rest.JSON(a.reboot)).Strict(),
		rest.Action("lock", rest.JSON(a.lock)).Strict(),
		rest.Action("unlock", a.unlock),
		rest.Action("forceDelete", a.deleteServer),
		rest.Action("os-getConsoleOutput", rest.JSON(a.consoleOutput)).Status(http.StatusOK).Strict(),
		rest.Action("resize", rest.JSON(a.resize)),
		rest.Action("restore", a.restore),
		rest.Action("addFixedIp", rest.JSON(a.addFixedIP)).Until("2.43").Strict(),
		rest.Action("removeFixedIp", rest.JSON(a.removeFixedIP)).Until("2.43").Strict(),
	}
	for name, versions := range notOffered {
		table = append(table, rest.Action(name, a.refused).Since(versions[0]).Until(versions[1]))
	}
	if a.networks == nil {
		return table
	}
	return append(table,
		rest.Action("addSecurityGroup", rest.JSON(a.addGroup)).Strict(),
		rest.Action("removeSecurityGroup", rest.JSON(a.removeGroup)).Strict(),
		rest.Action("addFloatingIp", rest.JSON(a.addFloatingIP)).Until("2.43").Strict(),
		rest.Action("removeFloatingIp", rest.JSON(a.removeFloatingIP)).Until("2.43").Strict(),
	)
}

// notOffered are the actions that compute has no call for, and when they lived.
var notOffered = map[string][2]string{
	"changePassword": {}, "confirmResize": {}, "createBackup": {}, "createImage": {}, "evacuate": {}, "migrate": {}, "os-migrateLive": {},
	"os-resetState": {}, "rebuild": {}, "rescue": {}, "revertResize": {}, "shelve": {}, "shelveOffload": {}, "unrescue": {}, "unshelve": {},
	"injectNetworkInfo": {}, "resetNetwork": {}, "trigger_crash_dump": {"2.17"},
	"os-getVNCConsole": {"", "2.5"}, "os-getSPICEConsole": {"", "2.5"}, "os-getRDPConsole": {"", "2.5"}, "os-getSerialConsole": {"", "2.5"},
}

// refused answers for what is not offered, once the server is known to be there.
func (a *api) refused(r *rest.Request) (rest.Response, error) {
	if _, err := a.server(r); err != nil {
		return rest.Response{}, err
	}
	return rest.Response{}, fault.Unsupported.Errorf("this cloud does not offer this operation on servers")
}

func (a *api) power(order compute.Order) rest.Handler {
	return func(r *rest.Request) (rest.Response, error) {
		return rest.Empty(), a.Power(r.Context(), compute.PowerSpec{ID: compute.ServerID(r.Param("id")), Do: order})
	}
}

type reboot struct {
	Type string `json:"type" required:"true" enum:"SOFT,HARD,soft,hard,Soft,Hard"`
}

func (a *api) reboot(r *rest.Request, in reboot) (rest.Response, error) {
	if in.Type[0]|0x20 == 'h' {
		return a.power(compute.HardReboot)(r)
	}
	return a.power(compute.SoftReboot)(r)
}

type lock struct {
	Reason string `json:"locked_reason" min:"1" max:"255" since:"2.73"`
}

func (a *api) lock(r *rest.Request, in lock) (rest.Response, error) {
	return rest.Empty(), a.Lock(r.Context(), compute.LockSpec{ID: compute.ServerID(r.Param("id")), Locked: true, Reason: in.Reason})
}

func (a *api) unlock(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.Lock(r.Context(), compute.LockSpec{ID: compute.ServerID(r.Param("id"))})
}

type consoleOutput struct {
	Lines *int `json:"length" min:"-1" loose:"true"`
}

func (a *api) consoleOutput(r *rest.Request, in consoleOutput) (rest.Response, error) {
	lines := deref(in.Lines)
	if in.Lines != nil && lines == 0 {
		if _, err := a.server(r); err != nil {
			return rest.Response{}, err
		}
		return rest.ReplyUnder("output", ""), nil
	}
	log, err := a.ConsoleLog(r.Context(), compute.ConsoleSpec{ID: compute.ServerID(r.Param("id")), Lines: max(lines, 0)})
	return rest.ReplyUnder("output", lastPieces(printable(log), lines)), err
}

// lastPieces counts lines as clients do, who split the log at its newlines.
func lastPieces(log string, n int) string {
	if pieces := strings.Split(log, "\n"); n > 0 && len(pieces) > n {
		return strings.Join(pieces[len(pieces)-n:], "\n")
	}
	return log
}

// printable makes a log text that JSON can carry: guests write what they like.
func printable(log string) string {
	clean := make([]rune, 0, len(log))
	for _, c := range log {
		if c >= ' ' && c != 0x7f || c == '\n' || c == '\t' || c == '\r' || c == 0x1b {
			clean = append(clean, c)
		}
	}
	return string(clean)
}

type resize struct {
	Flavor string `json:"flavorRef" required:"true" min:"1"`
}

// resize is not offered, but tells apart whether it ever could have been.
func (a *api) resize(r *rest.Request, in resize) (rest.Response, error) {
	if _, err := a.server(r); err != nil {
		return rest.Response{}, err
	}
	if _, err := a.Flavor(r.Context(), in.Flavor); err != nil {
		return rest.Response{}, asReference(err)
	}
	return a.refused(r)
}

// restore is for servers that were deleted and are kept for a while. None is.
func (a *api) restore(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	return rest.Response{}, compute.ErrState.Errorf("cannot 'restore' instance %s while it is in vm_state %s", s.ID, lookOf(&s).vmState)
}

// asReference makes "not found" what it is where a body mentions the thing.
func asReference(err error) error {
	if fault.Of(err) != fault.NotFound {
		return err
	}
	return compute.ErrReference.Errorf("%w", err)
}

type fixedIPAdd struct {
	Network string `json:"networkId" required:"true"`
}

func (a *api) addFixedIP(r *rest.Request, in fixedIPAdd) (rest.Response, error) {
	_, err := a.AttachNIC(r.Context(), compute.AttachNICSpec{
		ServerID: compute.ServerID(r.Param("id")), NetworkSpec: compute.NetworkSpec{NetworkID: in.Network},
	})
	return rest.Empty(), err
}

type addressIn struct {
	Address string `json:"address" required:"true"`
}

func (a *api) removeFixedIP(r *rest.Request, in addressIn) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	for _, n := range s.NICs {
		for _, ip := range n.Addresses {
			if ip.IP == in.Address {
				return rest.Empty(), a.DetachNIC(r.Context(), compute.DetachNICSpec{ServerID: s.ID, PortID: n.PortID})
			}
		}
	}
	return rest.Response{}, fault.Invalid.Errorf("fixed IP %s is not one of server %s", in.Address, s.ID)
}

// showPassword answers that there is none: guests have no way to tell theirs.
func (a *api) showPassword(r *rest.Request) (rest.Response, error) {
	_, err := a.server(r)
	return rest.ReplyUnder("password", ""), err
}

func (a *api) clearPassword(r *rest.Request) (rest.Response, error) {
	_, err := a.server(r)
	return rest.Empty(), err
}

func (a *api) noMigrations(r *rest.Request) (rest.Response, error) {
	_, err := a.server(r)
	return rest.ReplyUnder("migrations", []string{}), err
}

// An externalEvent is what another service tells about a server.
type externalEvent struct {
	Name   string  `json:"name" required:"true" enum:"network-changed,network-vif-plugged,network-vif-unplugged,network-vif-deleted,volume-extended,power-update,accelerator-request-bound,volume-reimaged"`
	Server string  `json:"server_uuid" required:"true"`
	Status *string `json:"status" enum:"failed,completed,in-progress"`
	Tag    *string `json:"tag" max:"255"`
}

type externalEventsIn struct {
	Events []externalEvent `json:"events" required:"true" min:"1" max:"1000"`
}

type externalEventOut struct {
	Name   string  `json:"name"`
	Server string  `json:"server_uuid"`
	Status string  `json:"status"`
	Tag    *string `json:"tag,omitempty"`
	Code   int     `json:"code"`
}

// externalEvents takes note and does nothing: flows ask the network and volumes
// themselves, and reconcilers find what changed.
func (a *api) externalEvents(r *rest.Request, in externalEventsIn) (rest.Response, error) {
	out, found := make([]externalEventOut, len(in.Events)), 0
	for i, e := range in.Events {
		out[i] = externalEventOut{Name: e.Name, Server: e.Server, Status: cmp.Or(deref(e.Status), "completed"), Tag: e.Tag, Code: http.StatusOK}
		switch _, err := a.Server(r.Context(), compute.ServerID(e.Server)); {
		case err == nil:
			found++
		case fault.Of(err) == fault.NotFound:
			out[i].Status, out[i].Code = "failed", http.StatusNotFound
		default:
			return rest.Response{}, fmt.Errorf("event %s: %w", e.Name, err)
		}
	}
	reply := rest.ReplyUnder("events", out)
	switch {
	case found == 0:
		return rest.Response{}, fault.NotFound.Errorf("no servers found for any event")
	case found < len(out):
		reply = reply.Status(http.StatusMultiStatus)
	}
	return reply, nil
}
