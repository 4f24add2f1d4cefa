package identity_test

import (
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
)

func TestManager(t *testing.T) {
	for name, fresh := range map[string]func(t testing.TB, m ...db.Migrations) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			identitytest.TestService(t, func(t *testing.T) identity.Service {
				m, _ := identitytest.On(t, fresh(t, bus.Migrations, identity.Migrations), identitytest.Config(t))
				return m
			})
		})
	}
}

func TestEveryActionHasARule(t *testing.T) { identitytest.Actions(t, ".") }
