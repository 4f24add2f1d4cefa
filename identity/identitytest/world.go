// Package identitytest is the conformance suite of identity.Service, and what
// other tests need to act as somebody.
package identitytest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
)

// Password is that of the administrator in clouds made here.
const Password = "not-a-default-password"

// Admin returns ctx with a caller who may do everything.
func Admin(ctx context.Context) context.Context {
	return identity.With(ctx, identity.System("identitytest"))
}

// As returns ctx with a user in a project who has a role and those it implies.
func As(ctx context.Context, user, project, role string) context.Context {
	return identity.With(ctx, identity.Caller{
		UserID: user, UserName: user, UserDomainID: string(identity.DefaultDomain),
		ProjectID: project, ProjectName: project, ProjectDomainID: string(identity.DefaultDomain),
		Roles: identity.Expand(role),
	})
}

// In is As for a test that knows its users by their projects.
func In(t testing.TB, project, role string) context.Context {
	t.Helper()
	return As(t.Context(), "user-of-"+project, project, role)
}

// Config is a good configuration for a test.
func Config(t testing.TB) identity.Config {
	t.Helper()
	return identity.Config{Keys: filepath.Join(t.TempDir(), "keys"), AdminPassword: Password}
}

// New returns a started Manager on a fresh SQLite file, and its Authenticator.
func New(t testing.TB, c identity.Config) (*identity.Manager, *identity.Authenticator) {
	t.Helper()
	return On(t, dbtest.SQLite(t, bus.Migrations, identity.Migrations), c)
}

// On is New on a database that has identity's tables.
func On(t testing.TB, d *db.DB, c identity.Config) (*identity.Manager, *identity.Authenticator) {
	t.Helper()
	a, err := identity.NewAuthenticator(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := identity.New(identity.Params{DB: d, Authenticator: a, Config: c, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Watch(m); err != nil {
		t.Fatal(err)
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Stop)
	return m, a
}
