package compute

import (
	"context"
	"slices"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// visible reports whether the caller may use f.
func (f Flavor) visible(c identity.Caller) bool {
	return f.Public || c.Admin() || slices.Contains(f.Projects, c.ProjectID)
}

// CreateFlavor implements Service.
func (m *Manager) CreateFlavor(ctx context.Context, f Flavor) (Flavor, error) {
	if err := identity.Allow(ctx, "flavor:manage", nil); err != nil {
		return Flavor{}, err
	}
	if f.ID == "" {
		f.ID = db.NewID()
	}
	if f.RxTxFactor == 0 {
		f.RxTxFactor = 1
	}
	if f.Specs == nil {
		f.Specs = map[string]string{}
	}
	f.CreatedAt = db.Now()
	if err := checkFlavor(f); err != nil {
		return Flavor{}, err
	}
	return f, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return insertFlavor(ctx, tx, &f) })
}

func checkFlavor(f Flavor) error {
	const most = 1<<31 - 1
	switch {
	case f.Name == "" || len(f.Name) > maxText || len(f.ID) > maxText:
		return fault.Invalid.Errorf("a flavor's name and id have from 1 to %d characters", maxText)
	case f.VCPUs < 1 || f.VCPUs > most || f.MemoryMiB < 1 || f.MemoryMiB > most:
		return fault.Invalid.Errorf("flavor %s needs at least 1 vCPU and 1 MiB of memory", f.Name)
	case f.RootGiB < 0 || f.EphemeralGiB < 0 || f.SwapMiB < 0 || f.RootGiB > most || f.EphemeralGiB > most || f.SwapMiB > most:
		return fault.Invalid.Errorf("flavor %s: disk sizes are from 0 to %d", f.Name, most)
	case f.RxTxFactor <= 0:
		return fault.Invalid.Errorf("flavor %s: the transfer factor must be above 0", f.Name)
	}
	return nil
}

// Flavor implements Service.
func (m *Manager) Flavor(ctx context.Context, id string) (Flavor, error) {
	if err := identity.Allow(ctx, "flavor:list", nil); err != nil {
		return Flavor{}, err
	}
	f, err := loadFlavor(ctx, m.db.Read(), id)
	if err == nil && !f.visible(identity.CallerOf(ctx)) {
		err = fault.NotFound.Errorf("flavor %s could not be found", id)
	}
	return f, err
}

// Flavors implements Service.
func (m *Manager) Flavors(ctx context.Context, q FlavorQuery) (page.Of[Flavor], error) {
	if err := identity.Allow(ctx, "flavor:list", nil); err != nil {
		return page.Of[Flavor]{}, err
	}
	c := identity.CallerOf(ctx)
	return listFlavors(ctx, m.db.Read(), q, c.ProjectID, q.All && c.Admin())
}

// UpdateFlavor implements Service.
func (m *Manager) UpdateFlavor(ctx context.Context, p FlavorPatch) (f Flavor, err error) {
	if err := identity.Allow(ctx, "flavor:manage", nil); err != nil {
		return Flavor{}, err
	}
	return f, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := tx.Lock(ctx, "flavor/"+p.ID); err != nil {
			return err
		}
		if f, err = loadFlavor(ctx, tx, p.ID); err != nil {
			return err
		}
		if p.Description != nil {
			f.Description = *p.Description
		}
		f.Specs = db.Merge(f.Specs, p.Specs)
		if err := f.access(p); err != nil {
			return err
		}
		return updateFlavor(ctx, tx, &f)
	})
}

// access gives the flavor to a project, or takes it away.
func (f *Flavor) access(p FlavorPatch) error {
	if p.AddProject == "" && p.RemoveProject == "" {
		return nil
	}
	if f.Public {
		return fault.Conflict.Errorf("flavor %s is public: everybody has access", f.ID)
	}
	if p.AddProject != "" {
		if slices.Contains(f.Projects, p.AddProject) {
			return fault.Conflict.Errorf("project %s has access to flavor %s already", p.AddProject, f.ID)
		}
		f.Projects = append(f.Projects, p.AddProject)
		return nil
	}
	i := slices.Index(f.Projects, p.RemoveProject)
	if i < 0 {
		return fault.NotFound.Errorf("project %s has no access to flavor %s", p.RemoveProject, f.ID)
	}
	f.Projects = slices.Delete(f.Projects, i, i+1)
	return nil
}

// DeleteFlavor implements Service.
func (m *Manager) DeleteFlavor(ctx context.Context, id string) error {
	if err := identity.Allow(ctx, "flavor:manage", nil); err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := loadFlavor(ctx, tx, id); err != nil {
			return err
		}
		return deleteFlavor(ctx, tx, id)
	})
}
