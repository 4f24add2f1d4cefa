// Package db gives domains one way to talk SQL to SQLite or PostgreSQL.
//
// A domain's store.go builds queries with bun on the handle it is given: Read
// for reads, a *Tx for what must commit together. What shares a tx commits
// together; no transaction hides in a context. SQLite is the embedded default
// and is opened twice on one file: one connection that writes, in immediate
// transactions, and a pool that reads; a shared pool of deferred transactions
// fails with SQLITE_BUSY as soon as two writers meet. Transactions that wait for
// that one connection share a commit, and a statement is parsed and planned once.
package db

import (
	"context"
	"database/sql"
	"net/url"
	"runtime"
	"strings"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver called pgx
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/dialect/sqlitedialect"
	"modernc.org/sqlite"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Config says which database to open.
type Config struct {
	// URL is sqlite:/path/to/file.db, or postgres://user@host/name with the
	// parameters of libpq. The directory of an SQLite file must exist.
	URL string
	// Connections is the most PostgreSQL connections to hold; 0 means 16.
	Connections int
}

// DB is one database. It is safe for concurrent use.
type DB struct {
	write, read *bun.DB
	writer      *writer // of SQLite, where transactions take turns; else nil
}

// Open returns the database of c. It does no I/O: the first query connects.
// A URL of another kind is fault.Invalid.
func Open(c Config) (*DB, error) {
	kind, rest, _ := strings.Cut(c.URL, ":")
	switch kind {
	case "sqlite":
		return openSQLite(rest)
	case "postgres", "postgresql":
		return openPostgres(c)
	}
	return nil, fault.Invalid.Errorf("database URL begins with %q: use sqlite:/path/file.db or postgres://user@host/name", kind)
}

// sqlitePragmas: a write-ahead log that is on the disk before a commit returns, so
// that what a cloud has promised, or done to the world, survives a power cut. Commits
// that share a write share its cost: https://www.sqlite.org/pragma.html#pragma_synchronous
var sqlitePragmas = []string{
	"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	"cache_size(-8000)", "temp_store(MEMORY)", "wal_autocheckpoint(4000)", "journal_size_limit(67108864)",
}

func openSQLite(path string) (*DB, error) {
	if path == "" {
		return nil, fault.Invalid.Errorf("database URL names no file: use sqlite:/path/file.db")
	}
	open := func(conns int, params url.Values) *bun.DB {
		params["_pragma"] = sqlitePragmas
		file := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: params.Encode()}
		s := sql.OpenDB(private{connector{new(sqlite.Driver), file.String()}, path})
		s.SetMaxOpenConns(conns)
		s.SetMaxIdleConns(conns)
		return bun.NewDB(s, sqlitedialect.New())
	}
	write := open(1, url.Values{"_txlock": {"immediate"}})
	read := open(max(2, runtime.NumCPU()), url.Values{})
	return &DB{write: write, read: read, writer: &writer{db: write}}, nil
}

func openPostgres(c Config) (*DB, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fault.Invalid.Errorf("database URL: not a valid postgres:// URL") // the cause would show the password
	}
	// bun writes arguments into the SQL, so preparing every text would only cost a round trip.
	q := u.Query()
	q.Set("default_query_exec_mode", "simple_protocol")
	u.RawQuery = q.Encode()
	s, err := sql.Open("pgx", u.String())
	if err != nil {
		return nil, fault.Invalid.Errorf("database URL: not a valid postgres:// URL")
	}
	conns := c.Connections
	if conns <= 0 {
		conns = 16
	}
	s.SetMaxOpenConns(conns)
	s.SetMaxIdleConns(conns)
	s.SetConnMaxIdleTime(5 * time.Minute)
	b := bun.NewDB(s, pgdialect.New())
	return &DB{write: b, read: b}, nil
}

// Read returns a handle for reads outside a transaction. It sees what was
// committed before the read began.
func (d *DB) Read() bun.IDB { return d.read }

// Ping reports whether the database answers, as fault.Unavailable when it does not.
func (d *DB) Ping(ctx context.Context) error {
	if err := d.write.PingContext(ctx); err != nil {
		return fault.Unavailable.Wrap(err, "database")
	}
	return nil
}

// Close ends every connection.
func (d *DB) Close() error {
	err := d.write.Close()
	if d.read != d.write {
		if e := d.read.Close(); err == nil {
			err = e
		}
	}
	return err
}
