package volume

import (
	"context"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// Attach implements Service.
func (m *Manager) Attach(ctx context.Context, s AttachSpec) (Attachment, error) {
	if s.ID != "" {
		if old, err := loadAttachment(ctx, m.db.Read(), s.ID); err == nil {
			return old, identity.Allow(ctx, "volume:attach", old)
		}
	}
	v, err := m.allowed(ctx, s.VolumeID, "volume:attach")
	if err != nil {
		return Attachment{}, err
	}
	a := Attachment{ID: s.ID, VolumeID: v.ID, ProjectID: v.ProjectID, ServerID: s.ServerID, CreatedAt: db.Now()}
	if a.ID == "" {
		a.ID = AttachmentID(db.NewID())
	}
	return a, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		v, err := lockVolume(ctx, tx, v.ID)
		if err != nil {
			return err
		}
		if v.State() != string(Available) {
			return ErrState.Errorf("volume %s is %s: only an available volume can be attached", v.ID, v.State())
		}
		return insertAttachment(ctx, tx, &a)
	})
}

// Connect implements Service.
func (m *Manager) Connect(ctx context.Context, s ConnectSpec) (Attachment, error) {
	a, err := m.attachment(ctx, s.ID, "volume:connect")
	if err != nil {
		return Attachment{}, err
	}
	v, err := loadVolume(ctx, m.db.Read(), a.VolumeID)
	if err != nil {
		return Attachment{}, err
	}
	d, err := m.driver(v.Backend)
	if err != nil {
		return Attachment{}, err
	}
	if a.Connection, err = d.Connect(ctx, v, s.Host); err != nil {
		return Attachment{}, fault.Internal.Wrap(err, "backend %s: connect volume %s to host %s", v.Backend, v.ID, s.Host)
	}
	a.Host = s.Host
	return a, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return updateAttachment(ctx, tx, &a, "host", "connection")
	})
}

// Confirm implements Service.
func (m *Manager) Confirm(ctx context.Context, s ConfirmSpec) (Attachment, error) {
	a, err := m.attachment(ctx, s.ID, "volume:connect")
	if err != nil {
		return Attachment{}, err
	}
	a.Device = s.Device
	if !a.Attached() {
		a.AttachedAt = db.Now()
	}
	return a, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return updateAttachment(ctx, tx, &a, "device", "attached_at")
	})
}

// Attachment implements Service.
func (m *Manager) Attachment(ctx context.Context, id AttachmentID) (Attachment, error) {
	return m.attachment(ctx, id, "volume:show")
}

func (m *Manager) attachment(ctx context.Context, id AttachmentID, action string) (Attachment, error) {
	a, err := loadAttachment(ctx, m.db.Read(), id)
	if err != nil {
		return Attachment{}, err
	}
	return a, identity.Hide(identity.Allow(ctx, action, a), "attachment", string(id))
}

// Attachments implements Service.
func (m *Manager) Attachments(ctx context.Context, q AttachmentQuery) (page.Of[Attachment], error) {
	project, err := identity.ProjectToList(ctx, "volume:list", q.ProjectID, q.AllProjects)
	if err != nil {
		return page.Of[Attachment]{}, err
	}
	return listAttachments(ctx, m.db.Read(), project, q)
}

// Detach implements Service.
func (m *Manager) Detach(ctx context.Context, id AttachmentID) error {
	a, err := m.attachment(ctx, id, "volume:detach")
	if fault.Of(err) == fault.NotFound && err != nil {
		return nil
	}
	if err != nil {
		return err
	}
	if a.Host != "" && identity.Allow(ctx, "volume:connect", a) != nil {
		return fault.Conflict.Errorf("volume %s is open on the host of server %s: detach it from the server instead", a.VolumeID, a.ServerID)
	}
	v, err := loadVolume(ctx, m.db.Read(), a.VolumeID)
	if err != nil {
		return err
	}
	d, err := m.driver(v.Backend)
	if err != nil {
		return err
	}
	if dis, ok := d.(Disconnecter); ok && a.Host != "" {
		if err := dis.Disconnect(ctx, v, a.Host); err != nil {
			return fault.Internal.Wrap(err, "backend %s: disconnect volume %s from host %s", v.Backend, v.ID, a.Host)
		}
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return deleteAttachment(ctx, tx, id) })
}
