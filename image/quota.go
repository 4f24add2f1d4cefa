package image

import (
	"context"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
)

// Quota implements Service.
func (m *Manager) Quota(ctx context.Context, project string) (Quota, error) {
	if err := identity.Allow(ctx, "image:quota:show", identity.InProject(project)); err != nil {
		return Quota{}, err
	}
	limits, err := m.quota.Limits(ctx, m.db.Read(), project)
	if err != nil {
		return Quota{}, err
	}
	used, err := usage(ctx, m.db.Read(), project)()
	return Quota{ProjectID: project, Limits: limits, Used: used}, err
}

// SetQuota implements Service.
func (m *Manager) SetQuota(ctx context.Context, p QuotaPatch) (Quota, error) {
	if err := identity.Allow(ctx, "image:quota:update", nil); err != nil {
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

// mebibytes returns size in MiB, rounded up.
func mebibytes(size int64) int64 { return (size + 1<<20 - 1) >> 20 }
