package metering

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

func openSpan(ctx context.Context, d bun.IDB, server string) (Span, error) {
	var s Span
	err := d.NewSelect().Model(&s).Where("server_id = ? AND stopped_at IS NULL", server).Scan(ctx)
	return s, db.Fault(err, "open span of server %s", server)
}

// beginRound reports whether this process is the one to collect in the minute of
// at: the first of those that ask. Without any server there is nothing to collect.
func beginRound(ctx context.Context, d *db.DB, at time.Time) (first bool, err error) {
	running, err := d.Read().NewSelect().Model((*Span)(nil)).Where("stopped_at IS NULL").Exists(ctx)
	if err != nil || !running {
		return false, db.Fault(err, "look for servers")
	}
	err = d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		r, err := tx.ExecContext(ctx, "INSERT INTO metering_rounds (minute) VALUES (?) ON CONFLICT DO NOTHING", at.Unix()/60)
		if err != nil {
			return db.Fault(err, "begin a round")
		}
		n, err := r.RowsAffected()
		first = n == 1
		return db.Fault(err, "begin a round")
	})
	return first, err
}

func pruneRounds(ctx context.Context, d *db.DB, before time.Time) error {
	return d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM metering_rounds WHERE minute < ?", before.Unix()/60)
		return db.Fault(err, "prune rounds")
	})
}

// insertSpan writes s; one that began at the same moment stays as it is.
func insertSpan(ctx context.Context, tx bun.IDB, s Span) error {
	s.StartedAt = s.StartedAt.UTC()
	_, err := tx.NewInsert().Model(&s).On("CONFLICT DO NOTHING").Exec(ctx)
	return db.Fault(err, "begin the span of server %s", s.ServerID)
}

// closeSpan ends the open span of a server. One that began later, by the clock of
// another process, lasted no time.
func closeSpan(ctx context.Context, tx bun.IDB, server string, at time.Time) error {
	_, err := tx.NewUpdate().Model((*Span)(nil)).
		Set("stopped_at = CASE WHEN started_at > ? THEN started_at ELSE ? END", at.UTC(), at.UTC()).
		Where("server_id = ? AND stopped_at IS NULL", server).Exec(ctx)
	return db.Fault(err, "end the span of server %s", server)
}

// projectsOf returns the project of each server that ever had a span.
func projectsOf(ctx context.Context, d bun.IDB, servers map[string]bool) (map[string]string, error) {
	out := make(map[string]string, len(servers))
	for ids := range slices.Chunk(slices.Collect(maps.Keys(servers)), 1000) {
		var spans []Span
		err := d.NewSelect().Model(&spans).ColumnExpr("DISTINCT server_id, project_id").Where("server_id IN (?)", bun.List(ids)).Scan(ctx)
		if err != nil {
			return nil, db.Fault(err, "find the projects of servers")
		}
		for _, s := range spans {
			out[s.ServerID] = s.ProjectID
		}
	}
	return out, nil
}

// spansBetween returns the spans of one page of servers that overlap q, by
// project, server and time, and the marker of the next page.
func spansBetween(ctx context.Context, d bun.IDB, q UsageQuery) (spans []Span, next string, err error) {
	overlap := func(sel *bun.SelectQuery) *bun.SelectQuery {
		sel = sel.Where("s.started_at < ? AND (s.stopped_at IS NULL OR s.stopped_at > ?)", q.To.UTC(), q.From.UTC())
		if q.ProjectID != "" {
			sel = sel.Where("s.project_id = ?", q.ProjectID)
		}
		return sel
	}
	servers := overlap(d.NewSelect().Model((*Span)(nil)).ColumnExpr("DISTINCT s.project_id, s.server_id")).
		OrderExpr("s.project_id, s.server_id").Limit(int64(q.Size()) + 1)
	if q.Marker != "" {
		var last Span
		err := d.NewSelect().Model(&last).Where("server_id = ?", q.Marker).Limit(1).Scan(ctx)
		if err != nil {
			return nil, "", fault.Invalid.Errorf("marker %s: no server with this id was ever used", q.Marker)
		}
		servers = servers.Where("(s.project_id, s.server_id) > (?, ?)", last.ProjectID, last.ServerID)
	}
	err = overlap(d.NewSelect().Model(&spans)).
		Join("JOIN (?) AS p ON p.project_id = s.project_id AND p.server_id = s.server_id", servers).
		OrderExpr("s.project_id, s.server_id, s.started_at").Scan(ctx)
	if err != nil {
		return nil, "", db.Fault(err, "read spans")
	}
	seen := 0
	for i, s := range spans {
		if i == 0 || s.ServerID != spans[i-1].ServerID {
			seen++
		}
		if seen > q.Size() {
			return spans[:i], spans[i-1].ServerID, nil
		}
	}
	return spans, "", nil
}
