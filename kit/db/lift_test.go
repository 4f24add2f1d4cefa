package db_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
)

func TestLift(t *testing.T) {
	const id = "01a226ad-66c8-7de5-b000-000000000000"
	for _, tt := range []struct {
		name, query, text string
		values            []any
	}{
		{"what is stored", `INSERT INTO "t" ("a", "b") VALUES ('x', 5, NULL, TRUE)`, `INSERT INTO "t" ("a", "b") VALUES (?, ?, NULL, TRUE)`, []any{"x", int64(5)}},
		{"doubled quotes", `UPDATE t SET a = 'it''s', b = '' WHERE c = 1`, `UPDATE t SET a = ?, b = ? WHERE c = 1`, []any{"it's", ""}},
		{"long values of conditions", `SELECT * FROM t WHERE id = '` + id + `'`, `SELECT * FROM t WHERE id = ?`, []any{id}},
		{"words of conditions stay", `SELECT * FROM t WHERE status IN ('running', 'undoing') AND n > 0`, `SELECT * FROM t WHERE status IN ('running', 'undoing') AND n > 0`, nil},
		{"also in a statement that stores", `UPDATE t SET a = 'b' WHERE status = 'queued'`, `UPDATE t SET a = ? WHERE status = 'queued'`, []any{"b"}},
		{"times", `SELECT * FROM t WHERE due < 1700000000000000 LIMIT 10`, `SELECT * FROM t WHERE due < ? LIMIT ?`, []any{int64(1700000000000000), int64(10)}},
		{"names with digits", `SELECT a12345, "b12345" FROM t1 WHERE t1.c12 = -12345`, `SELECT a12345, "b12345" FROM t1 WHERE t1.c12 = -?`, []any{int64(12345)}},
		{"quotes in names", `SELECT "a ' b", ` + "`c ' d`" + ` FROM t WHERE e = 'short'`, `SELECT "a ' b", ` + "`c ' d`" + ` FROM t WHERE e = 'short'`, nil},
		{"blobs and fractions stay", `INSERT INTO t VALUES (x'0011', 12.50000, .50000)`, `INSERT INTO t VALUES (x'0011', 12.50000, .50000)`, nil},
		{"numbers beyond 64 bits stay", `INSERT INTO t VALUES (92233720368547758080)`, `INSERT INTO t VALUES (92233720368547758080)`, nil},
		{"marks within values", `INSERT INTO t VALUES ('a;b?c--d/*e[')`, `INSERT INTO t VALUES (?)`, []any{"a;b?c--d/*e["}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, values, ok := db.Lift(tt.query)
			if diff := cmp.Diff(tt.text, text) + cmp.Diff(tt.values, values); !ok || diff != "" {
				t.Error(ok, diff)
			}
		})
	}
	for name, query := range map[string]string{
		"a schema": `CREATE TABLE t (a TEXT DEFAULT 'x')`, "two statements": `DELETE FROM a; DELETE FROM b`,
		"placeholders": `SELECT * FROM t WHERE a = ?`, "a comment": "SELECT 1 -- it's", "a long comment": "SELECT 1 /* ' */",
		"an open string": `SELECT 'abc`, "an open name": `SELECT "abc`, "a pragma": `PRAGMA user_version`,
		"more values than SQLite takes": `INSERT INTO t VALUES (1` + strings.Repeat(`), (1`, 40_000) + `)`,
	} {
		if text, _, ok := db.Lift(query); ok {
			t.Errorf("%s became %.80q", name, text)
		}
	}
}

func TestWhatIsStoredIsReadAndFound(t *testing.T) {
	d := dbtest.SQLite(t, migrations("1_things"))
	rapid.Check(t, func(t *rapid.T) {
		// A zero byte ends a text in SQL; the HTTP side refuses it.
		text := rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return r != 0 }))
		id := text.Draw(t, "id")
		want := thing{ID: id, Color: text.Draw(t, "color"), Size: rapid.Int().Draw(t, "size")}
		err := d.Tx(context.Background(), func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.NewInsert().Model(&want).On("CONFLICT (id) DO UPDATE").Set("color = EXCLUDED.color").Set("size = EXCLUDED.size").Exec(ctx)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var got thing
		err = d.Read().NewSelect().Model(&got).Where("id = ?", id).Where("color = ?", want.Color).Where("size = ?", want.Size).Scan(context.Background())
		if err != nil || got != want {
			t.Errorf("%+v, want %+v: %v", got, want, err)
		}
	})
}
