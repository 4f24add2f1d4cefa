package volume

import (
	"context"
	"maps"
	"slices"

	"github.com/nacre-cloud/nacre/identity"
)

// Quota implements Service.
func (m *Manager) Quota(ctx context.Context, project string) (Quota, error) {
	if err := identity.Allow(ctx, "volume:quota:show", identity.InProject(project)); err != nil {
		return Quota{}, err
	}
	return m.quota.Show(ctx, m.db.Read(), project, usage)
}

// SetQuota implements Service.
func (m *Manager) SetQuota(ctx context.Context, p QuotaPatch) (Quota, error) {
	if err := identity.Allow(ctx, "volume:quota:update", nil); err != nil {
		return Quota{}, err
	}
	if err := m.quota.Change(ctx, m.db, p); err != nil {
		return Quota{}, err
	}
	return m.Quota(ctx, p.ProjectID)
}

// Backends implements Service.
func (m *Manager) Backends(ctx context.Context) ([]Use, error) {
	if err := identity.Allow(ctx, "volume:backend:list", nil); err != nil {
		return nil, err
	}
	names := slices.Sorted(maps.Keys(m.backends))
	all, byName := make([]Use, len(names)), map[string]*Use{}
	for i, name := range names {
		all[i].Backend, byName[name] = name, &all[i]
	}
	return all, uses(ctx, m.db.Read(), byName)
}
