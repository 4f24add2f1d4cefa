package object

import (
	"context"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
)

// Account implements Service.
func (m *Manager) Account(ctx context.Context, project string) (Account, error) {
	if err := identity.Allow(ctx, "object:account:show", account(project)); err != nil {
		return Account{}, err
	}
	a, err := loadAccount(ctx, m.db.Read(), project)
	if err != nil {
		return Account{}, err
	}
	u, containers, err := accountUsage(ctx, m.db.Read(), project)
	if err != nil {
		return Account{}, err
	}
	a.Containers, a.Objects, a.Bytes = containers, u.Objects, u.Bytes
	if !owns(ctx, project) {
		a.Metadata = a.Metadata.public()
	}
	return a, nil
}

// UpdateAccount implements Service.
func (m *Manager) UpdateAccount(ctx context.Context, p AccountPatch) error {
	action := "object:account:update"
	if _, ok := p.Metadata[metaQuotaBytes]; ok {
		action = "object:account:quota"
	}
	if err := identity.Allow(ctx, action, account(p.ProjectID)); err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := tx.Lock(ctx, "object/account/"+p.ProjectID); err != nil {
			return err
		}
		a, err := loadAccount(ctx, tx, p.ProjectID)
		if err != nil {
			return err
		}
		if a.Metadata, err = a.Metadata.merge(p.Metadata); err != nil {
			return err
		}
		if a.CreatedAt.IsZero() {
			a.CreatedAt = m.now()
		}
		return saveAccount(ctx, tx, a)
	})
}

// public returns m without the keys that sign URLs.
func (m Metadata) public() Metadata {
	out := Metadata{}
	for k, v := range m {
		if k != metaKey && k != metaKey2 {
			out[k] = v
		}
	}
	return out
}
