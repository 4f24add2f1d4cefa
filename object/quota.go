package object

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// A change is an object about to take the place of old, which is zero when there
// is none, in a container.
type change struct {
	container   Container
	object, old Object
}

// growth is what the change adds, in bytes.
func (c change) growth() int64 { return c.object.Stored - c.old.Stored }

// checkQuota reports whether a change stays within what its container and its
// account may hold. The limits are metadata that the container's owner and the
// cloud's operator set.
func (m *Manager) checkQuota(ctx context.Context, q bun.IDB, c change) error {
	size, sized := c.container.Metadata.limit(metaQuotaBytes)
	count, counted := c.container.Metadata.limit(metaQuotaCount)
	if sized || counted {
		u, err := containerUsage(ctx, q, c.container.ID())
		if err != nil {
			return err
		}
		if used := u.Bytes + c.growth(); sized && used > size {
			return fault.OverQuota.Errorf("container %s would hold %d bytes, its quota is %d", c.container.Name, used, size)
		}
		if counted && c.old.Name == "" && u.Objects+1 > count {
			return fault.OverQuota.Errorf("container %s holds %d objects, its quota is %d", c.container.Name, u.Objects, count)
		}
	}
	return m.checkAccountQuota(ctx, q, c)
}

func (m *Manager) checkAccountQuota(ctx context.Context, q bun.IDB, c change) error {
	a, err := loadAccount(ctx, q, c.object.ProjectID)
	if err != nil {
		return err
	}
	size, ok := a.Metadata.limit(metaQuotaBytes)
	if !ok {
		size, ok = m.cfg.AccountQuota, m.cfg.AccountQuota > 0
	}
	if !ok {
		return nil
	}
	if tx, ok := q.(*db.Tx); ok {
		if err := tx.Lock(ctx, "object/account/"+c.object.ProjectID); err != nil {
			return err
		}
	}
	u, _, err := accountUsage(ctx, q, c.object.ProjectID)
	if err != nil {
		return err
	}
	if used := u.Bytes + c.growth(); used > size {
		return fault.OverQuota.Errorf("the account would hold %d bytes, its quota is %d", used, size)
	}
	return nil
}
