package db_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// batch runs transactions so that all after the first wait for it, and returns
// their errors.
func batch(t *testing.T, d *db.DB, all ...func(ctx context.Context, tx *db.Tx) error) []error {
	t.Helper()
	errs := make([]error, len(all))
	var wg sync.WaitGroup
	begun, gate := make(chan struct{}), make(chan struct{})
	wg.Go(func() {
		errs[0] = d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
			close(begun)
			<-gate
			return all[0](ctx, tx)
		})
	})
	<-begun
	for i, fn := range all[1:] {
		wg.Go(func() { errs[i+1] = d.Tx(t.Context(), fn) })
		for d.Waiting() <= i {
			runtime.Gosched()
		}
	}
	close(gate)
	wg.Wait()
	return errs
}

func add(id string) func(context.Context, *db.Tx) error {
	return func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.NewInsert().Model(&thing{ID: id}).Exec(ctx)
		return db.Fault(err, "insert %s", id)
	}
}

func TestTransactionsThatShareACommit(t *testing.T) {
	no := errors.New("no")
	refuse := func(ctx context.Context, tx *db.Tx) error { return errors.Join(add("x")(ctx, tx), no) }
	vanish := func(ctx context.Context, tx *db.Tx) error {
		_ = add("x")(ctx, tx)
		runtime.Goexit()
		return nil
	}
	for _, tt := range []struct {
		name string
		all  []func(context.Context, *db.Tx) error
		want []error
		kept int
	}{
		{"are all kept", []func(context.Context, *db.Tx) error{add("a"), add("b"), add("c")}, []error{nil, nil, nil}, 3},
		{"fail alone", []func(context.Context, *db.Tx) error{add("a"), refuse, add("c")}, []error{nil, no, nil}, 2},
		{"fail alone at the beginning", []func(context.Context, *db.Tx) error{refuse, add("b"), add("c")}, []error{no, nil, nil}, 2},
		{"fail alone at the end", []func(context.Context, *db.Tx) error{add("a"), add("b"), refuse}, []error{nil, nil, no}, 2},
		{"end alone when their goroutine ends", []func(context.Context, *db.Tx) error{add("a"), vanish, add("c")}, []error{nil, nil, nil}, 2},
		{"see each other", []func(context.Context, *db.Tx) error{add("a"), add("a"), add("c")}, []error{nil, fault.Conflict, nil}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := dbtest.SQLite(t, migrations("1_things"))
			for i, err := range batch(t, d, tt.all...) {
				if !errors.Is(err, tt.want[i]) {
					t.Errorf("transaction %d: %v, want %v", i, err, tt.want[i])
				}
			}
			if n := count(t, d); n != tt.kept {
				t.Errorf("%d things, want %d", n, tt.kept)
			}
		})
	}
}

func TestATransactionThatFailsReturnsAfterWhatItSawIsKept(t *testing.T) {
	d := dbtest.SQLite(t, migrations("1_things"))
	var wg sync.WaitGroup
	for range 8 {
		for i := range 50 {
			wg.Go(func() {
				err := d.Tx(t.Context(), add(fmt.Sprint(i)))
				if !db.IsDuplicate(err) {
					return
				}
				n, err := d.Read().NewSelect().Model((*thing)(nil)).Where("id = ?", fmt.Sprint(i)).Count(t.Context())
				if err != nil || n != 1 {
					t.Errorf("thing %d is there already, and cannot be seen: %v", i, err)
				}
			})
		}
	}
	wg.Wait()
}

func TestATransactionMayStopWaiting(t *testing.T) {
	d := dbtest.SQLite(t, migrations("1_things"))
	ctx, cancel := context.WithCancel(t.Context())
	ran := false
	var wg sync.WaitGroup
	err := d.Tx(t.Context(), func(inside context.Context, tx *db.Tx) error {
		wg.Go(func() {
			err := d.Tx(ctx, func(context.Context, *db.Tx) error { ran = true; return nil })
			if !errors.Is(err, fault.Unavailable) {
				t.Error(err)
			}
		})
		for d.Waiting() == 0 {
			runtime.Gosched()
		}
		cancel()
		wg.Wait()
		return add("a")(inside, tx)
	})
	if err != nil || ran || count(t, d) != 1 {
		t.Error(err, ran, count(t, d))
	}
}

func TestAFullDatabaseFailsAllThatShareTheCommitAndHealsItself(t *testing.T) {
	d := dbtest.SQLite(t, migrations("1_things"))
	limit := func(pages string) func(context.Context, *db.Tx) error {
		return func(ctx context.Context, tx *db.Tx) error {
			var n int
			return tx.QueryRowContext(ctx, "PRAGMA max_page_count = "+pages).Scan(&n)
		}
	}
	fill := func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO things (id, size) SELECT hex(randomblob(4000)), 1 FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8))")
		return db.Fault(err, "fill")
	}
	if err := d.Tx(t.Context(), limit("1")); err != nil { // the smallest that holds what is there
		t.Fatal(err)
	}
	errs := batch(t, d, add("a"), fill, add("c"))
	if !errors.Is(errs[1], fault.Unavailable) {
		t.Errorf("fill: %v", errs[1])
	}
	want := 0
	for _, i := range []int{0, 2} {
		if errs[i] == nil {
			want++
		}
	}
	if n := count(t, d); n != want {
		t.Errorf("%d things, %d were promised: %v", n, want, errs)
	}
	if err := d.Tx(t.Context(), limit("100000")); err != nil {
		t.Fatal(err)
	}
	if err := d.Tx(t.Context(), fill); err != nil {
		t.Error(err)
	}
}
