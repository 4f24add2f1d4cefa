package metering_test

import (
	"testing"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/metering"
	"github.com/nacre-cloud/nacre/metering/memory"
	"github.com/nacre-cloud/nacre/metering/meteringtest"
)

var databases = map[string]func(testing.TB, ...db.Migrations) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres}

func TestTables(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			meteringtest.TestDriver(t, func(t *testing.T) metering.Driver {
				return metering.Tables(open(t, metering.Migrations))
			})
		})
	}
}

func TestManager(t *testing.T) {
	for name, open := range databases {
		t.Run(name, func(t *testing.T) {
			meteringtest.TestService(t, func(t *testing.T) metering.Service {
				d := open(t, metering.Migrations)
				meteringtest.Seed(t, d)
				return metering.New(metering.Params{DB: d})
			})
		})
	}
}

func TestManagerWithAnotherDriver(t *testing.T) {
	meteringtest.TestService(t, func(t *testing.T) metering.Service {
		d := dbtest.SQLite(t, bus.Migrations, metering.Migrations)
		meteringtest.Seed(t, d)
		return metering.New(metering.Params{DB: d, Samples: memory.New()})
	})
}
