package identity_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
)

type cloud struct {
	*identity.Manager
	*identity.Authenticator
	db *db.DB
}

// crowd is a Manager with a user, on each kind of database.
func crowd(t *testing.T, change func(*identity.Config), f func(t *testing.T, ctx context.Context, m cloud, u identity.User)) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		c := identitytest.Config(t)
		change(&c)
		m, a := identitytest.On(t, d, c)
		ctx := identity.With(t.Context(), identity.System("test"))
		u, err := m.CreateUser(ctx, identity.UserSpec{Name: "anna", Password: "old"})
		if err != nil {
			t.Fatal(err)
		}
		f(t, ctx, cloud{m, a, d}, u)
	}, bus.Migrations, identity.Migrations)
}

// atOnce runs f n times side by side.
func atOnce(n int, f func(i int)) (wait func()) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	return wg.Wait
}

// queued waits until n logins wait for their turn, which only their stacks tell.
func queued(t *testing.T, n int) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	stacks := make([]byte, 1<<20)
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-tick.C {
		if strings.Count(string(stacks[:runtime.Stack(stacks, true)]), "(*hasher).enter(") == n {
			return
		}
	}
	t.Fatalf("there are no %d logins that wait", n)
}

// TestALoginThatWaitedItsTurnIsOfTheUserAsOfNow, not as of when it began to wait.
func TestALoginThatWaitedItsTurnIsOfTheUserAsOfNow(t *testing.T) {
	limited := func(c *identity.Config) { c.LockoutAttempts, c.LockoutDuration = 1, time.Minute }
	sql := func(set string) func(context.Context, cloud, identity.UserID) error {
		return func(ctx context.Context, m cloud, id identity.UserID) error {
			return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.ExecContext(ctx, "UPDATE identity_users SET "+set+" WHERE id = ?", id)
				return err
			})
		}
	}
	enabled := func(states ...bool) func(context.Context, cloud, identity.UserID) error {
		return func(ctx context.Context, m cloud, id identity.UserID) (err error) {
			for _, on := range states {
				_, failed := m.UpdateUser(ctx, identity.UserPatch{ID: id, Enabled: &on})
				err = errors.Join(err, failed)
			}
			return err
		}
	}
	for name, meanwhile := range map[string]func(context.Context, cloud, identity.UserID) error{
		"the password is another":          sql("password_hash = ''"),
		"others have guessed wrong":        sql("failed_logins = 1, failed_at = '2999-01-01 00:00:00+00:00'"),
		"the user is gone":                 func(ctx context.Context, m cloud, id identity.UserID) error { return m.DeleteUser(ctx, id) },
		"the user is disabled":             enabled(false),
		"the user was disabled in between": enabled(false, true),
	} {
		t.Run(name, func(t *testing.T) {
			crowd(t, limited, func(t *testing.T, ctx context.Context, m cloud, u identity.User) {
				ready := m.Busy()
				wait := atOnce(3, func(int) {
					got, err := m.LogIn(t.Context(), password(identity.UserRef{ID: u.ID}, "old"))
					if err == nil {
						_, err = m.Authenticate(t.Context(), got.Text)
					}
					if !errors.Is(err, fault.Unauthenticated) {
						t.Errorf("logged in: %v", err)
					}
				})
				queued(t, 3) // and know the user as it was
				if err := meanwhile(ctx, m, u.ID); err != nil {
					t.Error(err)
				}
				ready()
				wait()
			})
		})
	}
}

func TestNoChangeIsLost(t *testing.T) {
	crowd(t, func(*identity.Config) {}, func(t *testing.T, ctx context.Context, m cloud, u identity.User) {
		p, err := m.CreateProject(ctx, identity.ProjectSpec{Name: "p"})
		if err != nil {
			t.Fatal(err)
		}
		const rounds = 20
		off := false
		atOnce(rounds, func(i int) {
			text := fmt.Sprint("text ", i)
			_, err := m.UpdateUser(ctx, identity.UserPatch{ID: u.ID, Description: &text})
			_, also := m.UpdateProject(ctx, identity.ProjectPatch{ID: p.ID, AddTags: []string{text}})
			if i == rounds/2 {
				_, last := m.UpdateUser(ctx, identity.UserPatch{ID: u.ID, Enabled: &off})
				also = errors.Join(also, last)
			}
			if err := errors.Join(err, also); err != nil {
				t.Error(err)
			}
		})()
		u, err = m.User(ctx, u.ID)
		if err != nil || u.Enabled {
			t.Errorf("the user is enabled: %t, %v", u.Enabled, err)
		}
		if p, err = m.Project(ctx, p.ID); err != nil || len(p.Tags) != rounds {
			t.Errorf("%d tags of %d, %v", len(p.Tags), rounds, err)
		}
	})
}
