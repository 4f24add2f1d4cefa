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
	limits, err := m.quota.Limits(ctx, m.db.Read(), project)
	if err != nil {
		return Quota{}, err
	}
	used, err := usage(ctx, m.db.Read(), project)
	return Quota{ProjectID: project, Limits: limits, Used: used}, err
}

// DefaultQuota implements Service.
func (m *Manager) DefaultQuota(ctx context.Context) (Quota, error) {
	return Quota{Limits: m.quota.Defaults()}, identity.Allow(ctx, "network:quota:show", nil)
}

// Quotas implements Service.
func (m *Manager) Quotas(ctx context.Context) ([]Quota, error) {
	if err := identity.Allow(ctx, "network:quota:update", nil); err != nil {
		return nil, err
	}
	projects, err := limitedProjects(ctx, m.db.Read())
	if err != nil {
		return nil, err
	}
	out := make([]Quota, 0, len(projects))
	for _, p := range projects {
		limits, err := m.quota.Limits(ctx, m.db.Read(), p)
		if err != nil {
			return nil, err
		}
		out = append(out, Quota{ProjectID: p, Limits: limits})
	}
	return out, nil
}

// SetQuota implements Service.
func (m *Manager) SetQuota(ctx context.Context, p QuotaPatch) (Quota, error) {
	if err := identity.Allow(ctx, "network:quota:update", nil); err != nil {
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

// reserve admits one more of a resource, whose rows the same tx inserts.
func (m *Manager) reserve(ctx context.Context, tx *db.Tx, project, resource string, n int64) error {
	err := m.quota.Reserve(ctx, tx, project, quota.Amount{resource: n}, func() (quota.Amount, error) {
		used, err := count(ctx, tx, project, resource)
		return quota.Amount{resource: used}, err
	})
	if fault.Of(err) == fault.OverQuota && err != nil {
		return fault.OverQuota.Errorf("quota exceeded for resources: ['%s']: %w", resource, err) // clients look for these words
	}
	return err
}
