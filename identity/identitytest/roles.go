package identitytest

import (
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

func roles(t *testing.T, w *world) {
	r := must[identity.Role](t)(w.CreateRole(w.ctx, identity.RoleSpec{Name: "auditor", Description: "d"}))
	_, err := w.CreateRole(w.ctx, identity.RoleSpec{Name: "auditor"})
	want(t, err, fault.Conflict)
	name := "inspector"
	if r = must[identity.Role](t)(w.UpdateRole(w.ctx, identity.RolePatch{ID: r.ID, Name: &name})); r.Name != name || r.Description != "d" {
		t.Errorf("%+v", r)
	}
	d := must[identity.Domain](t)(w.CreateDomain(w.ctx, identity.DomainSpec{Name: "d"}))
	own := must[identity.Role](t)(w.CreateRole(w.ctx, identity.RoleSpec{Name: name, DomainID: d.ID}))
	found := must[page.Of[identity.Role]](t)(w.Roles(w.ctx, identity.RoleQuery{DomainID: d.ID}))
	if len(found.Items) != 1 || found.Items[0].ID != own.ID {
		t.Errorf("%v", found)
	}
	byID := must[page.Of[identity.Role]](t)(w.Roles(w.ctx, identity.RoleQuery{IDs: []identity.RoleID{own.ID, r.ID}}))
	if len(byID.Items) != 2 {
		t.Errorf("%v", byID)
	}
	admin := w.role(t, "admin")
	want(t, w.DeleteRole(w.ctx, admin.ID), fault.Forbidden)
	_, err = w.UpdateRole(w.ctx, identity.RolePatch{ID: admin.ID, Name: &name})
	want(t, err, fault.Forbidden)

	u, p := w.user(t, "u"), w.project(t, identity.ProjectSpec{Name: "p"})
	w.give(t, u, name, identity.On(p.ID))
	tok := must[identity.Token](t)(w.logIn(u, p.ID))
	ok(t, w.DeleteRole(w.ctx, r.ID))
	_, err = w.Role(w.ctx, r.ID)
	want(t, err, fault.NotFound)
	_, err = w.Token(w.ctx, tok.Text)
	want(t, err, fault.NotFound)
	_, err = w.logIn(u, p.ID)
	want(t, err, fault.Unauthenticated)
}

func implications(t *testing.T, w *world) {
	a, b, c := w.role(t, "a"), w.role(t, "b"), w.role(t, "c")
	imply := func(from, to identity.RoleID) error {
		return w.Imply(w.ctx, identity.Implication{RoleID: from, Implies: to})
	}
	ok(t, imply(a.ID, b.ID))
	ok(t, imply(a.ID, b.ID))
	ok(t, imply(b.ID, c.ID))
	want(t, imply(c.ID, a.ID), fault.Conflict)
	want(t, imply(a.ID, a.ID), fault.Conflict)
	want(t, imply(a.ID, w.role(t, "admin").ID), fault.Forbidden)
	want(t, imply(a.ID, "none"), fault.NotFound)
	d := must[identity.Domain](t)(w.CreateDomain(w.ctx, identity.DomainSpec{Name: "d"}))
	own := must[identity.Role](t)(w.CreateRole(w.ctx, identity.RoleSpec{Name: "own", DomainID: d.ID}))
	want(t, imply(a.ID, own.ID), fault.Forbidden)
	ok(t, imply(own.ID, c.ID))

	u, p := w.user(t, "u"), w.project(t, identity.ProjectSpec{Name: "p"})
	w.give(t, u, "a", identity.On(p.ID))
	tok := must[identity.Token](t)(w.logIn(u, p.ID))
	if got := roleNames(tok); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("a comes to %v", got)
	}
	direct := must[[]identity.Implication](t)(w.Implications(w.ctx, a.ID))
	if len(direct) != 1 || direct[0].Implies != b.ID {
		t.Errorf("%v", direct)
	}
	ok(t, w.Unimply(w.ctx, identity.Implication{RoleID: a.ID, Implies: b.ID}))
	want(t, w.Unimply(w.ctx, identity.Implication{RoleID: a.ID, Implies: b.ID}), fault.NotFound)
	_, err := w.Token(w.ctx, tok.Text)
	want(t, err, fault.NotFound)
	if got := roleNames(must[identity.Token](t)(w.logIn(u, p.ID))); !slices.Equal(got, []string{"a"}) {
		t.Errorf("a comes to %v", got)
	}
	other := w.user(t, "other")
	ok(t, w.Assign(w.ctx, identity.Assignment{UserID: other.ID, RoleID: own.ID, Scope: identity.On(p.ID)}))
	if got := roleNames(must[identity.Token](t)(w.logIn(other, p.ID))); !slices.Equal(got, []string{"c"}) {
		t.Errorf("a domain's role comes to %v", got)
	}
}

func assignments(t *testing.T, w *world) {
	u, p := w.user(t, "u"), w.project(t, identity.ProjectSpec{Name: "p"})
	member := w.role(t, "member")
	for name, s := range map[string]identity.Scope{
		"project": identity.On(p.ID), "domain": identity.OnDomain("default"), "system": identity.OnSystem(),
	} {
		t.Run(name, func(t *testing.T) {
			a := identity.Assignment{UserID: u.ID, RoleID: member.ID, Scope: s}
			want(t, w.Assigned(w.ctx, a), fault.NotFound)
			ok(t, w.Assign(w.ctx, a))
			ok(t, w.Assign(w.ctx, a))
			ok(t, w.Assigned(w.ctx, a))
			found := must[[]identity.Assignment](t)(w.Assignments(w.ctx, identity.AssignmentQuery{UserID: u.ID, Scope: s}))
			if len(found) != 1 || found[0] != a {
				t.Errorf("%+v", found)
			}
			ok(t, w.Unassign(w.ctx, a))
			want(t, w.Unassign(w.ctx, a), fault.NotFound)
		})
	}
	good := identity.Assignment{UserID: u.ID, RoleID: member.ID, Scope: identity.On(p.ID)}
	for name, change := range map[string]func(a *identity.Assignment){
		"user":    func(a *identity.Assignment) { a.UserID = "none" },
		"role":    func(a *identity.Assignment) { a.RoleID = "none" },
		"project": func(a *identity.Assignment) { a.Scope.ID = "none" },
		"group":   func(a *identity.Assignment) { a.UserID, a.GroupID = "", "none" },
		"domain":  func(a *identity.Assignment) { a.Scope = identity.OnDomain("none") },
	} {
		t.Run("no such "+name, func(t *testing.T) {
			bad := good
			change(&bad)
			want(t, w.Assign(w.ctx, bad), fault.NotFound)
		})
	}
}

func effective(t *testing.T, w *world) {
	u, p := w.user(t, "u"), w.project(t, identity.ProjectSpec{Name: "p"})
	g := must[identity.Group](t)(w.CreateGroup(w.ctx, identity.GroupSpec{Name: "g"}))
	ok(t, w.AddMember(w.ctx, identity.Membership{GroupID: g.ID, UserID: u.ID}))
	w.give(t, u, "member", identity.On(p.ID))
	auditor := w.role(t, "auditor")
	ok(t, w.Assign(w.ctx, identity.Assignment{GroupID: g.ID, RoleID: auditor.ID, Scope: identity.On(p.ID)}))
	q := identity.AssignmentQuery{UserID: u.ID, Scope: identity.On(p.ID), Effective: true}
	var got []identity.RoleID
	for _, a := range must[[]identity.Assignment](t)(w.Assignments(w.ctx, q)) {
		if a.UserID != u.ID || a.GroupID != "" || a.Scope != identity.On(p.ID) {
			t.Errorf("%+v", a)
		}
		got = append(got, a.RoleID)
	}
	all := []identity.RoleID{w.role(t, "member").ID, w.role(t, "reader").ID, auditor.ID}
	slices.Sort(got)
	slices.Sort(all)
	if !slices.Equal(got, all) {
		t.Errorf("%v, want %v", got, all)
	}
	q.RoleID = auditor.ID
	if found := must[[]identity.Assignment](t)(w.Assignments(w.ctx, q)); len(found) != 1 {
		t.Errorf("%v", found)
	}
}

func inherited(t *testing.T, w *world) {
	d := must[identity.Domain](t)(w.CreateDomain(w.ctx, identity.DomainSpec{Name: "d"}))
	top := w.project(t, identity.ProjectSpec{Name: "top", DomainID: d.ID})
	below := w.project(t, identity.ProjectSpec{Name: "below", ParentID: top.ID})
	u, v := w.user(t, "u"), w.user(t, "v")
	member := w.role(t, "member")
	onDomain := identity.Assignment{UserID: u.ID, RoleID: member.ID, Scope: identity.OnDomain(d.ID), Inherited: true}
	onTop := identity.Assignment{UserID: v.ID, RoleID: member.ID, Scope: identity.On(top.ID), Inherited: true}
	ok(t, w.Assign(w.ctx, onDomain))
	ok(t, w.Assign(w.ctx, onTop))
	for _, tt := range []struct {
		user    identity.User
		project identity.Project
		want    bool
	}{{u, top, true}, {u, below, true}, {v, top, false}, {v, below, true}} {
		if _, err := w.logIn(tt.user, tt.project.ID); (err == nil) != tt.want {
			t.Errorf("%s in %s: %v", tt.user.Name, tt.project.Name, err)
		}
	}
	mine := must[page.Of[identity.Project]](t)(w.Projects(w.ctx, identity.ProjectQuery{User: u.ID}))
	if len(mine.Items) != 2 {
		t.Errorf("%v", mine)
	}
	tok := must[identity.Token](t)(w.logIn(u, below.ID))
	ok(t, w.Unassign(w.ctx, onDomain))
	_, err := w.Token(w.ctx, tok.Text)
	want(t, err, fault.NotFound)
}
