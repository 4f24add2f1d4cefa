package identityapi

import (
	"net/http"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/rest"
)

func (a *api) userRoutes() []rest.Route {
	return []rest.Route{
		rest.POST("/v3/users", rest.JSONUnder("user", a.createUser)).Status(http.StatusCreated),
		rest.GET("/v3/users", a.users),
		rest.GET("/v3/users/{id}", a.user),
		rest.PATCH("/v3/users/{id}", rest.JSONUnder("user", a.updateUser)),
		rest.DELETE("/v3/users/{id}", a.deleteUser),
		rest.POST("/v3/users/{id}/password", rest.JSONUnder("user", a.changePassword)).Public(),
		rest.GET("/v3/users/{id}/projects", a.userProjects),
		rest.GET("/v3/users/{id}/groups", a.userGroups),
	}
}

var asUser = kind[identity.User]{"user", "users", userBody}

func userBody(r *rest.Request, u identity.User) object {
	out := object{
		"id": u.ID, "name": u.Name, "domain_id": u.DomainID, "enabled": u.Enabled,
		"password_expires_at": nil, "options": object{}, "links": self(r, "/v3/users", string(u.ID)),
	}
	for name, value := range map[string]string{
		"description": u.Description, "email": u.Email, "default_project_id": string(u.DefaultProjectID),
	} {
		if value != "" {
			out[name] = value
		}
	}
	return out.with(u.Extra)
}

func (a *api) createUser(r *rest.Request, in object) (rest.Response, error) {
	f := read(in)
	s := identity.UserSpec{
		DomainID: identity.DomainID(f.text("domain_id")), Name: f.text("name"), Description: f.text("description"),
		Email: f.text("email"), Password: f.text("password"),
		DefaultProjectID: identity.ProjectID(f.text("default_project_id")), Disabled: disabled(f.flag("enabled")),
	}
	if s.Extra = f.extra(); f.err() != nil {
		return rest.Response{}, f.err()
	}
	u, err := a.CreateUser(r.Context(), s)
	return asUser.reply(r, u, err)
}

func userQuery(r *rest.Request) (identity.UserQuery, error) {
	q := r.Query()
	query := identity.UserQuery{
		Query: q.Page(paging), DomainID: identity.DomainID(q.String("domain_id")), Name: q.String("name"), Enabled: enabled(q),
	}
	return query, q.Err()
}

func (a *api) users(r *rest.Request) (rest.Response, error) {
	query, err := userQuery(r)
	if err != nil {
		return rest.Response{}, err
	}
	found, err := a.Users(r.Context(), query)
	return asUser.page(r, found, err)
}

func (a *api) user(r *rest.Request) (rest.Response, error) {
	u, err := a.User(r.Context(), identity.UserID(r.Param("id")))
	return asUser.reply(r, u, err)
}

func (a *api) updateUser(r *rest.Request, in object) (rest.Response, error) {
	f := read(in)
	p := identity.UserPatch{
		ID: identity.UserID(r.Param("id")), Name: f.change("name"), Description: f.change("description"), Email: f.change("email"),
		DefaultProjectID: as[identity.ProjectID](f.change("default_project_id")), Enabled: f.flag("enabled"), Password: f.change("password"),
	}
	f.take("domain_id")
	if p.Extra = f.extra(); f.err() != nil {
		return rest.Response{}, f.err()
	}
	u, err := a.UpdateUser(r.Context(), p)
	return asUser.reply(r, u, err)
}

func (a *api) deleteUser(r *rest.Request) (rest.Response, error) {
	return rest.Empty(), a.DeleteUser(r.Context(), identity.UserID(r.Param("id")))
}

type passwordChange struct {
	Old string `json:"original_password" required:"true"`
	New string `json:"password" required:"true"`
}

func (a *api) changePassword(r *rest.Request, in passwordChange) (rest.Response, error) {
	c := identity.PasswordChange{UserID: identity.UserID(r.Param("id")), Old: in.Old, New: in.New}
	return rest.Empty(), a.ChangePassword(r.Context(), c)
}

func (a *api) userProjects(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	query := identity.ProjectQuery{
		Query: q.Page(paging), Name: q.String("name"), Enabled: enabled(q), User: identity.UserID(r.Param("id")),
		DomainID: identity.DomainID(q.String("domain_id")),
	}
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	found, err := a.Projects(r.Context(), query)
	return asProject.page(r, found, err)
}

func (a *api) userGroups(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	query := identity.GroupQuery{Query: q.Page(paging), Name: q.String("name"), User: identity.UserID(r.Param("id"))}
	if err := q.Err(); err != nil {
		return rest.Response{}, err
	}
	found, err := a.Groups(r.Context(), query)
	return asGroup.page(r, found, err)
}
