package computeapi

import (
	"errors"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

func (a *api) server(r *rest.Request) (compute.Server, error) {
	return a.Server(r.Context(), compute.ServerID(r.Param("id")))
}

func (a *api) listServers(r *rest.Request) (rest.Response, error) {
	p, err := a.find(r)
	if err != nil {
		return rest.Response{}, err
	}
	v := newView(r)
	return rest.ReplyPage(r, "servers", transform(p, func(s *compute.Server, out *serverBrief) { *out = v.brief(s) })), nil
}

func (a *api) detailServers(r *rest.Request) (rest.Response, error) {
	p, err := a.find(r)
	if err != nil {
		return rest.Response{}, err
	}
	v := newView(r)
	if v.floating, err = a.floating(r, network.Query{}, len(p.Items) > 0); err != nil {
		return rest.Response{}, err
	}
	if !operator(r) {
		return rest.ReplyPage(r, "servers", transform(p, v.detail)), nil
	}
	if v.hosts, err = a.hostStatuses(r); err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyPage(r, "servers", transform(p, v.admin)), nil
}

// transform is page.Map without copying the large things it maps.
func transform[T, U any](p page.Of[T], f func(*T, *U)) page.Of[U] {
	out := page.Of[U]{Items: make([]U, len(p.Items)), Next: p.Next}
	for i := range p.Items {
		f(&p.Items[i], &out.Items[i])
	}
	return out
}

func (a *api) showServer(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	return a.shown(r, &s)
}

// shown answers with everything about one server.
func (a *api) shown(r *rest.Request, s *compute.Server) (rest.Response, error) {
	v, err := a.viewOf(r, s)
	if err != nil {
		return rest.Response{}, err
	}
	if !operator(r) {
		var out serverShown
		v.detail(s, &out.serverDetail)
		return rest.ReplyUnder("server", &out), nil
	}
	if v.hosts, err = a.hostStatuses(r); err != nil {
		return rest.Response{}, err
	}
	var out serverAdminShown
	v.admin(s, &out.serverAdmin)
	return rest.ReplyUnder("server", &out), nil
}

// viewOf returns a view of one server, with what the network knows of it by now.
func (a *api) viewOf(r *rest.Request, s *compute.Server) (*view, error) {
	v := newView(r)
	if a.networks == nil || len(s.NICs) == 0 {
		return v, nil
	}
	ports := make([]string, len(s.NICs))
	for i, n := range s.NICs {
		ports[i] = n.PortID
	}
	var err error
	if v.floating, err = a.floating(r, network.Query{Where: map[string][]string{"port_id": ports}}, true); err != nil {
		return nil, err
	}
	groups, err := a.groupsOf(r.Context(), s)
	v.groups = []named{}
	for _, g := range groups {
		v.groups = append(v.groups, named{g.Name})
	}
	return v, err
}

// floating returns the floating addresses that the caller sees, by port.
func (a *api) floating(r *rest.Request, q network.Query, wanted bool) (map[string][]string, error) {
	if a.networks == nil || !wanted {
		return nil, nil
	}
	all := map[string][]string{}
	pages := page.All(func(p page.Query) (page.Of[network.FloatingIP], error) {
		q.Query = p
		return a.networks.FloatingIPs(r.Context(), q)
	})
	for f, err := range pages {
		if errors.Is(err, fault.Forbidden) {
			return nil, nil // who may read servers may still not read networks
		}
		if err != nil {
			return nil, err
		}
		if f.PortID != "" {
			all[string(f.PortID)] = append(all[string(f.PortID)], f.Address.String())
		}
	}
	return all, nil
}

// hostStatuses returns the statuses of hosts by name, where the version has them.
func (a *api) hostStatuses(r *rest.Request) (map[string]string, error) {
	if !r.Since("2.16") {
		return nil, nil
	}
	hosts, err := a.Hypervisors(r.Context(), compute.HypervisorQuery{})
	if errors.Is(err, fault.Forbidden) {
		return nil, nil
	}
	statuses := make(map[string]string, len(hosts))
	for _, h := range hosts {
		switch {
		case !h.Enabled:
			statuses[h.Name] = "MAINTENANCE"
		case h.Up:
			statuses[h.Name] = "UP"
		default:
			statuses[h.Name] = "DOWN"
		}
	}
	return statuses, err
}

func (a *api) deleteServer(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.DeleteServer(r.Context(), compute.ServerID(r.Param("id")))
}

// A serverUpdate is the body of an update.
type serverUpdate struct {
	Name        *string               `json:"name" min:"1" max:"255"`
	DiskConfig  *string               `json:"OS-DCF:diskConfig" enum:"AUTO,MANUAL"`
	AccessIPv4  *string               `json:"accessIPv4"`
	AccessIPv6  *string               `json:"accessIPv6"`
	Description rest.Optional[string] `json:"description" max:"255" since:"2.19"`
	Hostname    *string               `json:"hostname" min:"1" max:"63" since:"2.90"`
}

func (a *api) updateServer(r *rest.Request, in serverUpdate) (rest.Response, error) {
	if err := checkAccess(in.AccessIPv4, in.AccessIPv6); err != nil {
		return rest.Response{}, err
	}
	patch := compute.Patch{ID: compute.ServerID(r.Param("id")), Name: in.Name, Hostname: in.Hostname, AccessIPv4: in.AccessIPv4, AccessIPv6: in.AccessIPv6}
	if in.Name != nil {
		if err := checkName(*in.Name); err != nil {
			return rest.Response{}, err
		}
	}
	if in.Hostname != nil {
		if err := checkHostname(*in.Hostname); err != nil {
			return rest.Response{}, err
		}
	}
	if in.Description.Given {
		description := in.Description.Or("")
		patch.Description = &description
	}
	s, err := a.UpdateServer(r.Context(), patch)
	if err != nil {
		return rest.Response{}, err
	}
	if r.Since("2.75") {
		return a.shown(r, &s)
	}
	v, err := a.viewOf(r, &s)
	if err != nil {
		return rest.Response{}, err
	}
	var out serverUpdated
	v.core(&s, &out.serverCore)
	out.Addresses = bare(v.addresses(&s))
	return rest.ReplyUnder("server", &out), nil
}

func (a *api) listAddresses(r *rest.Request) (rest.Response, error) {
	all, err := a.bareAddresses(r)
	return rest.ReplyUnder("addresses", all), err
}

func (a *api) showAddresses(r *rest.Request) (rest.Response, error) {
	all, err := a.bareAddresses(r)
	if err != nil {
		return rest.Response{}, err
	}
	name := r.Param("network")
	list, ok := all[name]
	if !ok {
		return rest.Response{}, fault.NotFound.Errorf("the server has no addresses in network %s", name)
	}
	return rest.ReplyUnder(name, list), nil
}

func (a *api) bareAddresses(r *rest.Request) (map[string][]bareAddress, error) {
	s, err := a.server(r)
	if err != nil {
		return nil, err
	}
	v, err := a.viewOf(r, &s)
	if err != nil {
		return nil, err
	}
	return bare(v.addresses(&s)), nil
}
