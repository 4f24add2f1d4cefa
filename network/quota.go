package network

import (
	"context"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// DefaultQuota is what a project may use unless Config or an administrator says otherwise.
var DefaultQuota = quota.Amount{
	ResourceNetworks: 100, ResourceSubnets: 100, ResourcePorts: 500, ResourceRouters: 10, ResourceFloating: 50,
	ResourceGroups: 10, ResourceRules: 100, ResourcePools: quota.Unlimited, ResourceSharing: 10,
}

// Quota implements Service.
func (m *Manager) Quota(ctx context.Context, project string) (Quota, error) {
	if err := identity.Allow(ctx, "network:quota:show", identity.InProject(project)); err != nil {
		return Quota{}, err
	}
	return m.quota.Show(ctx, m.db.Read(), project, usage)
}

// Quotas implements Service.
func (m *Manager) Quotas(ctx context.Context) ([]Quota, error) {
	if err := identity.Allow(ctx, "network:quota:update", nil); err != nil {
		return nil, err
	}
	return m.quota.List(ctx, m.db.Read())
}

// SetQuota implements Service.
func (m *Manager) SetQuota(ctx context.Context, p QuotaPatch) (Quota, error) {
	if err := identity.Allow(ctx, "network:quota:update", nil); err != nil {
		return Quota{}, err
	}
	if err := m.quota.Change(ctx, m.db, p); err != nil {
		return Quota{}, err
	}
	return m.Quota(ctx, p.ProjectID)
}

// reserve admits one more of a resource, whose rows the same tx inserts.
func (m *Manager) reserve(ctx context.Context, tx *db.Tx, project, resource string, n int64) error {
	err := m.quota.Reserve(ctx, tx, project, quota.Amount{resource: n}, usageOf(resource))
	if fault.Of(err) == fault.OverQuota && err != nil {
		return fault.OverQuota.Errorf("quota exceeded for resources: ['%s']: %w", resource, err) // clients look for these words
	}
	return err
}
