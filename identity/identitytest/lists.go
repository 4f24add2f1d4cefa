package identitytest

import (
	"slices"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

func pages(t *testing.T, w *world) {
	for _, name := range []string{"p5", "p3", "p1", "p4", "p2"} {
		w.project(t, identity.ProjectSpec{Name: name})
	}
	var names []string
	q := identity.ProjectQuery{Query: page.Query{Limit: 2, Sort: []page.Sort{{Key: "name"}}}}
	for {
		got := must[page.Of[identity.Project]](t)(w.Projects(w.ctx, q))
		for _, p := range got.Items {
			names = append(names, p.Name)
		}
		if q.Marker = got.Next; q.Marker == "" {
			break
		}
	}
	if !slices.Equal(names, []string{"admin", "p1", "p2", "p3", "p4", "p5"}) {
		t.Errorf("%v", names)
	}
	_, err := w.Users(w.ctx, identity.UserQuery{Query: page.Query{Sort: []page.Sort{{Key: "password_hash"}}}})
	want(t, err, fault.Invalid)
}

func badInput(t *testing.T, w *world) {
	long := func(n int) string { return string(make([]byte, n)) }
	tests := map[string]func() error{
		"domain without a name": func() error { _, err := w.CreateDomain(w.ctx, identity.DomainSpec{Name: " "}); return err },
		"domain name too long":  func() error { _, err := w.CreateDomain(w.ctx, identity.DomainSpec{Name: long(65)}); return err },
		"project name too long": func() error { _, err := w.CreateProject(w.ctx, identity.ProjectSpec{Name: long(65)}); return err },
		"tag with a comma": func() error {
			_, err := w.CreateProject(w.ctx, identity.ProjectSpec{Name: "x", Tags: []string{"a,b"}})
			return err
		},
		"user name too long": func() error { _, err := w.CreateUser(w.ctx, identity.UserSpec{Name: long(256)}); return err },
		"name with a zero":   func() error { _, err := w.CreateUser(w.ctx, identity.UserSpec{Name: "a\x00"}); return err },
		"password too long": func() error {
			_, err := w.CreateUser(w.ctx, identity.UserSpec{Name: "x", Password: long(1025)})
			return err
		},
		"role without a name": func() error { _, err := w.CreateRole(w.ctx, identity.RoleSpec{}); return err },
		"extra too large": func() error {
			_, err := w.CreateUser(w.ctx, identity.UserSpec{Name: "x", Extra: identity.Extra{"a": long(70000)}})
			return err
		},
		"assignment to nobody": func() error {
			return w.Assign(w.ctx, identity.Assignment{RoleID: w.role(t, "member").ID, Scope: identity.OnSystem()})
		},
		"a login without a method": func() error { _, err := w.LogIn(t.Context(), identity.Login{}); return err },
		"a credential that has expired": func() error {
			u, p := w.user(t, "cred"), w.project(t, identity.ProjectSpec{Name: "cred"})
			w.give(t, u, "member", identity.On(p.ID))
			tok := must[identity.Token](t)(w.logIn(u, p.ID))
			_, err := w.CreateCredential(as(tok), identity.CredentialSpec{UserID: u.ID, Name: "c", ExpiresAt: time.Now().Add(-time.Hour)})
			return err
		},
	}
	for name, f := range tests {
		t.Run(name, func(t *testing.T) { want(t, f(), fault.Invalid) })
	}
}
