package image

import (
	"context"

	"github.com/nacre-cloud/nacre/identity"
)

// Quota implements Service.
func (m *Manager) Quota(ctx context.Context, project string) (Quota, error) {
	if err := identity.Allow(ctx, "image:quota:show", identity.InProject(project)); err != nil {
		return Quota{}, err
	}
	return m.quota.Show(ctx, m.db.Read(), project, usage)
}

// SetQuota implements Service.
func (m *Manager) SetQuota(ctx context.Context, p QuotaPatch) (Quota, error) {
	if err := identity.Allow(ctx, "image:quota:update", nil); err != nil {
		return Quota{}, err
	}
	if err := m.quota.Change(ctx, m.db, p); err != nil {
		return Quota{}, err
	}
	return m.Quota(ctx, p.ProjectID)
}

// mebibytes returns size in MiB, rounded up.
func mebibytes(size int64) int64 { return (size + 1<<20 - 1) >> 20 }
