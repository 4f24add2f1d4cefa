package db

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// together is how long transactions that wait for each other may share a commit.
const together = 5 * time.Millisecond

// A writer is the connection of an SQLite database that writes. Transactions take
// turns on it, and those that already wait for their turn commit together: a
// commit costs as much as all else a small transaction does. Each runs behind a
// savepoint, so that it can be taken back alone. As elsewhere in SQLite they are
// serial: one sees what those before it in the batch did, so each returns, whether
// it succeeded or not, after the commit, and when that fails all of them fail.
type writer struct {
	db *bun.DB

	mu    sync.Mutex
	taken bool            // somebody has the turn
	queue []chan struct{} // who wait for it; closed to give it

	batch *batch // open; only who has the turn touches it
}

// A batch is one transaction of the database and the members that share it.
type batch struct {
	tx    bun.Tx
	began time.Time
	done  chan struct{} // closed when it has ended
	err   error         // why nothing of it is kept; read it after done
}

// do runs fn as one member of a batch and returns once that is committed.
func (w *writer) do(ctx context.Context, tx *Tx, fn func() error) error {
	if err := w.take(ctx); err != nil {
		return err
	}
	b, err := w.member(tx, fn)
	if b == nil {
		return err
	}
	<-b.done
	if b.err != nil {
		return b.err
	}
	return err
}

// take waits for the turn.
func (w *writer) take(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return Fault(err, "begin")
	}
	w.mu.Lock()
	if !w.taken {
		w.taken = true
		w.mu.Unlock()
		return nil
	}
	mine := make(chan struct{})
	w.queue = append(w.queue, mine)
	w.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	i := slices.Index(w.queue, mine)
	if i >= 0 {
		w.queue = slices.Delete(w.queue, i, i+1)
	}
	w.mu.Unlock()
	if i < 0 { // the turn came at the same moment
		w.pass()
	}
	return Fault(ctx.Err(), "begin")
}

// pass gives the turn to who waits longest. It commits the batch first when
// nobody does, or when the batch has been open for long enough.
func (w *writer) pass() {
	for {
		w.mu.Lock()
		late := w.batch != nil && time.Since(w.batch.began) > together
		switch {
		case len(w.queue) > 0 && !late:
			close(w.queue[0])
			w.queue = w.queue[1:]
			w.mu.Unlock()
			return
		case w.batch == nil:
			w.taken = false
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		w.end(Fault(w.batch.tx.Commit(), "commit"))
	}
}

// end closes the batch and tells its members what became of it.
func (w *writer) end(err error) {
	w.batch.err = err
	close(w.batch.done)
	w.batch = nil
}

// member runs fn in the open batch, or in a new one, and passes the turn on. It
// returns the batch, which may be nil with an error, and fn's error.
func (w *writer) member(tx *Tx, fn func() error) (*batch, error) {
	defer w.pass()
	if w.batch == nil {
		t, err := w.db.BeginTx(context.Background(), nil)
		if err != nil {
			return nil, Fault(err, "begin")
		}
		w.batch = &batch{tx: t, began: time.Now(), done: make(chan struct{})}
	}
	b := w.batch
	if err := w.mark("SAVEPOINT member"); err != nil {
		return b, err
	}
	kept := false
	defer func() {
		if !kept && w.batch == b { // fn failed, or panicked
			_ = w.mark("ROLLBACK TO member; RELEASE member") // the error that led here says more
		}
	}()
	tx.Tx = b.tx
	if err := fn(); err != nil {
		return b, err
	}
	if err := w.mark("RELEASE member"); err != nil {
		return b, err
	}
	kept = true
	return b, nil
}

// mark runs a statement about savepoints. Where that fails, SQLite has taken back
// the whole batch by itself, as it does when the disk is full.
func (w *writer) mark(statement string) error {
	_, err := w.batch.tx.Tx.ExecContext(context.Background(), statement) // bun would look for placeholders
	if err == nil {
		return nil
	}
	_ = w.batch.tx.Rollback() // most likely there is nothing left to roll back
	err = fault.Unavailable.Wrap(err, "the transaction was taken back by the database")
	w.end(err)
	return err
}
