package image

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// AddMember implements Service.
func (m *Manager) AddMember(ctx context.Context, id MemberID) (Member, error) {
	if !word(id.ProjectID, maxText) {
		return Member{}, fault.Invalid.Errorf("member %.40q is not a project", id.ProjectID)
	}
	out := Member{ImageID: id.ImageID, ProjectID: id.ProjectID, Status: Pending, CreatedAt: db.Now(), UpdatedAt: db.Now()}
	return out, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockImage(ctx, tx, id.ImageID); err != nil {
			return err
		}
		i, err := allowed(ctx, tx, id.ImageID, "image:member:add")
		if err != nil {
			return err
		}
		if i.Visibility != Shared {
			return fault.Forbidden.Errorf("image %s is %s: only a shared image has members", i.ID, i.Visibility)
		}
		there, err := listMembers(ctx, tx, i.ID)
		if err != nil {
			return err
		}
		if len(there) >= maxMembers {
			return fault.OverQuota.Errorf("image %s has %d members already, which is the most", i.ID, len(there))
		}
		return insertMember(ctx, tx, &out)
	})
}

// Member implements Service.
func (m *Manager) Member(ctx context.Context, id MemberID) (Member, error) {
	return m.member(ctx, m.db.Read(), id, "image:member:show")
}

// member loads an offer that the caller may do action to.
func (m *Manager) member(ctx context.Context, idb bun.IDB, id MemberID, action string) (Member, error) {
	v, err := look(ctx, idb, id.ImageID)
	if err != nil {
		return Member{}, err
	}
	v.member = id.ProjectID
	if err := identity.Allow(ctx, action, v); err != nil {
		return Member{}, identity.Hide(err, "image", string(id.ImageID))
	}
	if v.openTo != "" && id.ProjectID != v.openTo && !identity.CallerOf(ctx).Admin() {
		return Member{}, missing(fault.NotFound, "member", id.ProjectID) // offers to others are not for its eyes
	}
	return loadMember(ctx, idb, id)
}

// Members implements Service.
func (m *Manager) Members(ctx context.Context, id ID) ([]Member, error) {
	v, err := look(ctx, m.db.Read(), id)
	if err == nil {
		err = identity.Hide(identity.Allow(ctx, "image:member:show", v), "image", string(id))
	}
	if err != nil {
		return nil, err
	}
	all, err := listMembers(ctx, m.db.Read(), id)
	if v.openTo != "" && !identity.CallerOf(ctx).Admin() {
		all = slices.DeleteFunc(all, func(o Member) bool { return o.ProjectID != v.openTo })
	}
	return all, err
}

// UpdateMember implements Service.
func (m *Manager) UpdateMember(ctx context.Context, s MemberSpec) (out Member, err error) {
	if !slices.Contains([]MemberStatus{Pending, Accepted, Rejected}, s.Status) {
		return Member{}, fault.Invalid.Errorf("member status %.40q: use pending, accepted or rejected", s.Status)
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if out, err = m.member(ctx, tx, s.MemberID, "image:member:update"); err != nil {
			return err
		}
		out.Status, out.UpdatedAt = s.Status, db.Now()
		return updateMember(ctx, tx, &out)
	})
	return out, err
}

// RemoveMember implements Service.
func (m *Manager) RemoveMember(ctx context.Context, id MemberID) error {
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if _, err := m.member(ctx, tx, id, "image:member:remove"); err != nil {
			return err
		}
		return deleteMember(ctx, tx, id)
	})
}
