package identityapi

import (
	"net/http"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
)

func (a *api) roleRoutes() []rest.Route {
	const implied = "/v3/roles/{id}/implies/{implied}"
	return []rest.Route{
		rest.POST("/v3/roles", rest.JSONUnder("role", a.createRole)).Status(http.StatusCreated),
		rest.GET("/v3/roles", a.roles),
		rest.GET("/v3/roles/{id}", a.role),
		rest.PATCH("/v3/roles/{id}", rest.JSONUnder("role", a.updateRole)),
		rest.DELETE("/v3/roles/{id}", a.deleteRole),
		rest.GET("/v3/role_inferences", a.inferences),
		rest.GET("/v3/roles/{id}/implies", a.impliedBy),
		rest.PUT(implied, a.imply).Status(http.StatusCreated),
		rest.GET(implied, a.implication),
		rest.HEAD(implied, a.hasImplication),
		rest.DELETE(implied, a.unimply),
	}
}

var asRole = kind[identity.Role]{"role", "roles", roleBody}

func roleBody(r *rest.Request, role identity.Role) object {
	return object{
		"id": role.ID, "name": role.Name, "domain_id": orNull(role.DomainID), "description": orNull(role.Description),
		"options": object{}, "links": self(r, "/v3/roles", string(role.ID)),
	}.with(role.Extra)
}

func (a *api) createRole(r *rest.Request, in object) (rest.Response, error) {
	f := read(in)
	s := identity.RoleSpec{
		DomainID: identity.DomainID(f.text("domain_id")), Name: f.text("name"), Description: f.text("description"),
	}
	if s.Extra = f.extra(); f.err() != nil {
		return rest.Response{}, f.err()
	}
	role, err := a.CreateRole(r.Context(), s)
	return asRole.reply(r, role, err)
}

func (a *api) roles(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	query := identity.RoleQuery{Query: q.Page(paging), DomainID: identity.DomainID(q.String("domain_id")), Name: q.String("name")}
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	found, err := a.Roles(r.Context(), query)
	return asRole.page(r, found, err)
}

func (a *api) role(r *rest.Request) (rest.Response, error) {
	role, err := a.Role(r.Context(), identity.RoleID(r.Param("id")))
	return asRole.reply(r, role, err)
}

func (a *api) updateRole(r *rest.Request, in object) (rest.Response, error) {
	f := read(in)
	p := identity.RolePatch{ID: identity.RoleID(r.Param("id")), Name: f.change("name"), Description: f.change("description")}
	f.take("domain_id")
	if p.Extra = f.extra(); f.err() != nil {
		return rest.Response{}, f.err()
	}
	role, err := a.UpdateRole(r.Context(), p)
	return asRole.reply(r, role, err)
}

func (a *api) deleteRole(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.DeleteRole(r.Context(), identity.RoleID(r.Param("id")))
}

// rolesByID looks roles up by their ids.
func (a *api) rolesByID(r *rest.Request, ids []identity.RoleID) (map[identity.RoleID]identity.Role, error) {
	found, err := page.Collect(func(q page.Query) (page.Of[identity.Role], error) {
		return a.Roles(r.Context(), identity.RoleQuery{Query: q, IDs: append([]identity.RoleID{}, ids...)})
	})
	out := map[identity.RoleID]identity.Role{}
	for _, role := range found {
		out[role.ID] = role
	}
	return out, err
}

func pathImplication(r *rest.Request) identity.Implication {
	return identity.Implication{RoleID: identity.RoleID(r.Param("id")), Implies: identity.RoleID(r.Param("implied"))}
}

func (a *api) imply(r *rest.Request) (rest.Response, error) {
	if err := a.Imply(r.Context(), pathImplication(r)); err != nil {
		return rest.Response{}, err
	}
	return a.implication(r)
}

func (a *api) unimply(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.Unimply(r.Context(), pathImplication(r))
}

func (a *api) hasImplication(r *rest.Request) (rest.Response, error) {
	_, err := a.implication(r)
	return rest.Empty(), err
}

func (a *api) implication(r *rest.Request) (rest.Response, error) {
	want := pathImplication(r)
	all, err := a.Implications(r.Context(), want.RoleID)
	if err != nil {
		return rest.Response{}, err
	}
	for _, i := range all {
		if i == want {
			roles, err := a.rolesByID(r, []identity.RoleID{i.RoleID, i.Implies})
			return rest.ReplyUnder("role_inference", object{
				"prior_role": roleBody(r, roles[i.RoleID]), "implies": roleBody(r, roles[i.Implies]),
			}).And("links", self(r, "/v3/roles", string(i.RoleID), "implies", string(i.Implies))), err
		}
	}
	return rest.Response{}, fault.NotFound.Errorf("role %s does not imply role %s", want.RoleID, want.Implies)
}

func (a *api) impliedBy(r *rest.Request) (rest.Response, error) {
	id := identity.RoleID(r.Param("id"))
	all, err := a.Implications(r.Context(), id)
	if err != nil {
		return rest.Response{}, err
	}
	ids := []identity.RoleID{id}
	for _, i := range all {
		ids = append(ids, i.Implies)
	}
	roles, err := a.rolesByID(r, ids)
	if err != nil {
		return rest.Response{}, err
	}
	return rest.ReplyUnder("role_inference", inference(r, roles, id, all)).
		And("links", self(r, "/v3/roles", string(id), "implies")), nil
}

// inference is what one role implies directly.
func inference(r *rest.Request, roles map[identity.RoleID]identity.Role, id identity.RoleID, all []identity.Implication) object {
	implies := []object{}
	for _, i := range all {
		if i.RoleID == id {
			implies = append(implies, roleBody(r, roles[i.Implies]))
		}
	}
	return object{"prior_role": roleBody(r, roles[id]), "implies": implies}
}

func (a *api) inferences(r *rest.Request) (rest.Response, error) {
	all, err := a.Implications(r.Context(), "")
	if err != nil {
		return rest.Response{}, err
	}
	var ids, priors []identity.RoleID
	for _, i := range all { // sorted by the implying role
		if len(priors) == 0 || priors[len(priors)-1] != i.RoleID {
			priors = append(priors, i.RoleID)
		}
		ids = append(ids, i.RoleID, i.Implies)
	}
	roles, err := a.rolesByID(r, ids)
	if err != nil {
		return rest.Response{}, err
	}
	out := []object{}
	for _, id := range priors {
		out = append(out, inference(r, roles, id, all))
	}
	return rest.ReplyUnder("role_inferences", out).And("links", self(r, "/v3/role_inferences")), nil
}
