package object_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/object"
	"github.com/nacre-cloud/nacre/object/memory"
)

// reads counts the queries outside transactions, and the rows they gave.
type reads struct {
	mu            sync.Mutex
	queries, rows int64
}

func (*reads) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (r *reads) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queries++
	if e.Result != nil {
		n, _ := e.Result.RowsAffected() // of a read it is known
		r.rows += n
	}
}

// watched returns a manager over d, and what it reads from now on.
func watched(t *testing.T, d *db.DB) (*object.Manager, *reads) {
	t.Helper()
	r := &reads{}
	d.Read().(*bun.DB).AddQueryHook(r) //nolint:staticcheck // WithQueryHook makes another DB; the manager has this one.
	return newManager(t, d, memory.New(memory.Config{})), r
}

// rows inserts copies of the row of o. Their names are made of their numbers: format
// is given the hundreds and the rest.
func rows(t *testing.T, d *db.DB, o object.ObjectID, format string, from, to int) {
	t.Helper()
	err := d.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO objects SELECT project_id, container, CAST(printf(?, i / 100, i % 100) AS BLOB), blob, size, stored, etag, content_type, encoding,
			disposition, manifest, metadata, delete_at, segments, created_at, updated_at FROM objects, n WHERE container = ? AND name = ?`,
			from, to-1, format, o.Container, o.Object)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// manifest makes a static large object of all that MaxSegments allows.
func manifest(t *testing.T, m *object.Manager, d *db.DB, id object.ObjectID) object.Object {
	t.Helper()
	part := object.ObjectID{ProjectID: project, Container: "parts", Object: "part"}
	upload(t, m, part, object.Properties{})
	upload(t, m, id, object.Properties{})
	rows(t, d, part, "part-%02d%02d", 0, object.MaxSegments)
	u := object.UploadSpec{ObjectID: id}
	for i := range object.MaxSegments {
		u.Segments = append(u.Segments, object.Segment{Container: "parts", Object: object.Name(fmt.Sprintf("part-%04d", i)), Size: -1})
	}
	o, err := m.Upload(asMember(t.Context()), u)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAListingLeavesManifestsWhereTheyAre(t *testing.T) {
	d := dbtest.SQLite(t, bus.Migrations, object.Migrations)
	m, _ := watched(t, d)
	got := manifest(t, m, d, o)
	var kept int64
	err := d.Read().NewSelect().Table("objects").ColumnExpr("LENGTH(CAST(segments AS BLOB))").Where("name = ?", o.Object).Scan(t.Context(), &kept)
	if err != nil || got.Stored != kept {
		t.Errorf("the manifest counts %d bytes, %v, its row keeps %d", got.Stored, err, kept)
	}
	rows(t, d, o, "o-%d%02d", 0, 39)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l, err := m.Objects(asMember(t.Context()), object.Query{ContainerID: o.Parent()})
	runtime.ReadMemStats(&after)
	if err != nil || len(l.Entries) != 40 || !l.Entries[39].Item.Large() {
		t.Fatalf("listing = %d entries, %v, want 40 large objects", len(l.Entries), err)
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("40 manifests were listed with %d KiB", n>>10)
	} else {
		t.Logf("listed with %d KiB", n>>10)
	}
}

func TestSegmentsAreLookedUpTogether(t *testing.T) {
	d := dbtest.SQLite(t, bus.Migrations, object.Migrations)
	m, r := watched(t, d)
	manifest(t, m, d, o)
	if r.queries > 50 {
		t.Errorf("%d queries to join %d segments", r.queries, object.MaxSegments)
	}
	r.queries = 0
	u := object.UploadSpec{ObjectID: o}
	for range object.MaxSegments {
		u.Segments = append(u.Segments, object.Segment{Container: "parts", Object: "part", Size: -1})
	}
	if _, err := m.Upload(asMember(t.Context()), u); err != nil || r.queries > 10 {
		t.Errorf("%d queries to join one segment many times, %v", r.queries, err)
	}
}

func TestFoldersAreSkipped(t *testing.T) {
	for name, tt := range map[string]struct {
		format  string // of 2000 names, made of their hundreds and the rest
		q       object.Query
		entries int
		rows    int64 // that may be read
	}{
		"full ones":             {"%02d/%02d", object.Query{}, 20, 400},
		"full ones, in reverse": {"%02d/%02d", object.Query{Reverse: true}, 20, 400},
		"the first":             {"%02d/%02d", object.Query{Limit: 1}, 1, 10},
		"one of each":           {"%02d%02d/", object.Query{}, 2000, 2100},
		"none":                  {"%02d%02d", object.Query{}, 2000, 2100},
	} {
		t.Run(name, func(t *testing.T) {
			d := dbtest.SQLite(t, bus.Migrations, object.Migrations)
			m, r := watched(t, d)
			ctx := asMember(t.Context())
			upload(t, m, o, object.Properties{})
			rows(t, d, o, tt.format, 0, 2000)
			if err := m.DeleteObject(ctx, object.DeleteSpec{ObjectID: o}); err != nil {
				t.Fatal(err)
			}
			r.queries, r.rows = 0, 0
			tt.q.ContainerID, tt.q.Delimiter = o.Parent(), "/"
			l, err := m.Objects(ctx, tt.q)
			if err != nil || len(l.Entries) != tt.entries {
				t.Errorf("%d entries, %v, want %d", len(l.Entries), err, tt.entries)
			}
			if r.rows > tt.rows || r.queries > 30 {
				t.Errorf("%d rows in %d queries for %d entries", r.rows, r.queries, tt.entries)
			}
		})
	}
}
