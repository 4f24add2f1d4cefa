package compute

import (
	"context"

	"github.com/nacre-cloud/nacre/identity"
)

// Quota implements Service.
func (m *Manager) Quota(ctx context.Context, project string) (Quota, error) {
	if err := identity.Allow(ctx, "compute:quota:show", identity.InProject(project)); err != nil {
		return Quota{}, err
	}
	return m.quota.Show(ctx, m.db.Read(), project, usage)
}

// SetQuota implements Service.
func (m *Manager) SetQuota(ctx context.Context, p QuotaPatch) (Quota, error) {
	if err := identity.Allow(ctx, "compute:quota:update", nil); err != nil {
		return Quota{}, err
	}
	if err := m.quota.Change(ctx, m.db, p); err != nil {
		return Quota{}, err
	}
	return m.Quota(ctx, p.ProjectID)
}
