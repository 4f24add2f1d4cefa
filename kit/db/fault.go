package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Fault gives err, which came from a query, its kind, and says what was being
// done: no row is NotFound, a broken unique index Conflict, an unreachable, busy
// or full database Unavailable, anything else Internal. A nil err stays nil and
// an err that has a kind keeps it.
func Fault(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	k := kind(err)
	if text := plain[k]; text != "" && fault.Of(err) == fault.Internal {
		err = said{text, err}
	}
	return k.Wrap(err, format, args...)
}

// plain is what callers read instead of the words of a database.
var plain = map[fault.Kind]string{
	fault.NotFound: "it does not exist",
	fault.Conflict: "it exists already",
}

// said is an error in other words.
type said struct {
	text  string
	cause error
}

func (s said) Error() string { return s.text }

func (s said) Unwrap() error { return s.cause }

// IsDuplicate reports that err broke a unique index.
func IsDuplicate(err error) bool { return kind(err) == fault.Conflict }

func kind(err error) fault.Kind {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	var network net.Error
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fault.NotFound
	case errors.As(err, &lite):
		return sqliteKind(lite.Code())
	case errors.As(err, &pg):
		return postgresKind(pg.Code)
	case errors.Is(err, driver.ErrBadConn), errors.Is(err, sql.ErrConnDone), errors.As(err, &network),
		errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fault.Unavailable
	}
	return fault.Of(err)
}

func sqliteKind(code int) fault.Kind {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fault.Conflict
	}
	switch code & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_INTERRUPT, sqlite3.SQLITE_IOERR:
		return fault.Unavailable
	}
	return fault.Internal
}

// postgresKind reads the class of an SQLSTATE (PostgreSQL manual, appendix A).
func postgresKind(code string) fault.Kind {
	switch code {
	case "23505": // unique_violation
		return fault.Conflict
	case "25006": // read_only_sql_transaction: a primary that has become a standby
		return fault.Unavailable
	}
	for _, class := range []string{"08", "40", "53", "55", "57"} { // connection, rollback, resources, locks, intervention
		if strings.HasPrefix(code, class) {
			return fault.Unavailable
		}
	}
	return fault.Internal
}
