package network

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/page"
)

var subnetPoolListing = listing[SubnetPool]{
	filters: standard(map[string]filter{
		"min_prefixlen": text("min_bits"), "max_prefixlen": text("max_bits"), "default_prefixlen": text("default_bits"),
		"default_quota": text("quota"), "shared": flag("shared"), "is_default": always("false"), "address_scope_id": always(""),
		"ip_version": ipVersion("prefixes"),
	}),
	columns: sortable("min_bits", "max_bits", "default_bits"),
	id:      func(p SubnetPool) string { return string(p.ID) },
	shared:  "?TableAlias.shared",
}

func loadSubnetPool(ctx context.Context, idb bun.IDB, id SubnetPoolID) (SubnetPool, error) {
	p := SubnetPool{ID: id}
	err := idb.NewSelect().Model(&p).WherePK().Scan(ctx)
	return p, missing(err, "subnet pool", string(id))
}

func listSubnetPools(ctx context.Context, idb bun.IDB, project string, q Query) (page.Of[SubnetPool], error) {
	return list(ctx, idb.NewSelect().Model((*SubnetPool)(nil)), q, project, subnetPoolListing)
}

// lockSubnetPool makes others who lock the same pool wait for the end of tx: no
// range is cut out of it twice, or while it goes.
func lockSubnetPool(ctx context.Context, tx *db.Tx, id SubnetPoolID) error {
	return tx.Lock(ctx, "network/subnetpool/"+string(id))
}

// prefixesOf returns the ranges that are cut out of a pool, and whose they are.
func prefixesOf(ctx context.Context, tx bun.IDB, id SubnetPoolID) ([]Subnet, error) {
	var all []Subnet
	err := tx.NewSelect().Model(&all).Column("id", "project_id", "cidr").Where("subnet_pool_id = ?", id).Scan(ctx)
	return all, db.Fault(err, "subnets of pool %s", id)
}
