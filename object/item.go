package object

import (
	"context"
	"errors"
	"maps"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Object implements Service.
func (m *Manager) Object(ctx context.Context, id ObjectID) (Object, error) {
	b, err := m.Download(ctx, DownloadSpec{ObjectID: id})
	return b.Object, err
}

// Objects implements Service.
func (m *Manager) Objects(ctx context.Context, q Query) (Listing[Object], error) {
	c, err := m.container(ctx, m.db.Read(), q.ContainerID)
	if err != nil {
		return Listing[Object]{}, err
	}
	if err := mayList(ctx, c); err != nil {
		return Listing[Object]{}, err
	}
	return list(q, func(o Object) Name { return o.Name }, func(b bounds) ([]Object, error) {
		return findObjects(ctx, m.db.Read(), q.ContainerID, b)
	})
}

// UpdateObject implements Service.
func (m *Manager) UpdateObject(ctx context.Context, p ObjectPatch) error {
	if err := m.writable(ctx, p.Parent()); err != nil {
		return err
	}
	if err := p.Properties.check(); err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lock(ctx, tx, p.Parent()); err != nil {
			return err
		}
		o, err := loadObject(ctx, tx, p.ObjectID, m.now())
		if err != nil {
			return err
		}
		if p.ContentType == "" {
			p.ContentType = o.ContentType
		}
		o.Properties, o.UpdatedAt = p.Properties, m.now()
		return saveObject(ctx, tx, o)
	})
}

func (m *Manager) writable(ctx context.Context, id ContainerID) error {
	c, err := m.container(ctx, m.db.Read(), id)
	if err != nil {
		return err
	}
	return mayWrite(ctx, c)
}

// CopyObject implements Service. Blobs never change, so a copy is a row that has
// the same one.
func (m *Manager) CopyObject(ctx context.Context, c CopySpec) (Object, error) {
	if err := m.writable(ctx, c.To.Parent()); err != nil {
		return Object{}, err
	}
	if err := checkObject(c.To.Object); err != nil {
		return Object{}, err
	}
	from, err := m.readable(ctx, DownloadSpec{ObjectID: c.From})
	if err != nil {
		return Object{}, err
	}
	if from.Large() && !c.KeepLarge {
		return m.joinCopy(ctx, c, from)
	}
	var o Object
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockVersioned(ctx, tx, c.From.Parent(), c.To.Parent()); err != nil {
			return err
		}
		if o, err = loadObject(ctx, tx, c.From, m.now()); err != nil {
			return err
		}
		o.ProjectID, o.Container, o.Name = c.To.ProjectID, c.To.Container, c.To.Object
		o.Properties = c.over(o.Properties)
		if err := o.Properties.check(); err != nil {
			return err
		}
		return m.replace(ctx, tx, &o, false)
	})
	return o, err
}

// over returns what is said about a copy of what had the properties old.
func (c CopySpec) over(old Properties) Properties {
	p := c.Properties
	if p.ContentType == "" {
		p.ContentType = old.ContentType
	}
	if c.Fresh {
		return p
	}
	if p.Encoding == "" {
		p.Encoding = old.Encoding
	}
	if p.Disposition == "" {
		p.Disposition = old.Disposition
	}
	if p.DeleteAt == 0 {
		p.DeleteAt = old.DeleteAt
	}
	if p.Manifest == "" {
		p.Manifest = old.Manifest
	}
	meta := Metadata{}
	maps.Copy(meta, old.Metadata)
	maps.Copy(meta, p.Metadata)
	p.Metadata = meta
	return p
}

// DeleteObject implements Service.
func (m *Manager) DeleteObject(ctx context.Context, d DeleteSpec) error {
	if err := m.writable(ctx, d.Parent()); err != nil {
		return err
	}
	if d.Segments {
		o, err := loadObject(ctx, m.db.Read(), d.ObjectID, m.now())
		if err != nil {
			return err
		}
		for _, s := range o.Segments {
			err := m.DeleteObject(ctx, DeleteSpec{ObjectID: ObjectID{d.ProjectID, s.Container, s.Object}})
			if err != nil && !errors.Is(err, fault.NotFound) {
				return err
			}
		}
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockVersioned(ctx, tx, d.Parent()); err != nil {
			return err
		}
		c, err := loadContainer(ctx, tx, d.Parent())
		if err != nil {
			return err
		}
		o, err := loadObject(ctx, tx, d.ObjectID, m.now())
		if err != nil {
			return err
		}
		if c.VersionsIn != "" {
			return m.removeVersioned(ctx, tx, c, o)
		}
		return m.remove(ctx, tx, o)
	})
}

// remove deletes the row of o in a transaction that has the container's lock.
func (m *Manager) remove(ctx context.Context, tx *db.Tx, o Object) error {
	if err := dropObject(ctx, tx, o); err != nil {
		return err
	}
	if err := m.releaseAfter(ctx, tx, o.Blob); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, Deleted{ProjectID: o.ProjectID, Container: o.Container, Object: o.Name, Bytes: o.Stored})
}
