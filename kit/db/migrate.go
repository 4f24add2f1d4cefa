package db

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Migrations are the tables of one domain: files named
// 20270101000000_what.up.sql, applied in the order of their names. One SQL text
// serves SQLite and PostgreSQL. Files are only ever added.
type Migrations struct {
	Domain string
	Files  fs.FS
}

// Migrate brings the tables of every domain up to date, all or nothing. A
// database that knows a migration this program does not is newer than the
// program: fault.Conflict, and nothing is touched. Processes that start
// together take turns.
func (d *DB) Migrate(ctx context.Context, all ...Migrations) error {
	return d.Tx(ctx, func(ctx context.Context, tx *Tx) error {
		if err := tx.Lock(ctx, "migrate"); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS migrations (
			domain TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (domain, name))`); err != nil {
			return Fault(err, "create the migrations table")
		}
		for _, m := range all {
			if err := m.apply(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
}

func (m Migrations) apply(ctx context.Context, tx *Tx) error {
	files, err := fs.Glob(m.Files, "migrations/*.up.sql")
	if err != nil || len(files) == 0 {
		return fault.Internal.Errorf("%s: no file migrations/*.up.sql: %w", m.Domain, err)
	}
	var applied []string
	if err := tx.NewSelect().Table("migrations").Column("name").Where("domain = ?", m.Domain).Scan(ctx, &applied); err != nil {
		return Fault(err, "read the migrations of %s", m.Domain)
	}
	done := map[string]bool{}
	for _, name := range applied {
		done[name] = true
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".up.sql")
		if done[name] {
			delete(done, name)
			continue
		}
		text, err := fs.ReadFile(m.Files, file)
		if err != nil {
			return fault.Internal.Wrap(err, "read %s", file)
		}
		// The text goes to the driver as it is: bun would read its question marks.
		if _, err := tx.Tx.Tx.ExecContext(ctx, string(text)); err != nil {
			return Fault(err, "migrate %s to %s", m.Domain, name)
		}
		if _, err := tx.ExecContext(ctx, "INSERT INTO migrations (domain, name) VALUES (?, ?)", m.Domain, name); err != nil {
			return Fault(err, "record migration %s of %s", name, m.Domain)
		}
	}
	for name := range done {
		return fault.Conflict.Errorf("the database knows migration %s of %s, this program does not: run a program at least as new as the one that made it", name, m.Domain)
	}
	return nil
}
