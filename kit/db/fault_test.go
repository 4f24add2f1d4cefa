package db_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

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
	ways := map[string]func(ctx context.Context, tx *db.Tx, wire *wire) error{
		"ended by the server": func(ctx context.Context, tx *db.Tx, _ *wire) error {
			_, err := tx.ExecContext(ctx, "SELECT pg_terminate_backend(pg_backend_pid())")
			return err
		},
		"cut": func(ctx context.Context, tx *db.Tx, w *wire) error {
			w.cut()
			_, err := tx.ExecContext(ctx, "SELECT 1")
			return err
		},
	}
	for name, lose := range ways {
		t.Run(name, func(t *testing.T) {
			w := newWire(t, server)
			d, err := db.Open(db.Config{URL: w.url})
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

// A wire is a way to a database server that can be cut.
type wire struct {
	url string

	mu    sync.Mutex
	conns []net.Conn
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	config, err := pgconn.ParseConfig(server)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Del("host")
	q.Del("port")
	q.Set("sslmode", "disable")
	u.Host, u.RawQuery = l.Addr().String(), q.Encode()
	w := &wire{url: u.String()}
	var ends sync.WaitGroup
	t.Cleanup(func() {
		_ = l.Close()
		w.cut()
		ends.Wait()
	})
	ends.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial(pgconn.NetworkAddress(config.Host, config.Port))
			if err != nil {
				t.Error(err)
				_ = near.Close()
				return
			}
			w.mu.Lock()
			w.conns = append(w.conns, near, far)
			w.mu.Unlock()
			for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
				ends.Go(func() {
					_, _ = io.Copy(way[0], way[1])
					_ = way[0].Close()
				})
			}
		}
	})
	return w
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
}
