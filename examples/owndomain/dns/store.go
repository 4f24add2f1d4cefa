package dns

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/page"
)

func loadRecord(ctx context.Context, idb bun.IDB, id compute.ServerID) (Record, error) {
	r := Record{ServerID: id}
	err := idb.NewSelect().Model(&r).WherePK().Scan(ctx)
	return r, db.Fault(err, "record %s", id)
}

func listRecords(ctx context.Context, idb bun.IDB, project string, q page.Query) (page.Of[Record], error) {
	return db.List(ctx, idb.NewSelect().Model((*Record)(nil)).Where("project_id = ?", project), q,
		db.Columns{"id": "server_id", "created_at": "created_at", "name": "name"},
		func(r Record) string { return string(r.ServerID) })
}

func saveRecord(ctx context.Context, tx *db.Tx, r *Record) error {
	_, err := tx.NewInsert().Model(r).On("CONFLICT (server_id) DO UPDATE").
		Set("name = EXCLUDED.name").Set("address = EXCLUDED.address").Exec(ctx)
	return db.Fault(err, "record %s", r.ServerID)
}

func deleteRecord(ctx context.Context, tx *db.Tx, r *Record) error {
	_, err := tx.NewDelete().Model(r).WherePK().Exec(ctx)
	return db.Fault(err, "record %s", r.ServerID)
}
