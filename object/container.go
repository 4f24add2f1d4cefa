package object

import (
	"context"
	"errors"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// CreateContainer implements Service.
func (m *Manager) CreateContainer(ctx context.Context, p ContainerPatch) (bool, error) {
	if err := identity.Allow(ctx, "object:container:create", account(p.ProjectID)); err != nil {
		return false, err
	}
	if err := checkContainer(p.Container); err != nil {
		return false, err
	}
	created := false
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lock(ctx, tx, p.ContainerID); err != nil {
			return err
		}
		c, err := loadContainer(ctx, tx, p.ContainerID)
		if created = errors.Is(err, fault.NotFound); created {
			c = Container{ProjectID: p.ProjectID, Name: p.Container, CreatedAt: m.now()}
			err = openAccount(ctx, tx, Account{ProjectID: p.ProjectID, CreatedAt: c.CreatedAt})
		}
		if err != nil {
			return err
		}
		return m.patch(ctx, tx, c, p)
	})
	return created, err
}

// UpdateContainer implements Service.
func (m *Manager) UpdateContainer(ctx context.Context, p ContainerPatch) error {
	if err := identity.Allow(ctx, "object:container:update", account(p.ProjectID)); err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lock(ctx, tx, p.ContainerID); err != nil {
			return err
		}
		c, err := loadContainer(ctx, tx, p.ContainerID)
		if err != nil {
			return err
		}
		return m.patch(ctx, tx, c, p)
	})
}

func (m *Manager) patch(ctx context.Context, tx bun.IDB, c Container, p ContainerPatch) (err error) {
	if c.Metadata, err = c.Metadata.merge(p.Metadata); err != nil {
		return err
	}
	if p.ReadACL != nil {
		if c.ReadACL, err = cleanACL("X-Container-Read", *p.ReadACL, true); err != nil {
			return err
		}
	}
	if p.WriteACL != nil {
		if c.WriteACL, err = cleanACL("X-Container-Write", *p.WriteACL, false); err != nil {
			return err
		}
	}
	if p.Versions != nil {
		if err := p.Versions.check(c.Name); err != nil {
			return err
		}
		c.Versions = *p.Versions
	}
	c.UpdatedAt = m.now()
	return saveContainer(ctx, tx, c)
}

// Container implements Service.
func (m *Manager) Container(ctx context.Context, id ContainerID) (Container, error) {
	c, err := m.container(ctx, m.db.Read(), id)
	if err != nil {
		return Container{}, err
	}
	if err := mayList(ctx, c); err != nil {
		return Container{}, err
	}
	u, err := containerUsage(ctx, m.db.Read(), id)
	if err != nil {
		return Container{}, err
	}
	c.Objects, c.Bytes = u.Objects, u.Bytes
	if !owns(ctx, id.ProjectID) {
		c.ReadACL, c.WriteACL, c.Metadata = "", "", c.Metadata.public()
	}
	return c, nil
}

// container loads a container. Who has no business in the account does not learn
// that it is not there.
func (m *Manager) container(ctx context.Context, q bun.IDB, id ContainerID) (Container, error) {
	c, err := loadContainer(ctx, q, id)
	if errors.Is(err, fault.NotFound) {
		if denied := identity.Allow(ctx, "object:container:show", account(id.ProjectID)); denied != nil {
			return Container{}, denied
		}
	}
	return c, err
}

// Containers implements Service.
func (m *Manager) Containers(ctx context.Context, q Query) (Listing[Container], error) {
	if err := identity.Allow(ctx, "object:account:show", account(q.ProjectID)); err != nil {
		return Listing[Container]{}, err
	}
	read := m.db.Read()
	listing, err := list(q, func(c Container) Name { return c.Name }, func(b bounds) ([]Container, error) {
		return findContainers(ctx, read, q.ProjectID, b)
	})
	if err != nil || len(listing.Entries) == 0 {
		return listing, err
	}
	first, last := listing.Entries[0].Name, listing.Entries[len(listing.Entries)-1].Name
	used, err := usages(ctx, read, q.ProjectID, min(first, last), max(first, last))
	for i := range listing.Entries {
		e := &listing.Entries[i]
		u := used[e.Item.Name]
		e.Item.Objects, e.Item.Bytes = u.Objects, u.Bytes
	}
	return listing, err
}

// DeleteContainer implements Service.
func (m *Manager) DeleteContainer(ctx context.Context, id ContainerID) error {
	if err := identity.Allow(ctx, "object:container:delete", account(id.ProjectID)); err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lock(ctx, tx, id); err != nil {
			return err
		}
		c, err := loadContainer(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := m.expireIn(ctx, tx, id); err != nil {
			return err
		}
		u, err := containerUsage(ctx, tx, id)
		if err != nil {
			return err
		}
		if u.Objects > 0 {
			return fault.Conflict.Errorf("container %s has %d objects; delete them first", id.Container, u.Objects)
		}
		return dropContainer(ctx, tx, c)
	})
}
