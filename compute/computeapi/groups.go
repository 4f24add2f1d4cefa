package computeapi

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/network"
)

// groupRoutes pass calls about security groups on to the network.
func (a *api) groupRoutes() []rest.Route {
	const groups, rules = "/v2.1/os-security-groups", "/v2.1/os-security-group-rules"
	return []rest.Route{
		rest.GET("/v2.1/servers/{id}/os-security-groups", a.serverGroups),
		rest.GET(groups, a.listGroups).Until(lastProxy),
		rest.POST(groups, rest.JSONUnder("security_group", a.createGroup)).Until(lastProxy),
		rest.GET(groups+"/{id}", a.showGroup).Until(lastProxy),
		rest.PUT(groups+"/{id}", rest.JSONUnder("security_group", a.updateGroup)).Until(lastProxy),
		rest.DELETE(groups+"/", missing("security group")).Until(lastProxy),
		rest.DELETE(groups+"/{id}", a.deleteGroup).Until(lastProxy).Status(http.StatusAccepted),
		rest.POST(rules, rest.JSONUnder("security_group_rule", a.createRule)).Until(lastProxy),
		rest.DELETE(rules+"/{id}", a.deleteRule).Until(lastProxy).Status(http.StatusAccepted),
	}
}

type groupOut struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	ProjectID   string    `json:"tenant_id"`
	Rules       []ruleOut `json:"rules"`
}

// groupsOut converts groups. Rules name other groups, which are looked up once.
func (a *api) groupsOut(ctx context.Context, groups []network.SecurityGroup) ([]groupOut, error) {
	known := map[network.SecurityGroupID]network.SecurityGroup{}
	for _, g := range groups {
		known[g.ID] = g
	}
	list := make([]groupOut, len(groups))
	for i, g := range groups {
		list[i] = groupOut{ID: string(g.ID), Name: g.Name, Description: g.Description, ProjectID: g.ProjectID, Rules: []ruleOut{}}
		for _, rule := range g.Rules {
			if !rule.Ingress {
				continue // this API never knew of the others
			}
			out, err := a.ruleOut(ctx, rule, known)
			if err != nil {
				return nil, err
			}
			list[i].Rules = append(list[i].Rules, out)
		}
	}
	return list, nil
}

func (a *api) replyGroup(r *rest.Request, g network.SecurityGroup, err error) (rest.Response, error) {
	if err != nil {
		return rest.Response{}, err
	}
	out, err := a.groupsOut(r.Context(), []network.SecurityGroup{g})
	if err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyUnder("security_group", out[0]), nil
}

// groupsOf returns the security groups of a server's ports as they are now.
func (a *api) groupsOf(ctx context.Context, s *compute.Server) ([]network.SecurityGroup, error) {
	ports, err := a.portsOf(ctx, s)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, p := range ports {
		for _, id := range p.Groups {
			if !slices.Contains(ids, string(id)) {
				ids = append(ids, string(id))
			}
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return a.allGroups(ctx, map[string][]string{"id": ids})
}

func (a *api) portsOf(ctx context.Context, s *compute.Server) ([]network.Port, error) {
	if len(s.NICs) == 0 {
		return nil, nil
	}
	p, err := a.networks.Ports(ctx, network.Query{Where: map[string][]string{"device_id": {string(s.ID)}}})
	if errors.Is(err, fault.Forbidden) {
		return nil, nil
	}
	return p.Items, err
}

func (a *api) allGroups(ctx context.Context, where map[string][]string) ([]network.SecurityGroup, error) {
	all, err := page.Collect(func(q page.Query) (page.Of[network.SecurityGroup], error) {
		return a.networks.SecurityGroups(ctx, network.Query{Query: q, Where: where})
	})
	slices.SortStableFunc(all, func(a, b network.SecurityGroup) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

func (a *api) serverGroups(r *rest.Request) (rest.Response, error) {
	s, err := a.server(r)
	if err != nil {
		return rest.Response{}, err
	}
	groups, err := a.groupsOf(r.Context(), &s)
	if err != nil {
		return rest.Response{}, err
	}
	out, err := a.groupsOut(r.Context(), groups)
	return rest.ReplyUnder("security_groups", out), err
}

func (a *api) listGroups(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	all := q.Flag("all_tenants")
	from, count := q.Int("offset", 0), q.Int("limit", page.MaxLimit)
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	if from < 0 || count < 0 {
		return rest.Response{}, fault.Invalid.Errorf("limit and offset must not be negative")
	}
	groups, err := a.allGroups(r.Context(), ownOnly(r, all))
	if err != nil {
		return rest.Response{}, err
	}
	groups = groups[min(from, len(groups)):]
	out, err := a.groupsOut(r.Context(), groups[:min(count, len(groups))])
	return rest.ReplyUnder("security_groups", out), err
}

type groupIn struct {
	Name        string  `json:"name" required:"true" min:"1" max:"255"`
	Description *string `json:"description" max:"255"`
}

func (a *api) createGroup(r *rest.Request, in groupIn) (rest.Response, error) {
	g, err := a.networks.CreateSecurityGroup(r.Context(), network.SecurityGroupSpec{
		Base: network.Base{Name: in.Name, Description: deref(in.Description)},
	})
	return a.replyGroup(r, g, err)
}

func (a *api) showGroup(r *rest.Request) (rest.Response, error) {
	g, err := a.networks.SecurityGroup(r.Context(), network.SecurityGroupID(r.Param("id")))
	return a.replyGroup(r, g, err)
}

func (a *api) updateGroup(r *rest.Request, in groupIn) (rest.Response, error) {
	g, err := a.networks.UpdateSecurityGroup(r.Context(), network.SecurityGroupPatch{
		ID: network.SecurityGroupID(r.Param("id")), BasePatch: network.BasePatch{Name: &in.Name, Description: in.Description},
	})
	return a.replyGroup(r, g, asBadRequest(err))
}

func (a *api) deleteGroup(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), asBadRequest(a.networks.DeleteSecurityGroup(r.Context(), network.SecurityGroupID(r.Param("id"))))
}

// asBadRequest makes a conflict what this API always called it.
func asBadRequest(err error) error {
	if fault.Of(err) != fault.Conflict {
		return err
	}
	return fault.Invalid.Errorf("%w", err)
}

func (a *api) addGroup(r *rest.Request, in namedIn) (rest.Response, error) {
	ports, group, err := a.guarded(r, in.Name)
	if err != nil {
		return rest.Response{}, err
	}
	for _, p := range ports {
		if slices.Contains(p.Groups, group) {
			continue
		}
		if err := a.setGroups(r, p, append(slices.Clone(p.Groups), group)); err != nil {
			return rest.Response{}, err
		}
	}
	return rest.Empty(), nil
}

func (a *api) removeGroup(r *rest.Request, in namedIn) (rest.Response, error) {
	ports, group, err := a.guarded(r, in.Name)
	if err != nil {
		return rest.Response{}, err
	}
	ports = slices.DeleteFunc(ports, func(p network.Port) bool { return !slices.Contains(p.Groups, group) })
	if len(ports) == 0 {
		return rest.Response{}, fault.NotFound.Errorf("security group %s is not associated with the server", in.Name)
	}
	for _, p := range ports {
		left := slices.DeleteFunc(slices.Clone(p.Groups), func(g network.SecurityGroupID) bool { return g == group })
		if err := a.setGroups(r, p, left); err != nil {
			return rest.Response{}, err
		}
	}
	return rest.Empty(), nil
}

func (a *api) setGroups(r *rest.Request, p network.Port, groups []network.SecurityGroupID) error {
	_, err := a.networks.UpdatePort(r.Context(), network.PortPatch{ID: p.ID, Groups: &groups})
	return err
}

// guarded returns the ports of a server that can have security groups, and the group
// of that name.
func (a *api) guarded(r *rest.Request, name string) ([]network.Port, network.SecurityGroupID, error) {
	s, err := a.server(r)
	if err != nil {
		return nil, "", err
	}
	group, err := a.groupNamed(r, name)
	if err != nil {
		return nil, "", err
	}
	ports, err := a.portsOf(r.Context(), &s)
	ports = slices.DeleteFunc(ports, func(p network.Port) bool { return !p.PortSecurity })
	if err == nil && len(ports) == 0 {
		err = fault.Invalid.Errorf("server %s has no ports that could have a security group", s.ID)
	}
	return ports, group, err
}

func (a *api) groupNamed(r *rest.Request, name string) (network.SecurityGroupID, error) {
	groups, err := a.allGroups(r.Context(), ownOnly(r, false))
	var found []network.SecurityGroupID
	for _, g := range groups {
		if string(g.ID) == name {
			return g.ID, nil
		}
		if g.Name == name {
			found = append(found, g.ID)
		}
	}
	switch {
	case err != nil:
		return "", err
	case len(found) == 0:
		return "", fault.NotFound.Errorf("security group %s not found", name)
	case len(found) > 1:
		return "", fault.Conflict.Errorf("multiple security groups are called %s: use an id", name)
	}
	return found[0], nil
}
