package identityrpc_test

import (
	"testing"
	"time"

	"go.uber.org/fx"
	"go.uber.org/fx/fxtest"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identityrpc"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// TestModules runs a process with identity and one without, which share a
// broker and the key directory.
func TestModules(t *testing.T) {
	config, broker := identitytest.Config(t), bus.InProcess()
	var here, there identity.Service
	var gate rest.Authenticator
	owner := fxtest.New(t, bus.Module, identity.Module, identityrpc.Server, fx.NopLogger,
		fx.Supply(config, broker, dbtest.SQLite(t, bus.Migrations, identity.Migrations)), fx.Populate(&here))
	owner.RequireStart()
	defer owner.RequireStop()
	host := fxtest.New(t, bus.Module, identityrpc.Module, fx.NopLogger, fx.Supply(config, broker), fx.Populate(&there, &gate))
	host.RequireStart()
	defer host.RequireStop()

	tok, err := there.LogIn(t.Context(), identity.Login{
		Methods: []string{identity.ByPassword}, Password: identitytest.Password, Scope: identity.ScopeRef{System: true},
		User: identity.UserRef{Name: "admin", Domain: identity.DomainRef{ID: identity.DefaultDomain}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := gate.Authenticate(t.Context(), tok.Text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := there.CreateProject(ctx, identity.ProjectSpec{ID: "p", Name: "p"}); err != nil {
		t.Error(err)
	}
	if _, err := here.Project(ctx, "p"); err != nil {
		t.Error(err)
	}
	if err := here.RevokeToken(ctx, tok.Text); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		_, err := gate.Authenticate(t.Context(), tok.Text)
		return err != nil
	})
}

// eventually polls until it holds.
func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("it did not happen in 10 seconds")
		}
	}
}
