package db

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Tx is an open transaction. It is a bun.IDB, so store functions take it as one.
type Tx struct {
	bun.Tx
	postgres bool
	after    []func()
}

type txKey struct{ d *DB }

// Tx runs fn in one write transaction and commits when fn returns nil. Functions
// given to AfterCommit run after the commit. On SQLite writers take turns, so fn
// must be short and must not open a second transaction (fault.Internal) or call
// another service; ctx bounds the wait for the turn, and what has begun ends.
func (d *DB) Tx(ctx context.Context, fn func(ctx context.Context, tx *Tx) error) error {
	if ctx.Value(txKey{d}) != nil {
		return fault.Internal.Errorf("a transaction was opened inside another on the same database")
	}
	tx := &Tx{postgres: d.writer == nil}
	inside := context.WithValue(ctx, txKey{d}, true)
	var err error
	if d.writer != nil {
		// Interrupting a statement would take the whole batch back.
		inside = context.WithoutCancel(inside)
		err = d.writer.do(ctx, tx, func() error { return fn(inside, tx) })
	} else {
		err = d.alone(ctx, tx, func() error { return fn(inside, tx) })
	}
	if err != nil {
		return err
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

// alone runs fn in a transaction of its own.
func (d *DB) alone(ctx context.Context, tx *Tx, fn func() error) (err error) {
	if tx.Tx, err = d.write.BeginTx(ctx, nil); err != nil {
		return Fault(err, "begin")
	}
	committed := false
	defer func() {
		if !committed {
			_ = tx.Rollback() // the error that led here says more
		}
	}()
	if err := fn(); err != nil {
		return err
	}
	err = Fault(tx.Commit(), "commit")
	committed = err == nil
	return err
}

// AfterCommit runs f once the transaction has committed, and never if it does not.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Lock makes every other transaction that locks the same key wait until this
// one ends. It is how a count and the insert it permits become one.
func (tx *Tx) Lock(ctx context.Context, key string) error {
	if !tx.postgres {
		return nil // the only writer already holds everything
	}
	_, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended(?, 0))", key)
	return Fault(err, "lock %s", key)
}
