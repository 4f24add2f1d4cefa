package compute

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

var flavorColumns = db.Columns{
	"id": "id", "flavorid": "id", "name": "name", "memory_mb": "memory_mib", "root_gb": "root_gib", "vcpus": "vcpus",
	"ephemeral_gb": "ephemeral_gib", "swap": "swap_mib", "rxtx_factor": "rx_tx_factor", "is_public": "public",
	"created_at": "created_at",
}

func loadFlavor(ctx context.Context, idb bun.IDB, id string) (Flavor, error) {
	f := Flavor{ID: id}
	return f, missing(idb.NewSelect().Model(&f).WherePK().Scan(ctx), "flavor", id)
}

func listFlavors(ctx context.Context, idb bun.IDB, q FlavorQuery, project string, all bool) (page.Of[Flavor], error) {
	query := idb.NewSelect().Model((*Flavor)(nil)).Where("memory_mib >= ? AND root_gib >= ?", q.MinMemoryMiB, q.MinRootGiB)
	if q.Name != "" {
		query.Where("name = ?", q.Name)
	}
	if !all {
		query.Where("public OR COALESCE(projects, '') LIKE ? ESCAPE '!'", `%"`+escapeLike(project)+`"%`)
	}
	return db.List(ctx, query, q.Query, flavorColumns, func(f Flavor) string { return f.ID })
}

func insertFlavor(ctx context.Context, tx bun.IDB, f *Flavor) error {
	_, err := tx.NewInsert().Model(f).Exec(ctx)
	return db.Fault(err, "flavor %s (%s)", f.ID, f.Name)
}

func updateFlavor(ctx context.Context, tx bun.IDB, f *Flavor) error {
	_, err := tx.NewUpdate().Model(f).WherePK().Exec(ctx)
	return db.Fault(err, "flavor %s", f.ID)
}

func deleteFlavor(ctx context.Context, tx bun.IDB, id string) error {
	_, err := tx.NewDelete().Model((*Flavor)(nil)).Where("id = ?", id).Exec(ctx)
	return db.Fault(err, "flavor %s", id)
}

func loadKeypair(ctx context.Context, idb bun.IDB, id KeypairID) (Keypair, error) {
	k := Keypair{UserID: id.UserID, Name: id.Name}
	return k, missing(idb.NewSelect().Model(&k).WherePK().Scan(ctx), "keypair", id.Name)
}

func listKeypairs(ctx context.Context, idb bun.IDB, q KeypairQuery) (page.Of[Keypair], error) {
	query := idb.NewSelect().Model((*Keypair)(nil)).Where("user_id = ?", q.UserID)
	return db.List(ctx, query, q.Query, db.Columns{"id": "name", "created_at": "name"}, func(k Keypair) string { return k.Name })
}

// keypairsOf counts what a user has, in whichever project.
func keypairsOf(user string) quota.Usage {
	return func(ctx context.Context, idb bun.IDB, _ string) (quota.Amount, error) {
		n, err := idb.NewSelect().Model((*Keypair)(nil)).Where("user_id = ?", user).Count(ctx)
		return quota.Amount{ResourceKeypairs: int64(n)}, db.Fault(err, "keypairs of user %s", user)
	}
}

func insertKeypair(ctx context.Context, tx bun.IDB, k *Keypair) error {
	_, err := tx.NewInsert().Model(k).Exec(ctx)
	return db.Fault(err, "create key pair %q", k.Name)
}

func deleteKeypair(ctx context.Context, tx bun.IDB, k Keypair) error {
	_, err := tx.NewDelete().Model(&k).WherePK().Exec(ctx)
	return db.Fault(err, "keypair %s", k.Name)
}
