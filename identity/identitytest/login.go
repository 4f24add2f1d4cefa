package identitytest

import (
	"slices"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

func logins(t *testing.T, w *world) {
	u, p := w.user(t, "u"), w.project(t, identity.ProjectSpec{Name: "p"})
	w.give(t, u, "member", identity.On(p.ID))
	by := func(change func(l *identity.Login)) (identity.Token, error) {
		l := identity.Login{Methods: []string{identity.ByPassword}, User: identity.UserRef{ID: u.ID}, Password: Password}
		change(&l)
		return w.LogIn(t.Context(), l)
	}
	tok := must[identity.Token](t)(by(func(*identity.Login) {}))
	if tok.User.Name != "u" || tok.User.Domain.Name != "Default" || tok.Project != nil || len(tok.Roles) != 0 || len(tok.AuditIDs) != 1 {
		t.Errorf("%+v", tok)
	}
	if life := time.Until(tok.ExpiresAt); life <= 0 || life > 24*time.Hour || tok.ExpiresAt.Nanosecond() != 0 {
		t.Errorf("expires at %v", tok.ExpiresAt)
	}
	no := false
	disabled := w.user(t, "disabled")
	must[identity.User](t)(w.UpdateUser(w.ctx, identity.UserPatch{ID: disabled.ID, Enabled: &no}))
	empty := w.project(t, identity.ProjectSpec{Name: "no role here"})
	off := w.project(t, identity.ProjectSpec{Name: "off"})
	w.give(t, u, "member", identity.On(off.ID))
	must[identity.Project](t)(w.UpdateProject(w.ctx, identity.ProjectPatch{ID: off.ID, Enabled: &no}))
	nameless := must[identity.User](t)(w.CreateUser(w.ctx, identity.UserSpec{Name: "nopass"}))
	for name, change := range map[string]func(l *identity.Login){
		"wrong password": func(l *identity.Login) { l.Password += "x" },
		"empty password": func(l *identity.Login) { l.Password = "" },
		"huge password":  func(l *identity.Login) { l.Password = string(make([]byte, 1<<16)) },
		"no such user":   func(l *identity.Login) { l.User.ID = "none" },
		"no such name": func(l *identity.Login) {
			l.User = identity.UserRef{Name: "x", Domain: identity.DomainRef{ID: "default"}}
		},
		"no such domain":         func(l *identity.Login) { l.User = identity.UserRef{Name: "u", Domain: identity.DomainRef{Name: "x"}} },
		"disabled":               func(l *identity.Login) { l.User.ID = disabled.ID },
		"no password of its own": func(l *identity.Login) { l.User.ID = nameless.ID },
		"no role there":          func(l *identity.Login) { l.Scope.Project = &identity.ProjectRef{ID: empty.ID} },
		"no such project":        func(l *identity.Login) { l.Scope.Project = &identity.ProjectRef{ID: "none"} },
		"disabled project":       func(l *identity.Login) { l.Scope.Project = &identity.ProjectRef{ID: off.ID} },
		"no role on the system":  func(l *identity.Login) { l.Scope.System = true },
		"no role on the domain":  func(l *identity.Login) { l.Scope.Domain = &identity.DomainRef{ID: "default"} },
		"unknown method":         func(l *identity.Login) { l.Methods = []string{"sorcery"} },
		"bad token":              func(l *identity.Login) { l.Methods, l.Token = []string{identity.ByToken}, "gAAAAA" },
		"one bad proof of two":   func(l *identity.Login) { l.Methods = append(l.Methods, identity.ByToken) },
	} {
		t.Run(name, func(t *testing.T) {
			_, err := by(change)
			want(t, err, fault.Unauthenticated)
		})
	}
}

func scopes(t *testing.T, w *world) {
	u, p := w.user(t, "u"), w.project(t, identity.ProjectSpec{Name: "p"})
	w.give(t, u, "member", identity.On(p.ID))
	w.give(t, u, "reader", identity.OnDomain("default"))
	w.give(t, u, "reader", identity.OnSystem())
	login := func(s identity.ScopeRef) identity.Token {
		t.Helper()
		return must[identity.Token](t)(w.LogIn(t.Context(), identity.Login{
			Methods: []string{identity.ByPassword}, User: identity.UserRef{ID: u.ID}, Password: Password, Scope: s,
		}))
	}
	byName := login(identity.ScopeRef{Project: &identity.ProjectRef{Name: "p", Domain: identity.DomainRef{Name: "Default"}}})
	if byName.Project == nil || byName.Project.ID != string(p.ID) || byName.Project.Domain.Name != "Default" {
		t.Errorf("%+v", byName.Project)
	}
	if tok := login(identity.ScopeRef{Domain: &identity.DomainRef{Name: "Default"}}); tok.Domain == nil || tok.Domain.ID != "default" || len(tok.Roles) != 1 {
		t.Errorf("%+v", tok)
	}
	if tok := login(identity.ScopeRef{System: true}); !tok.System {
		t.Errorf("%+v", tok)
	}
	must[identity.User](t)(w.UpdateUser(w.ctx, identity.UserPatch{ID: u.ID, DefaultProjectID: &p.ID}))
	if tok := login(identity.ScopeRef{}); tok.Project == nil || tok.Project.ID != string(p.ID) {
		t.Errorf("default project: %+v", tok.Project)
	}
	if tok := login(identity.ScopeRef{None: true}); tok.Project != nil {
		t.Errorf("unscoped: %+v", tok.Project)
	}
	reach := must[identity.Scopes](t)(w.Scopes(as(byName), u.ID))
	if len(reach.Projects) != 1 || len(reach.Domains) != 1 || !reach.System {
		t.Errorf("%+v", reach)
	}
	again := must[identity.Token](t)(w.Token(as(byName), byName.Text))
	if again.Text != byName.Text || !again.IssuedAt.Equal(byName.IssuedAt) || !slices.Equal(again.Roles, byName.Roles) || *again.Project != *byName.Project {
		t.Errorf("%+v\n%+v", again, byName)
	}
}

func rescoping(t *testing.T, w *world) {
	u, p := w.user(t, "u"), w.project(t, identity.ProjectSpec{Name: "p"})
	w.give(t, u, "member", identity.On(p.ID))
	first := must[identity.Token](t)(w.logIn(u, ""))
	second := must[identity.Token](t)(w.LogIn(t.Context(), identity.Login{
		Methods: []string{identity.ByToken}, Token: first.Text, Scope: identity.ScopeRef{Project: &identity.ProjectRef{ID: p.ID}},
	}))
	if !second.ExpiresAt.Equal(first.ExpiresAt) {
		t.Errorf("a token made from another lives longer: %v, %v", second.ExpiresAt, first.ExpiresAt)
	}
	if len(second.AuditIDs) != 2 || second.AuditIDs[1] != first.AuditIDs[0] || !slices.Equal(second.Methods, []string{"password", "token"}) {
		t.Errorf("%+v", second)
	}
}

func revocations(t *testing.T, w *world) {
	u, p := w.user(t, "u"), w.project(t, identity.ProjectSpec{Name: "p"})
	give := w.give(t, u, "member", identity.On(p.ID))
	w.give(t, u, "member", identity.OnDomain("default"))
	no, yes := false, true
	for name, revoke := range map[string]func(tok identity.Token) error{
		"by its user": func(tok identity.Token) error { return w.RevokeToken(as(tok), tok.Text) },
		"with its role": func(identity.Token) error {
			if err := w.Unassign(w.ctx, give); err != nil {
				return err
			}
			return w.Assign(w.ctx, give)
		},
		"with its project": func(identity.Token) error {
			if _, err := w.UpdateProject(w.ctx, identity.ProjectPatch{ID: p.ID, Enabled: &no}); err != nil {
				return err
			}
			_, err := w.UpdateProject(w.ctx, identity.ProjectPatch{ID: p.ID, Enabled: &yes})
			return err
		},
		"with its user": func(identity.Token) error {
			if _, err := w.UpdateUser(w.ctx, identity.UserPatch{ID: u.ID, Enabled: &no}); err != nil {
				return err
			}
			_, err := w.UpdateUser(w.ctx, identity.UserPatch{ID: u.ID, Enabled: &yes})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			tok := must[identity.Token](t)(w.logIn(u, p.ID))
			must[identity.Token](t)(w.Token(w.ctx, tok.Text))
			ok(t, revoke(tok))
			_, err := w.Token(w.ctx, tok.Text)
			want(t, err, fault.NotFound)
			_, err = w.LogIn(t.Context(), identity.Login{Methods: []string{identity.ByToken}, Token: tok.Text})
			want(t, err, identity.ErrBadToken)
			next := must[identity.Token](t)(w.logIn(u, p.ID))
			must[identity.Token](t)(w.Token(w.ctx, next.Text))
		})
	}
	all := must[[]token.Revocation](t)(w.Revocations(w.ctx, time.Now().Add(-time.Hour)))
	if len(all) != 4 {
		t.Errorf("%v", all)
	}
	if later := must[[]token.Revocation](t)(w.Revocations(w.ctx, time.Now().Add(time.Hour))); len(later) != 0 {
		t.Errorf("%v", later)
	}
	want(t, w.RevokeToken(w.ctx, "gAAAAA"), fault.NotFound)
}

func passwords(t *testing.T, w *world) {
	u := w.user(t, "u")
	tok := must[identity.Token](t)(w.logIn(u, ""))
	want(t, w.ChangePassword(t.Context(), identity.PasswordChange{UserID: u.ID, Old: "wrong", New: "next"}), fault.Unauthenticated)
	want(t, w.ChangePassword(t.Context(), identity.PasswordChange{UserID: "none", Old: Password, New: "next"}), fault.Unauthenticated)
	want(t, w.ChangePassword(t.Context(), identity.PasswordChange{UserID: u.ID, Old: Password}), fault.Invalid)
	ok(t, w.ChangePassword(t.Context(), identity.PasswordChange{UserID: u.ID, Old: Password, New: "next"}))
	_, err := w.Token(w.ctx, tok.Text)
	want(t, err, fault.NotFound)
	_, err = w.logIn(u, "")
	want(t, err, fault.Unauthenticated)
	reset := Password
	must[identity.User](t)(w.UpdateUser(w.ctx, identity.UserPatch{ID: u.ID, Password: &reset}))
	must[identity.Token](t)(w.logIn(u, ""))
}

func credentials(t *testing.T, w *world) {
	u, p := w.user(t, "u"), w.project(t, identity.ProjectSpec{Name: "p"})
	w.give(t, u, "member", identity.On(p.ID))
	tok := must[identity.Token](t)(w.logIn(u, p.ID))
	made := must[identity.NewCredential](t)(w.CreateCredential(as(tok), identity.CredentialSpec{UserID: u.ID, Name: "ci", RoleNames: []string{"reader"}}))
	if made.Secret == "" || made.ProjectID != p.ID || len(made.Roles) != 1 {
		t.Errorf("%+v", made)
	}
	_, err := w.CreateCredential(as(tok), identity.CredentialSpec{UserID: u.ID, Name: "ci"})
	want(t, err, fault.Conflict)
	_, err = w.CreateCredential(as(tok), identity.CredentialSpec{UserID: u.ID, Name: "more", RoleNames: []string{"admin"}})
	want(t, err, fault.Invalid)
	_, err = w.CreateCredential(w.ctx, identity.CredentialSpec{UserID: u.ID, Name: "for another"})
	if err == nil {
		t.Error("nobody makes a credential for somebody else")
	}
	login := func(ref identity.CredentialRef, scope identity.ScopeRef) (identity.Token, error) {
		return w.LogIn(t.Context(), identity.Login{Methods: []string{identity.ByCredential}, Credential: ref, Scope: scope})
	}
	byID := identity.CredentialRef{ID: made.ID, Secret: made.Secret}
	got := must[identity.Token](t)(login(byID, identity.ScopeRef{}))
	if got.Project == nil || got.Project.ID != string(p.ID) || !slices.Equal(roleNames(got), []string{"reader"}) || got.Credential == nil {
		t.Errorf("%+v", got)
	}
	must[identity.Token](t)(login(identity.CredentialRef{Name: "ci", User: identity.UserRef{ID: u.ID}, Secret: made.Secret}, identity.ScopeRef{}))
	_, err = login(identity.CredentialRef{ID: made.ID, Secret: "wrong"}, identity.ScopeRef{})
	want(t, err, fault.Unauthenticated)
	other := w.project(t, identity.ProjectSpec{Name: "other"})
	w.give(t, u, "member", identity.On(other.ID))
	_, err = login(byID, identity.ScopeRef{Project: &identity.ProjectRef{ID: other.ID}})
	want(t, err, fault.Unauthenticated)
	_, err = w.LogIn(t.Context(), identity.Login{Methods: []string{identity.ByToken}, Token: got.Text, Scope: identity.ScopeRef{Project: &identity.ProjectRef{ID: other.ID}}})
	want(t, err, fault.Unauthenticated)
	_, err = w.CreateCredential(as(got), identity.CredentialSpec{UserID: u.ID, Name: "second"})
	want(t, err, fault.Forbidden)

	list := must[page.Of[identity.Credential]](t)(w.Credentials(as(tok), identity.CredentialQuery{UserID: u.ID, Name: "ci"}))
	if len(list.Items) != 1 {
		t.Errorf("%v", list)
	}
	ok(t, w.DeleteCredential(as(tok), made.ID))
	_, err = w.Credential(as(tok), made.ID)
	want(t, err, fault.NotFound)
	_, err = w.Token(w.ctx, got.Text)
	want(t, err, fault.NotFound)
	_, err = login(byID, identity.ScopeRef{})
	want(t, err, fault.Unauthenticated)
}
