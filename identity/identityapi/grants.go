package identityapi

import (
	"context"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// grantRoutes are the calls on roles of a user or group in a scope. The same
// four exist for each scope and each kind of actor, and again for roles that
// hold only below the scope.
func (a *api) grantRoutes() []rest.Route {
	routes := []rest.Route{rest.GET("/v3/role_assignments", a.assignments)}
	for _, actor := range []string{"users", "groups"} {
		routes = append(routes, a.grants("/v3/system/"+actor+"/{"+actor+"}/roles", "/{role}", "")...)
		for _, scope := range []string{"projects", "domains"} {
			path := "/" + scope + "/{" + scope + "}/" + actor + "/{" + actor + "}/roles"
			routes = append(routes, a.grants("/v3"+path, "/{role}", "")...)
			routes = append(routes, a.grants("/v3/OS-INHERIT"+path, "/{role}", "/inherited_to_projects")...)
		}
	}
	return routes
}

func (a *api) grants(roles, role, inherited string) []rest.Route {
	path := roles + role + inherited
	of := func(r *rest.Request) identity.Assignment { return pathAssignment(r, inherited != "") }
	do := func(f func(context.Context, identity.Assignment) error) rest.Handler {
		return func(r *rest.Request) (rest.Response, error) { return rest.Empty(), f(r.Context(), of(r)) }
	}
	return []rest.Route{
		rest.GET(roles+inherited, func(r *rest.Request) (rest.Response, error) { return a.grantedRoles(r, of(r)) }),
		rest.GET(path, do(a.Assigned)),
		rest.PUT(path, do(a.Assign)),
		rest.DELETE(path, do(a.Unassign)),
	}
}

func pathAssignment(r *rest.Request, inherited bool) identity.Assignment {
	out := identity.Assignment{
		UserID: identity.UserID(r.Param("users")), GroupID: identity.GroupID(r.Param("groups")),
		RoleID: identity.RoleID(r.Param("role")), Scope: identity.OnSystem(), Inherited: inherited,
	}
	if id := r.Param("projects"); id != "" {
		out.Scope = identity.On(identity.ProjectID(id))
	}
	if id := r.Param("domains"); id != "" {
		out.Scope = identity.OnDomain(identity.DomainID(id))
	}
	return out
}

// grantedRoles lists the roles given directly to an actor in a scope.
func (a *api) grantedRoles(r *rest.Request, of identity.Assignment) (rest.Response, error) {
	found, err := a.Assignments(r.Context(), identity.AssignmentQuery{
		UserID: of.UserID, GroupID: of.GroupID, Scope: of.Scope, Inherited: &of.Inherited,
	})
	if err != nil {
		return rest.Response{}, err
	}
	ids := []identity.RoleID{}
	for _, f := range found {
		ids = append(ids, f.RoleID)
	}
	roles, err := a.rolesByID(r, ids)
	if err != nil {
		return rest.Response{}, err
	}
	list := make([]identity.Role, len(ids))
	for i, id := range ids {
		list[i] = roles[id]
	}
	return asRole.whole(r, list), nil
}

func (a *api) assignments(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	query := identity.AssignmentQuery{
		UserID: identity.UserID(q.String("user.id")), GroupID: identity.GroupID(q.String("group.id")),
		RoleID: identity.RoleID(q.String("role.id")), Effective: q.Flag("effective"),
	}
	if id := q.String("scope.project.id"); id != "" {
		query.Scope = identity.On(identity.ProjectID(id))
	}
	if id := q.String("scope.domain.id"); id != "" {
		query.Scope = identity.OnDomain(identity.DomainID(id))
	}
	if q.Has("scope.system") {
		query.Scope = identity.OnSystem()
	}
	if q.Has("scope.OS-INHERIT:inherited_to") {
		yes := true
		query.Inherited = &yes
	}
	n := &names{api: a, r: r, wanted: q.Flag("include_names"), known: map[string]object{}}
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	found, err := a.Assignments(r.Context(), query)
	if err != nil {
		return rest.Response{}, err
	}
	out := make([]object, len(found))
	for i, f := range found {
		if out[i], err = n.assignment(f); err != nil {
			return rest.Response{}, err
		}
	}
	return unpaged(r, "role_assignments", out), nil
}

// names writes references, with the names of things when they are wanted. Each
// is looked up once.
type names struct {
	*api
	r      *rest.Request
	wanted bool
	known  map[string]object
}

func (n *names) assignment(a identity.Assignment) (object, error) {
	link := "/v3"
	if a.Inherited {
		link += "/OS-INHERIT"
	}
	scope, segments, err := n.scope(a)
	if err != nil {
		return nil, err
	}
	out := object{"scope": scope}
	if a.UserID != "" {
		segments = append(segments, "users", string(a.UserID))
		out["user"], err = n.user(a.UserID)
	} else {
		segments = append(segments, "groups", string(a.GroupID))
		out["group"], err = n.group(a.GroupID)
	}
	if err != nil {
		return nil, err
	}
	segments = append(segments, "roles", string(a.RoleID))
	if a.Inherited {
		segments = append(segments, "inherited_to_projects")
	}
	out["links"] = object{"assignment": n.r.URL(link, segments...)}
	out["role"], err = n.role(a.RoleID)
	return out, err
}

func (n *names) scope(a identity.Assignment) (scope object, segments []string, err error) {
	switch a.Scope.Kind {
	case identity.ScopeProject:
		ref, err := n.project(identity.ProjectID(a.Scope.ID))
		scope, segments = object{"project": ref}, []string{"projects", a.Scope.ID}
		if err != nil {
			return nil, nil, err
		}
	case identity.ScopeDomain:
		ref, err := n.domain(identity.DomainID(a.Scope.ID))
		scope, segments = object{"domain": ref}, []string{"domains", a.Scope.ID}
		if err != nil {
			return nil, nil, err
		}
	default:
		scope, segments = object{"system": object{"all": true}}, []string{"system"}
	}
	if a.Inherited {
		scope["OS-INHERIT:inherited_to"] = "projects"
	}
	return scope, segments, nil
}

// ref returns {"id": id}, or what find makes of it.
func (n *names) ref(kind, id string, find func() (object, error)) (object, error) {
	if !n.wanted {
		return object{"id": id}, nil
	}
	if known, ok := n.known[kind+id]; ok {
		return known, nil
	}
	found, err := find()
	if err == nil {
		found["id"] = id
		n.known[kind+id] = found
	}
	return found, err
}

func (n *names) domain(id identity.DomainID) (object, error) {
	return n.ref("domain", string(id), func() (object, error) {
		d, err := n.Domain(n.r.Context(), id)
		return object{"name": d.Name}, err
	})
}

// within adds the domain to a reference.
func (n *names) within(name string, domain identity.DomainID, err error) (object, error) {
	if err != nil {
		return nil, err
	}
	d, err := n.domain(domain)
	return object{"name": name, "domain": d}, err
}

func (n *names) user(id identity.UserID) (object, error) {
	return n.ref("user", string(id), func() (object, error) {
		u, err := n.User(n.r.Context(), id)
		return n.within(u.Name, u.DomainID, err)
	})
}

func (n *names) group(id identity.GroupID) (object, error) {
	return n.ref("group", string(id), func() (object, error) {
		g, err := n.Group(n.r.Context(), id)
		return n.within(g.Name, g.DomainID, err)
	})
}

func (n *names) project(id identity.ProjectID) (object, error) {
	return n.ref("project", string(id), func() (object, error) {
		p, err := n.Project(n.r.Context(), id)
		return n.within(p.Name, p.DomainID, err)
	})
}

func (n *names) role(id identity.RoleID) (object, error) {
	return n.ref("role", string(id), func() (object, error) {
		role, err := n.Role(n.r.Context(), id)
		return object{"name": role.Name}, err
	})
}
