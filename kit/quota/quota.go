// Package quota bounds what a project may use.
//
// There are no counters, so nothing drifts: a domain counts its rows inside the
// transaction that inserts the next one, while it holds the project's lock.
// Limits that differ from a domain's defaults are rows of this package, beside
// the domain's own.
package quota

import (
	"context"
	"embed"
	"maps"
	"slices"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

//go:embed migrations
var files embed.FS

// Migrations are the tables of this package. Every database of a domain with quotas needs them.
var Migrations = db.Migrations{Domain: "quota", Files: files}

// Unlimited is the limit of a resource that has none.
const Unlimited = -1

// An Amount is a number per resource, such as {"volumes": 10, "gigabytes": 1000}.
type Amount map[string]int64

// A Quota is what a project may use and uses.
type Quota struct {
	ProjectID string
	Limits    Amount
	Defaults  Amount // the limits of a project that has none of its own
	Used      Amount
}

// A Patch changes the limits of a project. Without any, it restores the defaults.
type Patch struct {
	ProjectID string
	Limits    Amount
}

// A Usage counts what a project uses, on the handle it is given.
type Usage func(ctx context.Context, idb bun.IDB, project string) (Amount, error)

// A Keeper holds the limits of one domain.
type Keeper struct {
	domain   string
	defaults Amount
}

// New returns the keeper of a domain. The defaults name every resource it bounds;
// those in changes replace them.
func New(domain string, defaults, changes Amount) *Keeper {
	all := maps.Clone(defaults)
	maps.Copy(all, changes)
	return &Keeper{domain, all}
}

type override struct {
	bun.BaseModel `bun:"table:quotas"`

	Domain    string `bun:",pk"`
	ProjectID string `bun:",pk"`
	Resource  string `bun:",pk"`
	Max       int64
}

// Defaults returns the limits of a project that has none of its own.
func (k *Keeper) Defaults() Amount { return maps.Clone(k.defaults) }

// Limits returns what a project may use.
func (k *Keeper) Limits(ctx context.Context, idb bun.IDB, project string) (Amount, error) {
	var rows []override
	err := idb.NewSelect().Model(&rows).Where("domain = ? AND project_id = ?", k.domain, project).Scan(ctx)
	if err != nil {
		return nil, db.Fault(err, "limits of project %s", project)
	}
	limits := k.Defaults()
	for _, r := range rows {
		if _, known := limits[r.Resource]; known {
			limits[r.Resource] = r.Max
		}
	}
	return limits, nil
}

// Show returns what a project may use and, as usage counts it, uses.
func (k *Keeper) Show(ctx context.Context, idb bun.IDB, project string, usage Usage) (Quota, error) {
	limits, err := k.Limits(ctx, idb, project)
	if err != nil {
		return Quota{}, err
	}
	used, err := usage(ctx, idb, project)
	return Quota{ProjectID: project, Limits: limits, Defaults: k.Defaults(), Used: used}, err
}

// List returns the projects that have limits of their own, by id, without their use.
func (k *Keeper) List(ctx context.Context, idb bun.IDB) ([]Quota, error) {
	var projects []string
	err := idb.NewSelect().Model((*override)(nil)).Distinct().Column("project_id").
		Where("domain = ?", k.domain).Order("project_id").Scan(ctx, &projects)
	if err != nil {
		return nil, db.Fault(err, "projects with limits")
	}
	out := make([]Quota, 0, len(projects))
	for _, p := range projects {
		limits, err := k.Limits(ctx, idb, p)
		if err != nil {
			return nil, err
		}
		out = append(out, Quota{ProjectID: p, Limits: limits, Defaults: k.Defaults()})
	}
	return out, nil
}

// Reserve locks the project in tx, asks usage what it has now, and reports
// fault.OverQuota when that and what is wanted together are above a limit. The
// rows that use what is wanted must be inserted in the same tx.
func (k *Keeper) Reserve(ctx context.Context, tx *db.Tx, project string, want Amount, usage Usage) error {
	if err := tx.Lock(ctx, k.domain+"/quota/"+project); err != nil {
		return err
	}
	limits, err := k.Limits(ctx, tx, project)
	if err != nil {
		return err
	}
	used, err := usage(ctx, tx, project)
	if err != nil {
		return err
	}
	for _, resource := range slices.Sorted(maps.Keys(want)) {
		limit := limits[resource]
		if limit != Unlimited && want[resource] > 0 && used[resource]+want[resource] > limit {
			return fault.OverQuota.Errorf("quota exceeded for %s: requested %d, but already used %d of %d %s",
				resource, want[resource], used[resource], limit, resource)
		}
	}
	return nil
}

// Change makes p hold. A resource the domain does not bound, or a limit below
// Unlimited, is fault.Invalid.
func (k *Keeper) Change(ctx context.Context, d *db.DB, p Patch) error {
	return d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if len(p.Limits) == 0 {
			return k.reset(ctx, tx, p.ProjectID)
		}
		return k.set(ctx, tx, p)
	})
}

func (k *Keeper) set(ctx context.Context, tx *db.Tx, p Patch) error {
	for resource, limit := range p.Limits {
		if _, known := k.defaults[resource]; !known {
			return fault.Invalid.Errorf("there is no quota for %q", resource)
		}
		if limit < Unlimited {
			return fault.Invalid.Errorf("quota for %s must be %d (unlimited) or more, not %d", resource, Unlimited, limit)
		}
		row := override{Domain: k.domain, ProjectID: p.ProjectID, Resource: resource, Max: limit}
		_, err := tx.NewInsert().Model(&row).On("CONFLICT (domain, project_id, resource) DO UPDATE").Set("max = EXCLUDED.max").Exec(ctx)
		if err != nil {
			return db.Fault(err, "set quota for %s", resource)
		}
	}
	return nil
}

func (k *Keeper) reset(ctx context.Context, tx *db.Tx, project string) error {
	_, err := tx.NewDelete().Model((*override)(nil)).Where("domain = ? AND project_id = ?", k.domain, project).Exec(ctx)
	return db.Fault(err, "reset the quota of project %s", project)
}
