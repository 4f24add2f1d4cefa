package object_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"testing"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/object"
	"github.com/nacre-cloud/nacre/object/memory"
)

var part = object.ObjectID{ProjectID: project, Container: "parts", Object: "part"}

// A store is a manager over SQLite and RAM that counts what it reads outside transactions.
type store struct {
	*object.Manager
	db *db.DB

	mu            sync.Mutex
	queries, rows int64
}

func newStore(t *testing.T) *store {
	t.Helper()
	d := dbtest.SQLite(t, bus.Migrations, object.Migrations)
	s := &store{Manager: newManager(t, d, memory.New(memory.Config{})), db: d}
	d.Read().(*bun.DB).AddQueryHook(s) //nolint:staticcheck // WithQueryHook makes another DB; the manager has this one.
	return s
}

func (*store) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (s *store) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queries++
	if e.Result != nil {
		n, _ := e.Result.RowsAffected() // of a read it is known
		s.rows += n
	}
}

// insert adds copies of o's row, numbered from a number up to another. Their names
// are made of their numbers: format is given the hundreds and the rest.
func (s *store) insert(t *testing.T, o object.ObjectID, format string, from, to int) {
	t.Helper()
	err := s.db.Tx(t.Context(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, `WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?)
			INSERT INTO objects SELECT project_id, container, CAST(printf(?, i / 100, i % 100) AS BLOB), blob, size, stored, etag,
			content_type, encoding, disposition, manifest, metadata, delete_at, segments, created_at, updated_at
			FROM objects, n WHERE container = ? AND name = ?`, from, to-1, format, o.Container, o.Object)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// manifest makes a static large object of as many segments as there may be.
func (s *store) manifest(t *testing.T, id object.ObjectID) object.Object {
	t.Helper()
	upload(t, s.Manager, part, object.Properties{})
	upload(t, s.Manager, id, object.Properties{})
	s.insert(t, part, "part-%02d%02d", 0, object.MaxSegments)
	u := object.UploadSpec{ObjectID: id}
	for i := range object.MaxSegments {
		u.Segments = append(u.Segments, object.Segment{Container: part.Container, Object: object.Name(fmt.Sprintf("part-%04d", i)), Size: -1})
	}
	o, err := s.Upload(asMember(t.Context()), u)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestAListingLeavesManifestsWhereTheyAre(t *testing.T) {
	s := newStore(t)
	got := s.manifest(t, o)
	var kept int64
	err := s.db.Read().NewSelect().Table("objects").ColumnExpr("LENGTH(CAST(segments AS BLOB))").Where("name = ?", o.Object).Scan(t.Context(), &kept)
	if err != nil || got.Stored != kept {
		t.Errorf("the manifest counts %d bytes, %v, its row keeps %d", got.Stored, err, kept)
	}
	s.insert(t, o, "o-%d%02d", 0, 39)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	l, err := s.Objects(asMember(t.Context()), object.Query{ContainerID: o.Parent()})
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
	s := newStore(t)
	s.manifest(t, o)
	if s.queries > 50 {
		t.Errorf("%d queries to join %d segments", s.queries, object.MaxSegments)
	}
	s.queries = 0
	u := object.UploadSpec{ObjectID: o}
	for range object.MaxSegments {
		u.Segments = append(u.Segments, object.Segment{Container: part.Container, Object: part.Object, Size: -1})
	}
	if _, err := s.Upload(asMember(t.Context()), u); err != nil || s.queries > 10 {
		t.Errorf("%d queries to join one segment many times, %v", s.queries, err)
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
			s := newStore(t)
			ctx := asMember(t.Context())
			upload(t, s.Manager, o, object.Properties{})
			s.insert(t, o, tt.format, 0, 2000)
			if err := s.DeleteObject(ctx, object.DeleteSpec{ObjectID: o}); err != nil {
				t.Fatal(err)
			}
			s.queries, s.rows = 0, 0
			tt.q.ContainerID, tt.q.Delimiter = o.Parent(), "/"
			l, err := s.Objects(ctx, tt.q)
			if err != nil || len(l.Entries) != tt.entries {
				t.Errorf("%d entries, %v, want %d", len(l.Entries), err, tt.entries)
			}
			if s.rows > tt.rows || s.queries > 30 {
				t.Errorf("%d rows in %d queries for %d entries", s.rows, s.queries, tt.entries)
			}
		})
	}
}

func TestADynamicLargeObjectIsNeverCut(t *testing.T) {
	s := newStore(t)
	ctx := asMember(t.Context())
	upload(t, s.Manager, part, object.Properties{})
	upload(t, s.Manager, o, object.Properties{Manifest: "parts/p/"})
	made := 0
	for _, tt := range []struct {
		segments int
		want     error
	}{
		{object.MaxListing, nil},
		{object.MaxListing + 1, nil},
		{object.MaxDynamic + 1, fault.Conflict},
	} {
		s.insert(t, part, "p/%04d%02d", made, tt.segments)
		made = tt.segments
		b, err := s.Download(ctx, object.DownloadSpec{ObjectID: o})
		if !errors.Is(err, tt.want) || err == nil && b.Size != int64(tt.segments) {
			t.Errorf("%d segments of a byte: %d bytes, %v, want %v", tt.segments, b.Size, err, tt.want)
		}
		if tt.segments != object.MaxListing+1 {
			continue
		}
		body, err := b.Open(ctx, object.Range{Offset: object.MaxListing - 1})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(body); err != nil || string(got) != "xx" {
			t.Errorf("the end reads %q, %v", got, err)
		}
		body.Close()
	}
}
