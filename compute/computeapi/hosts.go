package computeapi

import (
	"slices"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/scheduler"
)

// hostBinary is what clients call the service that each host runs.
const hostBinary = "nova-compute"

type zoneOut struct {
	Name  string                          `json:"zoneName"`
	State zoneState                       `json:"zoneState"`
	Hosts *map[string]map[string]zoneHost `json:"hosts"`
}

type zoneState struct {
	Available bool `json:"available"`
}

type zoneHost struct {
	Available bool      `json:"available"`
	Active    bool      `json:"active"`
	UpdatedAt time.Time `json:"updated_at" time:"micro"`
}

func zones(hosts []compute.Hypervisor, detailed bool) []zoneOut {
	byName := map[string]*zoneOut{}
	for _, h := range hosts {
		z := byName[h.AvailabilityZone]
		if z == nil {
			z = &zoneOut{Name: h.AvailabilityZone}
			if detailed {
				z.Hosts = &map[string]map[string]zoneHost{}
			}
			byName[h.AvailabilityZone] = z
		}
		z.State.Available = z.State.Available || h.Enabled
		if detailed {
			(*z.Hosts)[h.Name] = map[string]zoneHost{hostBinary: {Available: h.Up, Active: h.Enabled, UpdatedAt: h.SeenAt}}
		}
	}
	list := make([]zoneOut, 0, len(byName))
	for _, z := range byName {
		list = append(list, *z)
	}
	slices.SortFunc(list, func(x, y zoneOut) int { return strings.Compare(x.Name, y.Name) })
	return list
}

// listZones tells everybody which zones there are. That takes a list of hosts,
// which users may not see.
func (a *api) listZones(r *rest.Request) (rest.Response, error) {
	ctx := identity.With(r.Context(), identity.System("computeapi.zones"))
	hosts, err := a.Hypervisors(ctx, compute.HypervisorQuery{})
	return rest.ReplyUnder("availabilityZoneInfo", zones(hosts, false)), err
}

func (a *api) detailZones(r *rest.Request) (rest.Response, error) {
	hosts, err := a.Hypervisors(r.Context(), compute.HypervisorQuery{})
	return rest.ReplyUnder("availabilityZoneInfo", zones(hosts, true)), err
}

type serviceOut struct {
	ID             any       `json:"id"`
	Binary         string    `json:"binary"`
	Host           string    `json:"host"`
	Zone           string    `json:"zone"`
	Status         string    `json:"status"`
	State          string    `json:"state"`
	UpdatedAt      time.Time `json:"updated_at" time:"micro"`
	DisabledReason *string   `json:"disabled_reason"`
	ForcedDown     bool      `json:"forced_down" since:"2.11"`
}

func newService(r *rest.Request, h *compute.Hypervisor) serviceOut {
	return serviceOut{
		ID: hostID(r, h.Name), Binary: hostBinary, Host: h.Name, Zone: h.AvailabilityZone, Status: enabled(h.Enabled), State: upDown(h.Up),
		UpdatedAt: h.SeenAt, DisabledReason: text(&h.DisabledReason),
	}
}

func (a *api) listServices(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	host, binary := q.String("host"), q.String("binary")
	if r.Since("2.75") {
		if err := q.NoMore(); err != nil {
			return rest.Response{}, err
		}
	}
	hosts, err := a.matching(r.Context(), "")
	list := []serviceOut{}
	for i := range hosts {
		if (host == "" || host == hosts[i].Name) && (binary == "" || binary == hostBinary) {
			list = append(list, newService(r, &hosts[i]))
		}
	}
	return rest.ReplyUnder("services", list), err
}

// A serviceName is how services were named before they had ids.
type serviceName struct {
	Host   string `json:"host" required:"true" min:"1" max:"255"`
	Binary string `json:"binary" required:"true" min:"1" max:"255"`
}

type serviceWhy struct {
	serviceName
	Reason string `json:"disabled_reason" required:"true" min:"1" max:"255"`
}

type serviceChanged struct {
	Host   string `json:"host"`
	Binary string `json:"binary"`
	Status string `json:"status"`
	Reason string `json:"disabled_reason,omitempty"`
}

func (a *api) enableService(r *rest.Request, in serviceName) (rest.Response, error) {
	return a.changeService(r, in, true, "")
}

func (a *api) disableService(r *rest.Request, in serviceName) (rest.Response, error) {
	return a.changeService(r, in, false, "")
}

func (a *api) disableServiceWhy(r *rest.Request, in serviceWhy) (rest.Response, error) {
	return a.changeService(r, in.serviceName, false, in.Reason)
}

func (a *api) changeService(r *rest.Request, in serviceName, enable bool, reason string) (rest.Response, error) {
	if in.Binary != hostBinary {
		return rest.Response{}, fault.NotFound.Errorf("could not find binary %s on host %s", in.Binary, in.Host)
	}
	_, err := a.scheduler.UpdateHost(r.Context(), scheduler.HostPatch{ID: scheduler.IDOf(in.Host), Enabled: &enable, DisabledReason: &reason})
	return rest.ReplyUnder("service", serviceChanged{in.Host, in.Binary, enabled(enable), reason}), err
}

type serviceUpdate struct {
	Status     *string `json:"status" enum:"enabled,disabled"`
	Reason     *string `json:"disabled_reason" min:"1" max:"255"`
	ForcedDown *bool   `json:"forced_down" loose:"true"`
}

func (a *api) updateService(r *rest.Request, in serviceUpdate) (rest.Response, error) {
	id, err := rest.ParseUUID("service", r.Param("id"))
	if err != nil {
		return rest.Response{}, err
	}
	switch {
	case in.Status == nil && in.ForcedDown == nil:
		return rest.Response{}, fault.Invalid.Errorf("no updates were requested: fields 'status' or 'forced_down' should be specified")
	case in.Reason != nil && deref(in.Status) != "disabled":
		return rest.Response{}, fault.Invalid.Errorf("specifying 'disabled_reason' when status is not 'disabled' is invalid")
	case deref(in.ForcedDown):
		return rest.Response{}, fault.Unsupported.Errorf("services are not forced down here: a host that is silent counts as down by itself")
	}
	patch := scheduler.HostPatch{ID: scheduler.HostID(id)}
	if in.Status != nil {
		enable, reason := *in.Status == "enabled", deref(in.Reason)
		patch.Enabled, patch.DisabledReason = &enable, &reason
	}
	host, err := a.scheduler.UpdateHost(r.Context(), patch)
	if err != nil {
		return rest.Response{}, err
	}
	hosts, err := a.Hypervisors(r.Context(), compute.HypervisorQuery{Name: host.Name})
	if err != nil || len(hosts) == 0 {
		return rest.Response{}, orNoHost(err, host.Name)
	}
	return rest.ReplyUnder("service", newService(r, &hosts[0])), nil
}

// deleteService forgets a host.
func (a *api) deleteService(r *rest.Request) (rest.Response, error) {
	h, err := a.hypervisor(r)
	if err != nil {
		return rest.Response{}, err
	}
	return rest.Empty(), a.scheduler.DeleteHost(r.Context(), scheduler.IDOf(h.Name))
}
