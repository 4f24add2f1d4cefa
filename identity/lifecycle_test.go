package identity_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
)

func password(user identity.UserRef, password string) identity.Login {
	return identity.Login{Methods: []string{identity.ByPassword}, User: user, Password: password}
}

var adminRef = identity.UserRef{Name: "admin", Domain: identity.DomainRef{ID: identity.DefaultDomain}}

// start returns a Manager that has not been started before on d.
func start(t *testing.T, d *db.DB, c identity.Config) (*identity.Manager, error) {
	t.Helper()
	a, err := identity.NewAuthenticator(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := identity.New(identity.Params{DB: d, Authenticator: a, Config: c})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Watch(m); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.Stop)
	return m, m.Start(t.Context())
}

func TestTheFirstPasswordIsRandomAndPrivate(t *testing.T) {
	d := dbtest.SQLite(t, bus.Migrations, identity.Migrations)
	c := identity.Config{Keys: filepath.Join(t.TempDir(), "keys"), AdminPasswordFile: filepath.Join(t.TempDir(), "password")}
	m, err := start(t, d, c)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(c.AdminPasswordFile)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	text, err := os.ReadFile(c.AdminPasswordFile)
	first := strings.TrimSpace(string(text))
	if err != nil || len(first) < 20 {
		t.Fatalf("password of %d letters: %v", len(first), err)
	}
	if _, err := m.LogIn(t.Context(), password(adminRef, first)); err != nil {
		t.Error(err)
	}
	for _, usual := range []string{"", "admin", "password", "secret", "nacre"} {
		if _, err := m.LogIn(t.Context(), password(adminRef, usual)); !errors.Is(err, fault.Unauthenticated) {
			t.Errorf("password %q: %v", usual, err)
		}
	}
	if err := os.Remove(c.AdminPasswordFile); err != nil {
		t.Fatal(err)
	}
	if _, err := start(t, d, c); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(c.AdminPasswordFile); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a second start wrote a password: %v", err)
	}
}

func TestAFirstStartWithoutAPasswordIsRefused(t *testing.T) {
	d := dbtest.SQLite(t, bus.Migrations, identity.Migrations)
	c := identity.Config{Keys: filepath.Join(t.TempDir(), "keys")}
	if _, err := start(t, d, c); !errors.Is(err, fault.Invalid) {
		t.Errorf("Start = %v", err)
	}
	c.AdminPasswordFile = filepath.Join(t.TempDir(), "no such directory", "password")
	if _, err := start(t, d, c); !errors.Is(err, fault.Unavailable) {
		t.Errorf("Start = %v", err)
	}
	c.AdminPassword = identitytest.Password
	if _, err := start(t, d, c); err != nil {
		t.Errorf("what failed before left something: %v", err)
	}
}

func TestStartingAtOnceMakesOneCloud(t *testing.T) {
	d := dbtest.Postgres(t, bus.Migrations, identity.Migrations)
	c := identitytest.Config(t)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if _, err := start(t, d, c); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	n, err := d.Read().NewSelect().Table("identity_users").Count(t.Context())
	if err != nil || n != 1 {
		t.Errorf("%d users: %v", n, err)
	}
}

func TestWrongPasswordsLockAUser(t *testing.T) {
	c := identitytest.Config(t)
	c.LockoutAttempts, c.LockoutDuration = 2, 300*time.Millisecond
	m, _ := identitytest.New(t, c)
	for range 2 {
		if _, err := m.LogIn(t.Context(), password(adminRef, "wrong")); !errors.Is(err, fault.Unauthenticated) {
			t.Fatal(err)
		}
	}
	if _, err := m.LogIn(t.Context(), password(adminRef, identitytest.Password)); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("a locked user came in: %v", err)
	}
	eventually(t, func() bool {
		_, err := m.LogIn(t.Context(), password(adminRef, identitytest.Password))
		return err == nil
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

func TestOldPasswordsAreRemembered(t *testing.T) {
	c := identitytest.Config(t)
	c.PasswordHistory = 2
	m, _ := identitytest.New(t, c)
	tok, err := m.LogIn(t.Context(), password(adminRef, identitytest.Password))
	if err != nil {
		t.Fatal(err)
	}
	now := identitytest.Password
	change := func(to string) error {
		err := m.ChangePassword(t.Context(), identity.PasswordChange{UserID: identity.UserID(tok.User.ID), Old: now, New: to})
		if err == nil {
			now = to
		}
		return err
	}
	for _, step := range []struct {
		to   string
		want error
	}{{now, fault.Invalid}, {"second", nil}, {identitytest.Password, fault.Invalid}, {"second", fault.Invalid}, {"third", nil}, {identitytest.Password, nil}} {
		if err := change(step.to); !errors.Is(err, step.want) {
			t.Errorf("to %s: %v, want %v", step.to, err, step.want)
		}
	}
}

func TestARefusedPasswordTellsNothing(t *testing.T) {
	m, _ := identitytest.New(t, identitytest.Config(t))
	tok, err := m.LogIn(t.Context(), password(adminRef, identitytest.Password))
	if err != nil {
		t.Fatal(err)
	}
	wrong := m.ChangePassword(t.Context(), identity.PasswordChange{UserID: identity.UserID(tok.User.ID), Old: "wrong", New: "new"})
	nobody := m.ChangePassword(t.Context(), identity.PasswordChange{UserID: "nobody", Old: "wrong", New: "new"})
	if !errors.Is(wrong, fault.Unauthenticated) || wrong.Error() != nobody.Error() {
		t.Errorf("a wrong password is %q, an unknown user %q: that tells who exists", wrong, nobody)
	}
}

func TestEventsTellWhatCameAndWent(t *testing.T) {
	d := dbtest.SQLite(t, bus.Migrations, identity.Migrations)
	m, _ := identitytest.On(t, d, identitytest.Config(t))
	b := bus.New(bus.Params{DB: d})
	heard := make(chan string, 16)
	bus.On(b, "test", func(_ context.Context, _ *db.Tx, e identity.ProjectCreated) error {
		heard <- "created " + string(e.ID)
		return nil
	})
	bus.On(b, "test", func(_ context.Context, _ *db.Tx, e identity.ProjectDeleted) error {
		heard <- "deleted " + string(e.ID)
		return nil
	})
	bus.On(b, "test", func(_ context.Context, _ *db.Tx, e identity.Revoked) error {
		heard <- "revoked " + e.Revocations[0].Subject
		return nil
	})
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Stop(context.WithoutCancel(t.Context())) }()
	ctx := identitytest.Admin(t.Context())
	if _, err := m.CreateProject(ctx, identity.ProjectSpec{ID: "p", Name: "p"}); err != nil {
		t.Fatal(err)
	}
	if err := m.DeleteProject(ctx, "p"); err != nil {
		t.Fatal(err)
	}
	wanted := map[string]bool{"created p": true, "deleted p": true, "revoked " + token.ByProject + "/p": true}
	for len(wanted) > 0 {
		select {
		case e := <-heard:
			delete(wanted, e)
		case <-time.After(10 * time.Second):
			t.Fatalf("not heard: %v", wanted)
		}
	}
}

// TestAllAssignmentsAreListed however many there are: a list that leaves some out
// says that somebody may not what it may.
func TestAllAssignmentsAreListed(t *testing.T) {
	d := dbtest.SQLite(t, bus.Migrations, identity.Migrations)
	m, _ := identitytest.On(t, d, identitytest.Config(t))
	ctx := identitytest.Admin(t.Context())
	roles, err := m.Roles(ctx, identity.RoleQuery{Name: "reader"})
	if err != nil {
		t.Fatal(err)
	}
	const many = 11_000
	rows := make([]identity.Assignment, many)
	for i := range rows {
		rows[i] = identity.Assignment{UserID: identity.UserID(fmt.Sprintf("u%05d", i)), RoleID: roles.Items[0].ID, Scope: identity.On("p")}
	}
	err = d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, effective := range []bool{false, true} {
		got, err := m.Assignments(ctx, identity.AssignmentQuery{Scope: identity.On("p"), Effective: effective})
		if err != nil || len(got) != many {
			t.Errorf("effective %v: %d of %d, %v", effective, len(got), many, err)
		}
	}
}

// TestRevocationsReachOtherProcesses has a second process that shares only the
// key directory and a broker, and asks for what it missed.
func TestRevocationsReachOtherProcesses(t *testing.T) {
	c := identitytest.Config(t)
	m, _ := identitytest.New(t, c)
	elsewhere, err := identity.NewAuthenticator(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	logIn := func() identity.Token {
		tok, err := m.LogIn(t.Context(), password(adminRef, identitytest.Password))
		if err != nil {
			t.Fatal(err)
		}
		return tok
	}
	before, after := logIn(), logIn()
	if _, err := elsewhere.Authenticate(t.Context(), before.Text); !errors.Is(err, fault.Unavailable) {
		t.Errorf("a process that knows no revocations yet: %v", err)
	}
	ctx := identitytest.Admin(t.Context())
	if err := m.RevokeToken(ctx, before.Text); err != nil {
		t.Fatal(err)
	}
	if err := elsewhere.Watch(m); err != nil {
		t.Fatal(err)
	}
	broker := bus.InProcess()
	defer func() { _ = broker.Close() }()
	elsewhere.Listen(broker.Broadcast)
	defer elsewhere.Stop()
	if _, err := elsewhere.Authenticate(t.Context(), before.Text); !errors.Is(err, fault.Unauthenticated) {
		t.Errorf("revoked before it asked: %v", err)
	}
	authenticated, err := elsewhere.Authenticate(t.Context(), after.Text)
	if got := identity.CallerOf(authenticated); err != nil || got.UserName != "admin" || got.AuditID != after.AuditIDs[0] {
		t.Fatalf("%+v %v", got, err)
	}
	body, err := json.Marshal(identity.Revoked{Revocations: []token.Revocation{token.Revoke(token.ByUser, after.User.ID, time.Now())}})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		if err := broker.Publisher.Publish(identity.Revoked{}.Name(), message.NewMessage("1", body)); err != nil {
			t.Fatal(err)
		}
		_, err := elsewhere.Authenticate(t.Context(), after.Text)
		return errors.Is(err, fault.Unauthenticated)
	})
}

func TestTheOperatorsPolicyDecides(t *testing.T) {
	c := identitytest.Config(t)
	c.Policy = identity.Rules{"thing:purge": "role:member"}
	m, a := identitytest.New(t, c)
	tok, err := m.LogIn(t.Context(), identity.Login{
		Methods: []string{identity.ByPassword}, User: adminRef, Password: identitytest.Password, Scope: identity.ScopeRef{System: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := a.Authenticate(t.Context(), tok.Text)
	if err != nil {
		t.Fatal(err)
	}
	caller := identity.CallerOf(ctx)
	caller.Roles = []string{"member"}
	if err := identity.Allow(identity.With(ctx, caller), "thing:purge", nil); err != nil {
		t.Error(err)
	}
	c.Policy = identity.Rules{"thing:typo": "@"}
	bad, err := identity.NewAuthenticator(c, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := bad.Watch(m); !errors.Is(err, fault.Invalid) {
		t.Errorf("a policy with a typing error: %v", err)
	}
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := identity.NewAuthenticator(identity.Config{}, nil); !errors.Is(err, fault.Invalid) {
		t.Errorf("without keys: %v", err)
	}
	c := identity.Config{Keys: t.TempDir(), TokenLifetime: time.Hour, RotateKeys: time.Minute}
	if _, err := identity.New(identity.Params{Config: c}); !errors.Is(err, fault.Invalid) {
		t.Errorf("keys that go before their tokens: %v", err)
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	m, a := identitytest.New(b, identitytest.Config(b))
	tok, err := m.LogIn(b.Context(), password(adminRef, identitytest.Password))
	if err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := a.Authenticate(b.Context(), tok.Text); err != nil {
				b.Error(err)
			}
		}
	})
}
