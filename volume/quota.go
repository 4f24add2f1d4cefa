package volume

import (
	"context"
	"maps"
	"slices"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
)

// Quota implements Service.
func (m *Manager) Quota(ctx context.Context, project string) (Quota, error) {
	if err := identity.Allow(ctx, "volume:quota:show", identity.InProject(project)); err != nil {
		return Quota{}, err
	}
	limits, err := m.quota.Limits(ctx, m.db.Read(), project)
	if err != nil {
		return Quota{}, err
	}
	used, err := usage(ctx, m.db.Read(), project)()
	return Quota{ProjectID: project, Limits: limits, Defaults: m.quota.Defaults(), Used: used}, err
}

// SetQuota implements Service.
func (m *Manager) SetQuota(ctx context.Context, p QuotaPatch) (Quota, error) {
	if err := identity.Allow(ctx, "volume:quota:update", nil); err != nil {
		return Quota{}, err
	}
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if len(p.Limits) == 0 {
			return m.quota.Reset(ctx, tx, p.ProjectID)
		}
		return m.quota.Set(ctx, tx, p.ProjectID, p.Limits)
	})
	if err != nil {
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
