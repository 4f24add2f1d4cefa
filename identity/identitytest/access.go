package identitytest

import (
	"context"
	"errors"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// isolation tries everything as an ordinary user and as nobody.
func isolation(t *testing.T, w *world) {
	mallory, victim := w.user(t, "mallory"), w.user(t, "victim")
	mine, theirs := w.project(t, identity.ProjectSpec{Name: "mine"}), w.project(t, identity.ProjectSpec{Name: "theirs"})
	w.give(t, mallory, "manager", identity.On(mine.ID))
	w.give(t, victim, "member", identity.On(theirs.ID))
	tok := must[identity.Token](t)(w.logIn(mallory, mine.ID))
	other := must[identity.Token](t)(w.logIn(victim, theirs.ID))
	g := must[identity.Group](t)(w.CreateGroup(w.ctx, identity.GroupSpec{Name: "g"}))
	member := w.role(t, "member")
	cred := must[identity.NewCredential](t)(w.CreateCredential(as(other), identity.CredentialSpec{UserID: victim.ID, Name: "c"}))
	give := identity.Assignment{UserID: mallory.ID, RoleID: member.ID, Scope: identity.On(theirs.ID)}
	join := identity.Membership{GroupID: g.ID, UserID: mallory.ID}

	type try func(ctx context.Context) error
	forbidden := map[string]try{
		"create domain": func(ctx context.Context) error {
			_, err := w.CreateDomain(ctx, identity.DomainSpec{Name: "x"})
			return err
		},
		"list domains": func(ctx context.Context) error { _, err := w.Domains(ctx, identity.DomainQuery{}); return err },
		"update domain": func(ctx context.Context) error {
			_, err := w.UpdateDomain(ctx, identity.DomainPatch{ID: "default"})
			return err
		},
		"delete domain": func(ctx context.Context) error { return w.DeleteDomain(ctx, "default") },
		"create project": func(ctx context.Context) error {
			_, err := w.CreateProject(ctx, identity.ProjectSpec{Name: "x"})
			return err
		},
		"list projects": func(ctx context.Context) error { _, err := w.Projects(ctx, identity.ProjectQuery{}); return err },
		"update project": func(ctx context.Context) error {
			_, err := w.UpdateProject(ctx, identity.ProjectPatch{ID: mine.ID})
			return err
		},
		"delete project":     func(ctx context.Context) error { return w.DeleteProject(ctx, mine.ID) },
		"delete what is not": func(ctx context.Context) error { return w.DeleteProject(ctx, "none") },
		"create user":        func(ctx context.Context) error { _, err := w.CreateUser(ctx, identity.UserSpec{Name: "x"}); return err },
		"list users":         func(ctx context.Context) error { _, err := w.Users(ctx, identity.UserQuery{}); return err },
		"update itself": func(ctx context.Context) error {
			_, err := w.UpdateUser(ctx, identity.UserPatch{ID: mallory.ID})
			return err
		},
		"delete user": func(ctx context.Context) error { return w.DeleteUser(ctx, victim.ID) },
		"create group": func(ctx context.Context) error {
			_, err := w.CreateGroup(ctx, identity.GroupSpec{Name: "x"})
			return err
		},
		"list members": func(ctx context.Context) error { _, err := w.Users(ctx, identity.UserQuery{Group: g.ID}); return err },
		"join a group": func(ctx context.Context) error { return w.AddMember(ctx, join) },
		"create role":  func(ctx context.Context) error { _, err := w.CreateRole(ctx, identity.RoleSpec{Name: "x"}); return err },
		"delete role":  func(ctx context.Context) error { return w.DeleteRole(ctx, member.ID) },
		"imply": func(ctx context.Context) error {
			return w.Imply(ctx, identity.Implication{RoleID: member.ID, Implies: w.role(t, "service").ID})
		},
		"give itself a role": func(ctx context.Context) error { return w.Assign(ctx, give) },
		"take a role":        func(ctx context.Context) error { return w.Unassign(ctx, give) },
		"list assignments":   func(ctx context.Context) error { _, err := w.Assignments(ctx, identity.AssignmentQuery{}); return err },
		"list revocations":   func(ctx context.Context) error { _, err := w.Revocations(ctx, other.IssuedAt); return err },
	}
	hidden := map[string]try{
		"show their project":     func(ctx context.Context) error { _, err := w.Project(ctx, theirs.ID); return err },
		"show another user":      func(ctx context.Context) error { _, err := w.User(ctx, victim.ID); return err },
		"another's scopes":       func(ctx context.Context) error { _, err := w.Scopes(ctx, victim.ID); return err },
		"another's token":        func(ctx context.Context) error { _, err := w.Token(ctx, other.Text); return err },
		"revoke another's token": func(ctx context.Context) error { return w.RevokeToken(ctx, other.Text) },
		"another's credential":   func(ctx context.Context) error { _, err := w.Credential(ctx, cred.ID); return err },
		"delete it":              func(ctx context.Context) error { return w.DeleteCredential(ctx, cred.ID) },
		"list another's": func(ctx context.Context) error {
			_, err := w.Credentials(ctx, identity.CredentialQuery{UserID: victim.ID})
			return err
		},
		"make one for another": func(ctx context.Context) error {
			_, err := w.CreateCredential(ctx, identity.CredentialSpec{UserID: victim.ID, Name: "x"})
			return err
		},
	}
	for kind, tries := range map[fault.Kind]map[string]try{fault.Forbidden: forbidden, fault.NotFound: hidden} {
		for name, f := range tries {
			t.Run(name, func(t *testing.T) {
				want(t, f(as(tok)), kind)
				if err := f(t.Context()); !errors.Is(err, fault.Unauthenticated) {
					t.Errorf("nobody: %v", err)
				}
			})
		}
	}
	must[identity.Project](t)(w.Project(as(tok), mine.ID))
	must[identity.User](t)(w.User(as(tok), mallory.ID))
	must[identity.Domain](t)(w.Domain(as(tok), "default"))
	must[identity.Token](t)(w.Token(as(tok), tok.Text))
	must[identity.Token](t)(w.Token(w.ctx, other.Text))
}

func domainManager(t *testing.T, w *world) {
	d := must[identity.Domain](t)(w.CreateDomain(w.ctx, identity.DomainSpec{Name: "d"}))
	boss := must[identity.User](t)(w.CreateUser(w.ctx, identity.UserSpec{Name: "boss", DomainID: d.ID, Password: Password}))
	w.give(t, boss, "manager", identity.OnDomain(d.ID))
	tok := must[identity.Token](t)(w.LogIn(t.Context(), identity.Login{
		Methods: []string{identity.ByPassword}, User: identity.UserRef{ID: boss.ID}, Password: Password,
		Scope: identity.ScopeRef{Domain: &identity.DomainRef{ID: d.ID}},
	}))
	ctx := as(tok)
	p := must[identity.Project](t)(w.CreateProject(ctx, identity.ProjectSpec{Name: "p"}))
	u := must[identity.User](t)(w.CreateUser(ctx, identity.UserSpec{Name: "u"}))
	if p.DomainID != d.ID || u.DomainID != d.ID {
		t.Errorf("%+v %+v", p, u)
	}
	_, err := w.CreateProject(ctx, identity.ProjectSpec{Name: "p", DomainID: "default"})
	want(t, err, fault.NotFound)
	outside := w.project(t, identity.ProjectSpec{Name: "outside"})
	_, err = w.CreateProject(ctx, identity.ProjectSpec{Name: "child", ParentID: outside.ID})
	if err == nil {
		t.Error("a project was made below one of another domain")
	}
	want(t, w.DeleteProject(ctx, outside.ID), fault.NotFound)
	_, err = w.Project(ctx, outside.ID)
	want(t, err, fault.NotFound)

	give := func(u identity.UserID, role string, s identity.Scope) error {
		return w.Assign(ctx, identity.Assignment{UserID: u, RoleID: w.role(t, role).ID, Scope: s})
	}
	ok(t, give(u.ID, "member", identity.On(p.ID)))
	want(t, give(u.ID, "admin", identity.On(p.ID)), fault.Forbidden)
	want(t, give(u.ID, "service", identity.On(p.ID)), fault.Forbidden)
	want(t, give(u.ID, "member", identity.On(outside.ID)), fault.NotFound)
	want(t, give(u.ID, "reader", identity.OnSystem()), fault.NotFound)
	stranger := w.user(t, "stranger")
	want(t, give(stranger.ID, "member", identity.On(p.ID)), fault.NotFound)

	g := must[identity.Group](t)(w.CreateGroup(w.ctx, identity.GroupSpec{Name: "admins", DomainID: d.ID}))
	ok(t, w.Assign(w.ctx, identity.Assignment{GroupID: g.ID, RoleID: w.role(t, "admin").ID, Scope: identity.On(p.ID)}))
	want(t, w.AddMember(ctx, identity.Membership{GroupID: g.ID, UserID: boss.ID}), fault.Forbidden)

	root := must[identity.User](t)(w.CreateUser(w.ctx, identity.UserSpec{Name: "root", DomainID: d.ID}))
	join := identity.Membership{GroupID: g.ID, UserID: root.ID}
	ok(t, w.AddMember(w.ctx, join))
	rooted := identity.Assignment{UserID: root.ID, RoleID: w.role(t, "admin").ID, Scope: identity.OnDomain(d.ID)}
	ok(t, w.Assign(w.ctx, rooted))
	password := "chosen by the manager"
	_, err = w.UpdateUser(ctx, identity.UserPatch{ID: root.ID, Password: &password})
	want(t, err, fault.Forbidden)
	want(t, w.DeleteUser(ctx, root.ID), fault.Forbidden)
	want(t, w.Unassign(ctx, rooted), fault.Forbidden)
	ok(t, w.Unassign(w.ctx, rooted))
	_, err = w.UpdateUser(ctx, identity.UserPatch{ID: root.ID, Password: &password})
	want(t, err, fault.Forbidden) // it is still in the group
	want(t, w.RemoveMember(ctx, join), fault.Forbidden)
	want(t, w.DeleteGroup(ctx, g.ID), fault.Forbidden)
	ok(t, w.RemoveMember(w.ctx, join))
	_, err = w.UpdateUser(ctx, identity.UserPatch{ID: root.ID, Password: &password})
	ok(t, err)
	ok(t, w.DeleteUser(ctx, root.ID))

	for _, name := range []string{"", "d"} {
		own, err := w.Domains(ctx, identity.DomainQuery{Name: name})
		if err != nil || len(own.Items) != 1 || own.Items[0].ID != d.ID {
			t.Errorf("domains called %q: %v %v", name, own, err)
		}
	}
	found, err := w.Projects(ctx, identity.ProjectQuery{})
	if err != nil || len(found.Items) != 1 {
		t.Errorf("%v %v", found, err)
	}
	_, err = w.Projects(ctx, identity.ProjectQuery{DomainID: "default"})
	want(t, err, fault.NotFound)
}
