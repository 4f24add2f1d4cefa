package volume

import (
	"context"
	"encoding/json"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

func loadType(ctx context.Context, idb bun.IDB, idOrName string) (Type, error) {
	var t Type
	err := idb.NewSelect().Model(&t).Where("id = ? OR name = ?", idOrName, idOrName).
		OrderExpr("CASE WHEN id = ? THEN 0 ELSE 1 END", idOrName).Limit(1).Scan(ctx)
	return t, missing(err, "volume type", idOrName)
}

// listTypes lists all types, or those for a project.
func listTypes(ctx context.Context, idb bun.IDB, q TypeQuery, project *string) (page.Of[Type], error) {
	query := idb.NewSelect().Model((*Type)(nil))
	where(query, "name", q.Name)
	if q.Public != nil {
		query.Where("public = ?", *q.Public)
	}
	if project != nil {
		item, err := json.Marshal(*project)
		if err != nil {
			return page.Of[Type]{}, fault.Internal.Wrap(err, "project %s", *project)
		}
		query.Where("public OR COALESCE(projects, '') LIKE ? ESCAPE '!'", containing(item))
	}
	return db.List(ctx, query, q.Query, columns, func(t Type) string { return string(t.ID) })
}

func insertType(ctx context.Context, tx bun.IDB, t *Type) error {
	_, err := tx.NewInsert().Model(t).Exec(ctx)
	return db.Fault(err, "volume type %s", t.Name)
}

func updateType(ctx context.Context, tx bun.IDB, t *Type) error {
	_, err := tx.NewUpdate().Model(t).WherePK().Exec(ctx)
	return db.Fault(err, "volume type %s", t.Name)
}

func typeUsed(ctx context.Context, tx bun.IDB, id TypeID) (bool, error) {
	used, err := tx.NewSelect().Model((*Volume)(nil)).Where("type_id = ?", id).Exists(ctx)
	return used, db.Fault(err, "volumes of type %s", id)
}

func deleteType(ctx context.Context, tx bun.IDB, id TypeID) error {
	res, err := tx.NewDelete().Model((*Type)(nil)).Where("id = ?", id).Exec(ctx)
	if err != nil {
		return db.Fault(err, "volume type %s", id)
	}
	if n, err := res.RowsAffected(); err == nil && n == 0 {
		return fault.NotFound.Errorf("volume type %s could not be found", id)
	}
	return nil
}

// rowsOf returns the ids and statuses of the volumes that a backend keeps.
func rowsOf(ctx context.Context, idb bun.IDB, backend string) (map[ID]Status, error) {
	var rows []Volume
	err := idb.NewSelect().Model(&rows).Column("id", "status").Where("backend = ?", backend).Scan(ctx)
	out := make(map[ID]Status, len(rows))
	for _, v := range rows {
		out[v.ID] = v.Status
	}
	return out, db.Fault(err, "volumes of backend %s", backend)
}

// uses adds what the rows say that each backend keeps to byName, which names them.
func uses(ctx context.Context, idb bun.IDB, byName map[string]*Use) error {
	for _, model := range []any{(*Volume)(nil), (*Snapshot)(nil)} {
		var rows []struct {
			Backend    string
			Count, GiB int64
		}
		err := idb.NewSelect().Model(model).Column("backend").
			ColumnExpr("COUNT(*) AS count, SUM(size_gib) AS gib").Group("backend").Scan(ctx, &rows)
		if err != nil {
			return db.Fault(err, "what backends keep")
		}
		for _, r := range rows {
			u := byName[r.Backend]
			switch _, volumes := model.(*Volume); {
			case u == nil: // an operator took it away
			case volumes:
				u.Volumes, u.VolumeGiB = r.Count, r.GiB
			default:
				u.Snapshots, u.SnapshotGiB = r.Count, r.GiB
			}
		}
	}
	return nil
}
