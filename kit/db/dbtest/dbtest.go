// Package dbtest gives a test a fresh, migrated database of each kind.
package dbtest

import (
	"path/filepath"
	"testing"

	"github.com/nacre-cloud/nacre/kit/db"
)

// Each runs f once on SQLite and once on PostgreSQL, each with a database of its own.
func Each(t *testing.T, f func(t *testing.T, d *db.DB), migrations ...db.Migrations) {
	t.Run("sqlite", func(t *testing.T) { f(t, SQLite(t, migrations...)) })
	t.Run("postgres", func(t *testing.T) { f(t, Postgres(t, migrations...)) })
}

// SQLite returns a fresh database in a file that goes with the test.
func SQLite(t testing.TB, migrations ...db.Migrations) *db.DB {
	t.Helper()
	return open(t, "sqlite:"+filepath.Join(t.TempDir(), "test.db"), migrations)
}

// Postgres returns a fresh schema on a PostgreSQL server: the one that
// NACRE_POSTGRES names, else one that is started for this test program. Where
// PostgreSQL is not installed it skips the test, or fails it when CI is true.
func Postgres(t testing.TB, migrations ...db.Migrations) *db.DB {
	t.Helper()
	return open(t, PostgresURL(t), migrations)
}

func open(t testing.TB, url string, migrations []db.Migrations) *db.DB {
	t.Helper()
	d, err := db.Open(db.Config{URL: url, Connections: 12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := d.Migrate(t.Context(), migrations...); err != nil {
		t.Fatal(err)
	}
	return d
}
