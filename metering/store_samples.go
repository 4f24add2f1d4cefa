package metering

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/page"
)

// tables is the Driver that keeps samples in tables of this domain.
type tables struct{ db *db.DB }

// Tables returns the Driver that keeps samples in d, beside the spans.
func Tables(d *db.DB) Driver { return tables{d} }

type sampleRow struct {
	bun.BaseModel `bun:"table:metering_samples,alias:v"`

	Meter int64 `bun:",pk"`
	AtMs  int64 `bun:",pk"`
	Value float64
}

// insertChunk bounds the length of one statement.
const insertChunk = 1000

func (t tables) Append(ctx context.Context, samples []Sample) error {
	meters := map[MeterID]Meter{}
	rows := make([]sampleRow, len(samples))
	for i, s := range samples {
		m := s.meter()
		meters[m.ID] = m
		rows[i] = sampleRow{Meter: m.Key, AtMs: s.At.UnixMilli(), Value: s.Value}
	}
	// In one order, so that two agents never wait for each other in a circle.
	slices.SortFunc(rows, func(a, b sampleRow) int { return cmp.Or(cmp.Compare(a.Meter, b.Meter), cmp.Compare(a.AtMs, b.AtMs)) })
	all := make([]Meter, 0, len(meters))
	for _, m := range meters {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b Meter) int { return cmp.Compare(a.ID, b.ID) })
	return t.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		for chunk := range slices.Chunk(all, insertChunk) {
			if _, err := tx.NewInsert().Model(&chunk).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
				return db.Fault(err, "keep meters")
			}
		}
		for chunk := range slices.Chunk(rows, insertChunk) {
			if _, err := tx.NewInsert().Model(&chunk).On("CONFLICT DO NOTHING").Exec(ctx); err != nil {
				return db.Fault(err, "keep samples")
			}
		}
		return nil
	})
}

func (t tables) Meters(ctx context.Context, q MeterQuery) (page.Of[Meter], error) {
	sel := t.db.Read().NewSelect().Model((*Meter)(nil))
	if len(q.IDs) > 0 {
		sel = sel.Where("id IN (?)", bun.List(q.IDs))
	}
	if q.Name != "" {
		sel = sel.Where("name = ?", q.Name)
	}
	if q.ResourceID != "" {
		sel = sel.Where("resource_id = ?", q.ResourceID)
	}
	if q.ProjectID != "" {
		sel = sel.Where("project_id = ?", q.ProjectID)
	}
	q.Sort = []page.Sort{{Key: "id"}}
	return db.List(ctx, sel, q.Query, db.Columns{"id": "id"}, func(m Meter) string { return string(m.ID) })
}

func (t tables) Statistics(ctx context.Context, q StatisticsQuery) ([]Statistic, error) {
	d := t.db.Read()
	meters := d.NewSelect().Model((*Meter)(nil)).Column("key")
	for column, value := range map[string]string{
		"id": string(q.MeterID), "name": q.Name, "resource_id": q.ResourceID, "project_id": q.ProjectID,
	} {
		if value != "" {
			meters = meters.Where("? = ?", bun.Ident(column), value)
		}
	}
	sel := d.NewSelect().Model((*sampleRow)(nil)).
		ColumnExpr("COUNT(*) AS n, MIN(value) AS low, MAX(value) AS high, SUM(value) AS total").
		Where("meter IN (?)", meters).
		Where("at_ms >= ? AND at_ms < ?", q.From.UnixMilli(), q.To.UnixMilli())
	if q.Period > 0 {
		ms := q.Period.Milliseconds()
		sel = sel.ColumnExpr("at_ms / ? * ? AS start_ms", ms, ms).GroupExpr("start_ms").OrderExpr("start_ms")
	} else {
		sel = sel.ColumnExpr("? AS start_ms", q.From.UnixMilli()).Having("COUNT(*) > 0")
		q.Period = q.To.Sub(q.From)
	}
	var rows []struct {
		N         int64
		Low, High float64
		Total     float64
		StartMs   int64
	}
	if err := sel.Scan(ctx, &rows); err != nil {
		return nil, db.Fault(err, "read statistics")
	}
	out := make([]Statistic, len(rows))
	for i, r := range rows {
		out[i] = Statistic{Start: time.UnixMilli(r.StartMs).UTC(), Period: q.Period, Count: r.N, Min: r.Low, Max: r.High, Sum: r.Total}
	}
	return out, nil
}

// pruneChunk is how many meters one transaction prunes; writers wait for it.
const pruneChunk = 200

// Prune goes meter by meter, because samples are stored by meter.
func (t tables) Prune(ctx context.Context, before time.Time) error {
	for last := MeterID(""); ; {
		var meters []Meter
		if err := t.db.Read().NewSelect().Model(&meters).Where("id > ?", last).Order("id").Limit(pruneChunk).Scan(ctx); err != nil {
			return db.Fault(err, "read meters")
		}
		if len(meters) == 0 {
			return nil
		}
		last = meters[len(meters)-1].ID
		keys := make([]int64, len(meters))
		for i, m := range meters {
			keys[i] = m.Key
		}
		err := t.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.NewDelete().Model((*sampleRow)(nil)).Where("meter IN (?) AND at_ms < ?", bun.List(keys), before.UnixMilli()).Exec(ctx)
			if err != nil {
				return db.Fault(err, "prune samples")
			}
			_, err = tx.NewDelete().Model((*Meter)(nil)).Where("key IN (?)", bun.List(keys)).
				Where("NOT EXISTS (SELECT 1 FROM metering_samples AS v WHERE v.meter = key)").Exec(ctx)
			return db.Fault(err, "prune meters")
		})
		if err != nil {
			return err
		}
	}
}

var _ Driver = tables{}
