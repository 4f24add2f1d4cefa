package db_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

type thing struct {
	bun.BaseModel `bun:"table:things"`

	ID    string `bun:",pk"`
	Color string
	Size  int
}

func migrations(files ...string) db.Migrations {
	texts := map[string]string{
		"1_things": "CREATE TABLE things (id TEXT PRIMARY KEY, color TEXT NOT NULL DEFAULT '?', size INTEGER NOT NULL);",
		"2_more":   "CREATE INDEX things_size ON things (size); CREATE INDEX things_color ON things (color);",
		"3_broken": "CREATE TABLE half (id TEXT); CREATE TABEL oops;",
	}
	fs := fstest.MapFS{}
	for _, f := range files {
		fs["migrations/"+f+".up.sql"] = &fstest.MapFile{Data: []byte(texts[f])}
	}
	return db.Migrations{Domain: "things", Files: fs}
}

func insert(t *testing.T, d *db.DB, things ...thing) {
	t.Helper()
	err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.NewInsert().Model(&things).Exec(ctx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t *testing.T, d *db.DB) int {
	t.Helper()
	n, err := d.Read().NewSelect().Model((*thing)(nil)).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func TestTransaction(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		t.Run("an error takes everything back", func(t *testing.T) {
			ran := false
			err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				tx.AfterCommit(func() { ran = true })
				_, err := tx.NewInsert().Model(&thing{ID: "a"}).Exec(ctx)
				return errors.Join(err, fault.Conflict.Errorf("no"))
			})
			if !errors.Is(err, fault.Conflict) || ran || count(t, d) != 0 {
				t.Error(err, ran, count(t, d))
			}
		})
		t.Run("a panic takes everything back", func(t *testing.T) {
			func() {
				defer func() { _ = recover() }()
				_ = d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
					_, _ = tx.NewInsert().Model(&thing{ID: "a"}).Exec(ctx)
					panic("oops")
				})
			}()
			if n := count(t, d); n != 0 {
				t.Error(n)
			}
		})
		t.Run("after commit runs when others can see it", func(t *testing.T) {
			seen := 0
			err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				tx.AfterCommit(func() { seen = count(t, d) })
				_, err := tx.NewInsert().Model(&thing{ID: "a"}).Exec(ctx)
				return err
			})
			if err != nil || seen != 1 {
				t.Error(err, seen)
			}
		})
		t.Run("a second transaction inside is refused, not a deadlock", func(t *testing.T) {
			err := d.Tx(t.Context(), func(ctx context.Context, _ *db.Tx) error {
				return d.Tx(ctx, func(context.Context, *db.Tx) error { return nil })
			})
			if !errors.Is(err, fault.Internal) {
				t.Error(err)
			}
		})
		t.Run("faults", func(t *testing.T) {
			err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.NewInsert().Model(&thing{ID: "a"}).Exec(ctx)
				return db.Fault(err, "insert")
			})
			if !errors.Is(err, fault.Conflict) || !db.IsDuplicate(err) || err.Error() != "insert: it exists already" {
				t.Error(err)
			}
			err = d.Read().NewSelect().Model(new(thing)).Where("id = 'none'").Scan(t.Context())
			if err = db.Fault(err, "thing"); !errors.Is(err, fault.NotFound) || err.Error() != "thing: it does not exist" {
				t.Error(err)
			}
		})
	}, migrations("1_things"))
}

func TestOthersCannotReadTheFiles(t *testing.T) {
	dir := t.TempDir()
	d, err := db.Open(db.Config{URL: "sqlite:" + filepath.Join(dir, "cloud.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := d.Migrate(t.Context(), migrations("1_things")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
}

func TestLockMakesCountAndInsertOne(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
					if err := tx.Lock(ctx, "things"); err != nil {
						return err
					}
					n, err := tx.NewSelect().Model((*thing)(nil)).Count(ctx)
					if err != nil || n >= 5 {
						return err
					}
					_, err = tx.NewInsert().Model(&thing{ID: fmt.Sprint(i)}).Exec(ctx)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := count(t, d); n != 5 {
			t.Errorf("%d things, the limit is 5", n)
		}
	}, migrations("1_things"))
}

func TestMigrate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		steps := []struct {
			name  string
			files []string
			want  error
		}{
			{"first", []string{"1_things"}, nil},
			{"again changes nothing", []string{"1_things"}, nil},
			{"a broken one changes nothing", []string{"1_things", "2_more", "3_broken"}, fault.Internal},
			{"a later one is added", []string{"1_things", "2_more"}, nil},
			{"an older program is refused", []string{"1_things"}, fault.Conflict},
			{"no files", nil, fault.Internal},
		}
		for _, s := range steps {
			if err := d.Migrate(t.Context(), migrations(s.files...)); !errors.Is(err, s.want) {
				t.Errorf("%s: %v", s.name, err)
			}
		}
	})
}

func TestListPages(t *testing.T) {
	columns := db.Columns{"id": "id", "color": "color", "size": "size"}
	list := func(t *testing.T, d *db.DB, q page.Query) (ids []string) {
		for {
			got, err := db.List(t.Context(), d.Read().NewSelect().Model((*thing)(nil)), q, columns, func(x thing) string { return x.ID })
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range got.Items {
				ids = append(ids, x.ID)
			}
			if q.Marker = got.Next; q.Marker == "" {
				return ids
			}
		}
	}
	sort := func(keys ...string) (s []page.Sort) {
		for _, k := range keys {
			s = append(s, page.Sort{Key: k[1:], Descending: k[0] == '-'})
		}
		return s
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		insert(t, d, thing{ID: "a", Color: "red", Size: 2}, thing{ID: "b", Color: "blue", Size: 1}, thing{ID: "c", Color: "red", Size: 1}, thing{ID: "d", Color: "blue", Size: 2})
		tests := []struct {
			name string
			q    page.Query
			want string
		}{
			{"newest first", page.Query{}, "dcba"},
			{"by id", page.Query{Sort: sort("+id")}, "abcd"},
			{"by size, then id", page.Query{Sort: sort("+size")}, "bcad"},
			{"two keys in two directions", page.Query{Sort: sort("-color", "+size")}, "cabd"},
			{"behind the last", page.Query{Sort: sort("+size"), Marker: "d"}, ""},
			{"offset", page.Query{Offset: 3}, "a"},
			{"a marker that is gone still says where to go on", page.Query{Marker: "bb"}, "ba"},
			{"before the marker", page.Query{Sort: sort("+id"), Marker: "d", Limit: 2, Reverse: true}, "bc"},
		}
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				for _, limit := range []int{0, 1, 2, 3} {
					q := tt.q
					if q.Offset > 0 || q.Reverse {
						limit = q.Limit
					}
					q.Limit = limit
					var got string
					if q.Reverse {
						p, err := db.List(t.Context(), d.Read().NewSelect().Model((*thing)(nil)), q, columns, func(x thing) string { return x.ID })
						if err != nil {
							t.Fatal(err)
						}
						for _, x := range p.Items {
							got += x.ID
						}
					} else {
						for _, id := range list(t, d, q) {
							got += id
						}
					}
					if diff := cmp.Diff(tt.want, got); diff != "" {
						t.Errorf("limit %d: %s", limit, diff)
					}
				}
			})
		}
		for name, q := range map[string]page.Query{
			"no such key": {Sort: sort("+id;drop")},
			"a marker that is gone, in an order that it alone knew": {Sort: sort("+size"), Marker: "bb"},
		} {
			_, err := db.List(t.Context(), d.Read().NewSelect().Model((*thing)(nil)), q, columns, func(x thing) string { return x.ID })
			if !errors.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}, migrations("1_things"))
}

func TestOpenRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, url := range []string{"", "mysql://x", "sqlite:", "postgres://%zz"} {
		if _, err := db.Open(db.Config{URL: url}); !errors.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", url, err)
		}
	}
}
