package db_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// change runs one statement in a transaction.
func change(ctx context.Context, d *db.DB, query string, args ...any) error {
	return d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, query, args...)
		return db.Fault(err, "change")
	})
}

const newThing = "INSERT INTO things (id, size) VALUES (?, 1)"

func TestAFullDiskIsUnavailable(t *testing.T) {
	d := dbtest.SQLite(t, migrations("1_things"))
	if err := change(t.Context(), d, "PRAGMA max_page_count = 16"); err != nil {
		t.Fatal(err)
	}
	if err := change(t.Context(), d, newThing, strings.Repeat("x", 1<<20)); !errors.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if err := change(t.Context(), d, newThing, "small"); err != nil || count(t, d) != 1 {
		t.Error("what fits is refused after what did not fit:", err, count(t, d))
	}
}

func TestAContextThatEndsIsUnavailable(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := change(ctx, d, newThing, "a"); !errors.Is(err, fault.Unavailable) {
			t.Error(err)
		}
	}, migrations("1_things"))
}

func TestALostSerializationIsUnavailable(t *testing.T) {
	d := dbtest.Postgres(t, migrations("1_things"))
	insert(t, d, thing{ID: "a"})
	err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.ExecContext(ctx, "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"); err != nil {
			return err
		}
		if _, err := tx.NewSelect().Model((*thing)(nil)).Count(ctx); err != nil {
			return err
		}
		if err := change(t.Context(), d, "UPDATE things SET size = 2"); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE things SET size = 3")
		return db.Fault(err, "change")
	})
	if !errors.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}

func TestADatabaseThatIsAwayIsUnavailable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	d, err := db.Open(db.Config{URL: "postgres://nobody@" + address + "/none?sslmode=disable"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.Close() }()
	if err := d.Ping(t.Context()); !errors.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	if err := change(t.Context(), d, newThing, "a"); !errors.Is(err, fault.Unavailable) {
		t.Error(err)
	}
}

// TestALostConnectionIsUnavailable in the middle of a transaction, of which nothing
// is left; the next one has a new connection.
func TestALostConnectionIsUnavailable(t *testing.T) {
	server := dbtest.PostgresURL(t)
	ways := map[string]func(ctx context.Context, tx *db.Tx, w *dbtest.Wire) error{
		"ended by the server": func(ctx context.Context, tx *db.Tx, _ *dbtest.Wire) error {
			_, err := tx.ExecContext(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
			return err
		},
		"cut": func(ctx context.Context, tx *db.Tx, w *dbtest.Wire) error {
			w.Cut()
			_, err := tx.ExecContext(ctx, "SELECT 1")
			return err
		},
	}
	for name, lose := range ways {
		t.Run(name, func(t *testing.T) {
			w := dbtest.NewWire(t, server)
			d, err := db.Open(db.Config{URL: w.URL})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = d.Close() }()
			if err := d.Migrate(t.Context(), migrations("1_things")); err != nil {
				t.Fatal(err)
			}
			err = d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.ExecContext(ctx, newThing, "lost"); err != nil {
					return err
				}
				if err := db.Fault(lose(ctx, tx, w), "lose"); !errors.Is(err, fault.Unavailable) {
					t.Errorf("as it breaks: %v", err)
				}
				_, err := tx.ExecContext(ctx, newThing, "late")
				return db.Fault(err, "insert")
			})
			if !errors.Is(err, fault.Unavailable) {
				t.Errorf("afterwards: %v", err)
			}
			if err := change(t.Context(), d, newThing, "next of "+name); err != nil {
				t.Errorf("the next transaction: %v", err)
			}
			var lost []string
			if err := d.Read().NewSelect().Model((*thing)(nil)).Column("id").Where("id IN ('lost', 'late')").Scan(t.Context(), &lost); err != nil || len(lost) > 0 {
				t.Error(lost, err)
			}
		})
	}
}
