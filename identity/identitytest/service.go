package identitytest

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// TestService checks an identity.Service. New returns that of a cloud that has
// just been started for the first time, with Password as the administrator's.
func TestService(t *testing.T, New func(t *testing.T) identity.Service) {
	tests := []struct {
		name string
		test func(t *testing.T, w *world)
	}{
		{"a new cloud has what it needs", newCloud},
		{"domains", domains},
		{"deleting a domain deletes what is in it", domainCascade},
		{"projects", projects},
		{"projects below projects", projectTree},
		{"tags select projects", tags},
		{"users", users},
		{"groups", groups},
		{"roles", roles},
		{"roles imply roles", implications},
		{"assignments", assignments},
		{"effective assignments", effective},
		{"inherited roles hold below", inherited},
		{"lists come in pages", pages},
		{"logging in", logins},
		{"scopes", scopes},
		{"tokens make tokens", rescoping},
		{"tokens taken back", revocations},
		{"passwords", passwords},
		{"application credentials", credentials},
		{"users may not", isolation},
		{"a domain's manager manages its domain", domainManager},
		{"bad input", badInput},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.test(t, &world{Service: New(t), ctx: Admin(t.Context())})
		})
	}
}

// A world is a Service, and an administrator to ask it.
type world struct {
	identity.Service
	ctx context.Context
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error is %v, want %v", err, kind)
	}
}

func (w *world) project(t *testing.T, s identity.ProjectSpec) identity.Project {
	t.Helper()
	return must[identity.Project](t)(w.CreateProject(w.ctx, s))
}

// user makes a user with Password.
func (w *world) user(t *testing.T, name string) identity.User {
	t.Helper()
	return must[identity.User](t)(w.CreateUser(w.ctx, identity.UserSpec{Name: name, Password: Password}))
}

func (w *world) role(t *testing.T, name string) identity.Role {
	t.Helper()
	found := must[page.Of[identity.Role]](t)(w.Roles(w.ctx, identity.RoleQuery{Name: name}))
	if len(found.Items) == 1 {
		return found.Items[0]
	}
	return must[identity.Role](t)(w.CreateRole(w.ctx, identity.RoleSpec{Name: name}))
}

func (w *world) give(t *testing.T, u identity.User, role string, s identity.Scope) identity.Assignment {
	t.Helper()
	a := identity.Assignment{UserID: u.ID, RoleID: w.role(t, role).ID, Scope: s}
	ok(t, w.Assign(w.ctx, a))
	return a
}

// logIn returns a token for a user made with user, in a project or nowhere.
func (w *world) logIn(u identity.User, p identity.ProjectID) (identity.Token, error) {
	l := identity.Login{Methods: []string{identity.ByPassword}, User: identity.UserRef{ID: u.ID}, Password: Password}
	if p != "" {
		l.Scope.Project = &identity.ProjectRef{ID: p}
	}
	return w.LogIn(context.Background(), l)
}

// as returns a context with the caller that a token names.
func as(t identity.Token) context.Context {
	c := identity.Caller{UserID: t.User.ID, UserName: t.User.Name, UserDomainID: t.User.Domain.ID, System: t.System}
	if t.Project != nil {
		c.ProjectID, c.ProjectName, c.ProjectDomainID = t.Project.ID, t.Project.Name, t.Project.Domain.ID
	}
	if t.Domain != nil {
		c.DomainID = t.Domain.ID
	}
	if t.Credential != nil {
		c.CredentialID = t.Credential.ID
	}
	c.Roles = roleNames(t)
	return identity.With(context.Background(), c)
}

func roleNames(t identity.Token) []string {
	var names []string
	for _, r := range t.Roles {
		names = append(names, r.Name)
	}
	return names
}

func ids[T any, ID cmp.Ordered](items []T, id func(T) ID) []ID {
	out := make([]ID, len(items))
	for i, item := range items {
		out[i] = id(item)
	}
	slices.Sort(out)
	return out
}

func projectID(p identity.Project) identity.ProjectID { return p.ID }

func newCloud(t *testing.T, w *world) {
	d := must[identity.Domain](t)(w.Domain(w.ctx, identity.DefaultDomain))
	if d.Name != "Default" || !d.Enabled {
		t.Errorf("%+v", d)
	}
	for _, name := range []string{"admin", "manager", "member", "reader", "service", "ResellerAdmin"} {
		if found := must[page.Of[identity.Role]](t)(w.Roles(w.ctx, identity.RoleQuery{Name: name})); len(found.Items) != 1 {
			t.Errorf("role %s: %v", name, found.Items)
		}
	}
	login := identity.Login{
		Methods: []string{identity.ByPassword}, Password: Password,
		User:  identity.UserRef{Name: "admin", Domain: identity.DomainRef{Name: "Default"}},
		Scope: identity.ScopeRef{Project: &identity.ProjectRef{Name: "admin", Domain: identity.DomainRef{ID: "default"}}},
	}
	tok := must[identity.Token](t)(w.LogIn(t.Context(), login))
	if got := roleNames(tok); !slices.Equal(got, []string{"admin", "manager", "member", "reader"}) {
		t.Errorf("the administrator has %v", got)
	}
	login.Scope = identity.ScopeRef{System: true}
	if tok = must[identity.Token](t)(w.LogIn(t.Context(), login)); !tok.System || len(tok.Roles) != 4 {
		t.Errorf("%+v", tok)
	}
}

func domains(t *testing.T, w *world) {
	spec := identity.DomainSpec{ID: "d1", Name: "one", Description: "first", Extra: identity.Extra{"color": "red"}}
	d := must[identity.Domain](t)(w.CreateDomain(w.ctx, spec))
	again := must[identity.Domain](t)(w.CreateDomain(w.ctx, spec))
	if d.ID != "d1" || !d.Enabled || again.ID != d.ID || d.Extra["color"] != "red" {
		t.Errorf("%+v %+v", d, again)
	}
	_, err := w.CreateDomain(w.ctx, identity.DomainSpec{Name: "one"})
	want(t, err, fault.Conflict)
	must[identity.Domain](t)(w.CreateDomain(w.ctx, identity.DomainSpec{ID: "d2", Name: "two", Disabled: true}))
	yes := true
	enabled := must[page.Of[identity.Domain]](t)(w.Domains(w.ctx, identity.DomainQuery{Enabled: &yes}))
	if got := ids(enabled.Items, func(d identity.Domain) string { return string(d.ID) }); !slices.Equal(got, []string{"d1", "default"}) {
		t.Errorf("enabled: %v", got)
	}
	want(t, w.DeleteDomain(w.ctx, "d1"), fault.Forbidden)
	no, name := false, "uno"
	d = must[identity.Domain](t)(w.UpdateDomain(w.ctx, identity.DomainPatch{ID: "d1", Name: &name, Enabled: &no, Extra: identity.Extra{"color": nil}}))
	if d.Name != "uno" || d.Enabled || len(d.Extra) != 0 || d.Description != "first" {
		t.Errorf("%+v", d)
	}
	ok(t, w.DeleteDomain(w.ctx, "d1"))
	_, err = w.Domain(w.ctx, "d1")
	want(t, err, fault.NotFound)
	want(t, w.DeleteDomain(w.ctx, "d1"), fault.NotFound)
	_, err = w.UpdateDomain(w.ctx, identity.DomainPatch{ID: "default", Enabled: &no})
	ok(t, err)
	want(t, w.DeleteDomain(w.ctx, "default"), fault.Forbidden)
}

func domainCascade(t *testing.T, w *world) {
	d := must[identity.Domain](t)(w.CreateDomain(w.ctx, identity.DomainSpec{Name: "doomed", Disabled: true}))
	p := w.project(t, identity.ProjectSpec{Name: "p", DomainID: d.ID})
	u := must[identity.User](t)(w.CreateUser(w.ctx, identity.UserSpec{Name: "u", DomainID: d.ID, Password: Password}))
	g := must[identity.Group](t)(w.CreateGroup(w.ctx, identity.GroupSpec{Name: "g", DomainID: d.ID}))
	ok(t, w.AddMember(w.ctx, identity.Membership{GroupID: g.ID, UserID: u.ID}))
	w.give(t, u, "member", identity.On(p.ID))
	outsider := w.user(t, "outsider")
	w.give(t, outsider, "member", identity.OnDomain(d.ID))
	ok(t, w.DeleteDomain(w.ctx, d.ID))
	_, err := w.Project(w.ctx, p.ID)
	want(t, err, fault.NotFound)
	_, err = w.User(w.ctx, u.ID)
	want(t, err, fault.NotFound)
	_, err = w.Group(w.ctx, g.ID)
	want(t, err, fault.NotFound)
	left := must[[]identity.Assignment](t)(w.Assignments(w.ctx, identity.AssignmentQuery{RoleID: w.role(t, "member").ID}))
	if len(left) != 0 {
		t.Errorf("assignments are left: %v", left)
	}
}

func projects(t *testing.T, w *world) {
	spec := identity.ProjectSpec{ID: "p1", Name: "one", Description: "d", Tags: []string{"b", "a", "a"}, Extra: identity.Extra{"n": 1.5}}
	p := w.project(t, spec)
	if p.DomainID != "default" || !p.Enabled || !slices.Equal(p.Tags, []string{"a", "b"}) {
		t.Errorf("%+v", p)
	}
	if again := w.project(t, spec); again.ID != "p1" {
		t.Errorf("%+v", again)
	}
	_, err := w.CreateProject(w.ctx, identity.ProjectSpec{Name: "one"})
	want(t, err, fault.Conflict)
	_, err = w.CreateProject(w.ctx, identity.ProjectSpec{Name: "x", DomainID: "none"})
	want(t, err, fault.NotFound)
	got := must[identity.Project](t)(w.Project(w.ctx, "p1"))
	if got.Extra["n"] != 1.5 || !slices.Equal(got.Tags, p.Tags) {
		t.Errorf("%+v", got)
	}
	no, name := false, "uno"
	p = must[identity.Project](t)(w.UpdateProject(w.ctx, identity.ProjectPatch{ID: "p1", Name: &name, Enabled: &no, Tags: &[]string{}}))
	if p.Name != "uno" || p.Enabled || len(p.Tags) != 0 || p.Description != "d" {
		t.Errorf("%+v", p)
	}
	disabled := must[page.Of[identity.Project]](t)(w.Projects(w.ctx, identity.ProjectQuery{Enabled: &no, DomainID: "default", Name: "uno"}))
	if len(disabled.Items) != 1 {
		t.Errorf("%v", disabled)
	}
	ok(t, w.DeleteProject(w.ctx, "p1"))
	want(t, w.DeleteProject(w.ctx, "p1"), fault.NotFound)
	_, err = w.Project(w.ctx, "p1")
	want(t, err, fault.NotFound)
}

func projectTree(t *testing.T, w *world) {
	top := w.project(t, identity.ProjectSpec{Name: "top", ParentID: "default"})
	if top.ParentID != "" || top.DomainID != "default" {
		t.Errorf("a parent that is the domain is none: %+v", top)
	}
	below := w.project(t, identity.ProjectSpec{Name: "below", ParentID: top.ID})
	if below.DomainID != "default" {
		t.Errorf("%+v", below)
	}
	_, err := w.CreateProject(w.ctx, identity.ProjectSpec{Name: "x", ParentID: "none"})
	want(t, err, fault.NotFound)
	want(t, w.DeleteProject(w.ctx, top.ID), fault.Forbidden)
	children := must[page.Of[identity.Project]](t)(w.Projects(w.ctx, identity.ProjectQuery{ParentID: top.ID}))
	if got := ids(children.Items, projectID); !slices.Equal(got, []identity.ProjectID{below.ID}) {
		t.Errorf("children: %v", got)
	}
	last := below
	for range 3 {
		last = w.project(t, identity.ProjectSpec{Name: last.Name + "+", ParentID: last.ID})
	}
	_, err = w.CreateProject(w.ctx, identity.ProjectSpec{Name: "too deep", ParentID: last.ID})
	want(t, err, fault.Forbidden)
}

func tags(t *testing.T, w *world) {
	for name, tags := range map[string][]string{"ab": {"a", "b"}, "a": {"a"}, "c": {"c%_\"<"}, "big": {"A"}} {
		w.project(t, identity.ProjectSpec{ID: identity.ProjectID(name), Name: name, Tags: tags})
	}
	tests := []struct {
		name  string
		query identity.TagQuery
		want  []identity.ProjectID
	}{
		{"all", identity.TagQuery{All: []string{"a", "b"}}, []identity.ProjectID{"ab"}},
		{"any", identity.TagQuery{Any: []string{"b", "c%_\"<"}}, []identity.ProjectID{"ab", "c"}},
		{"not all", identity.TagQuery{NotAll: []string{"a", "b"}}, []identity.ProjectID{"a", "big", "c"}},
		{"none", identity.TagQuery{None: []string{"a", "b"}}, []identity.ProjectID{"big", "c"}},
		{"together", identity.TagQuery{All: []string{"a"}, None: []string{"b"}}, []identity.ProjectID{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			found := must[page.Of[identity.Project]](t)(w.Projects(w.ctx, identity.ProjectQuery{Tags: tt.query}))
			got := slices.DeleteFunc(ids(found.Items, projectID), func(id identity.ProjectID) bool { return len(id) > 3 })
			if !slices.Equal(got, tt.want) {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

func users(t *testing.T, w *world) {
	spec := identity.UserSpec{ID: "u1", Name: "ada", Email: "a@example.org", Password: Password, Extra: identity.Extra{"k": "v"}}
	u := must[identity.User](t)(w.CreateUser(w.ctx, spec))
	if again := must[identity.User](t)(w.CreateUser(w.ctx, spec)); again.ID != u.ID {
		t.Errorf("%+v", again)
	}
	if u.DomainID != "default" || !u.Enabled || u.PasswordChangedAt.IsZero() {
		t.Errorf("%+v", u)
	}
	_, err := w.CreateUser(w.ctx, identity.UserSpec{Name: "ada"})
	want(t, err, fault.Conflict)
	_, err = w.CreateUser(w.ctx, identity.UserSpec{Name: "x", DomainID: "none"})
	want(t, err, fault.NotFound)
	name, mail, no := "lovelace", "l@example.org", false
	u = must[identity.User](t)(w.UpdateUser(w.ctx, identity.UserPatch{ID: "u1", Name: &name, Email: &mail, Enabled: &no}))
	if u.Name != name || u.Email != mail || u.Enabled || u.Extra["k"] != "v" {
		t.Errorf("%+v", u)
	}
	found := must[page.Of[identity.User]](t)(w.Users(w.ctx, identity.UserQuery{Name: name, Enabled: &no, DomainID: "default"}))
	if len(found.Items) != 1 {
		t.Errorf("%v", found)
	}
	ok(t, w.DeleteUser(w.ctx, "u1"))
	want(t, w.DeleteUser(w.ctx, "u1"), fault.NotFound)
	_, err = w.User(w.ctx, "u1")
	want(t, err, fault.NotFound)
}

func groups(t *testing.T, w *world) {
	u, p := w.user(t, "u"), w.project(t, identity.ProjectSpec{Name: "p"})
	g := must[identity.Group](t)(w.CreateGroup(w.ctx, identity.GroupSpec{Name: "g", Description: "d"}))
	_, err := w.CreateGroup(w.ctx, identity.GroupSpec{Name: "g"})
	want(t, err, fault.Conflict)
	m := identity.Membership{GroupID: g.ID, UserID: u.ID}
	want(t, w.Member(w.ctx, m), fault.NotFound)
	ok(t, w.AddMember(w.ctx, m))
	ok(t, w.AddMember(w.ctx, m))
	ok(t, w.Member(w.ctx, m))
	want(t, w.AddMember(w.ctx, identity.Membership{GroupID: g.ID, UserID: "none"}), fault.NotFound)
	ok(t, w.Assign(w.ctx, identity.Assignment{GroupID: g.ID, RoleID: w.role(t, "member").ID, Scope: identity.On(p.ID)}))
	tok := must[identity.Token](t)(w.logIn(u, p.ID))
	if got := roleNames(tok); !slices.Equal(got, []string{"member", "reader"}) {
		t.Errorf("a member of the group has %v", got)
	}
	in := must[page.Of[identity.Group]](t)(w.Groups(w.ctx, identity.GroupQuery{User: u.ID}))
	of := must[page.Of[identity.User]](t)(w.Users(w.ctx, identity.UserQuery{Group: g.ID}))
	if len(in.Items) != 1 || len(of.Items) != 1 {
		t.Errorf("%v %v", in, of)
	}
	ok(t, w.RemoveMember(w.ctx, m))
	want(t, w.RemoveMember(w.ctx, m), fault.NotFound)
	_, err = w.Token(w.ctx, tok.Text)
	want(t, err, fault.NotFound)
	_, err = w.logIn(u, p.ID)
	want(t, err, fault.Unauthenticated)
	name := "renamed"
	if g = must[identity.Group](t)(w.UpdateGroup(w.ctx, identity.GroupPatch{ID: g.ID, Name: &name})); g.Name != name || g.Description != "d" {
		t.Errorf("%+v", g)
	}
	ok(t, w.DeleteGroup(w.ctx, g.ID))
	want(t, w.DeleteGroup(w.ctx, g.ID), fault.NotFound)
}
