package identity

import (
	"cmp"
	"context"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// CreateGroup implements Service.
func (m *Manager) CreateGroup(ctx context.Context, s GroupSpec) (Group, error) {
	g := Group{
		ID: orNew(s.ID), DomainID: cmp.Or(s.DomainID, homeDomain(ctx)), Name: s.Name, Description: s.Description,
		Extra: s.Extra, CreatedAt: m.now(),
	}
	err := may(ctx, "identity:create_group", func() (Target, error) { return held{domain: g.DomainID}, nil })
	if err != nil {
		return Group{}, err
	}
	if err := check(texts{"group", g.Name, g.Description, maxShortName, g.Extra}); err != nil {
		return Group{}, err
	}
	err = m.write(ctx, func(ctx context.Context, tx *db.Tx, _ *revoking) error {
		if _, err := load[Domain](ctx, tx, g.DomainID, "domain"); err != nil {
			return err
		}
		return insert(ctx, tx, &g, "group "+g.Name)
	})
	return again[Group](ctx, m.db.Read(), s.ID, err)(g)
}

func (m *Manager) mayGroup(ctx context.Context, action string, id GroupID) error {
	return may(ctx, action, func() (Target, error) {
		g, err := load[Group](ctx, m.db.Read(), id, "group")
		return held{domain: g.DomainID}, err
	})
}

// Group implements Service.
func (m *Manager) Group(ctx context.Context, id GroupID) (Group, error) {
	if err := m.mayGroup(ctx, "identity:get_group", id); err != nil {
		return Group{}, err
	}
	return load[Group](ctx, m.db.Read(), id, "group")
}

// Groups implements Service.
func (m *Manager) Groups(ctx context.Context, q GroupQuery) (page.Of[Group], error) {
	if q.User != "" {
		if err := m.mayAboutUser(ctx, "identity:list_groups_for_user", q.User); err != nil {
			return page.Of[Group]{}, err
		}
		return listGroups(ctx, m.db.Read(), q)
	}
	domain, err := mayList(ctx, "identity:list_groups", q.DomainID)
	if err != nil {
		return page.Of[Group]{}, err
	}
	q.DomainID = domain
	return listGroups(ctx, m.db.Read(), q)
}

// UpdateGroup implements Service.
func (m *Manager) UpdateGroup(ctx context.Context, p GroupPatch) (Group, error) {
	var g Group
	if err := m.mayGroup(ctx, "identity:update_group", p.ID); err != nil {
		return g, err
	}
	err := m.write(ctx, func(ctx context.Context, tx *db.Tx, _ *revoking) (err error) {
		if g, err = load[Group](ctx, tx, p.ID, "group"); err != nil {
			return err
		}
		set(&g.Name, p.Name)
		set(&g.Description, p.Description)
		g.Extra = g.Extra.with(p.Extra)
		if err := check(texts{"group", g.Name, g.Description, maxShortName, g.Extra}); err != nil {
			return err
		}
		return save(ctx, tx, &g, "group "+g.Name)
	})
	return g, err
}

// DeleteGroup implements Service.
func (m *Manager) DeleteGroup(ctx context.Context, id GroupID) error {
	if err := m.mayGroup(ctx, "identity:delete_group", id); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) error {
		if err := mayChange(ctx, tx, id); err != nil {
			return err
		}
		members, err := membersOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if n, err := remove[Group](ctx, tx, "id = ?", id); err != nil || n == 0 {
			return orNotFound(err, "group %s", id)
		}
		for _, user := range members {
			r.by(token.ByUser, string(user))
		}
		_, err = remove[Assignment](ctx, tx, "group_id = ?", id)
		return err
	})
}

// AddMember implements Service. Adding twice is adding once.
func (m *Manager) AddMember(ctx context.Context, s Membership) error {
	if err := m.mayMember(ctx, "identity:add_user_to_group", s); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, _ *revoking) error {
		if _, err := load[Group](ctx, tx, s.GroupID, "group"); err != nil {
			return err
		}
		if _, err := load[User](ctx, tx, s.UserID, "user"); err != nil {
			return err
		}
		if err := mayChange(ctx, tx, s.GroupID); err != nil {
			return err
		}
		_, err := insertOnce(ctx, tx, &member{GroupID: s.GroupID, UserID: s.UserID}, "member")
		return err
	})
}

// mayMember checks an action on a membership: both its group and its user must
// be in the caller's domain.
func (m *Manager) mayMember(ctx context.Context, action string, s Membership) error {
	if err := m.mayGroup(ctx, action, s.GroupID); err != nil {
		return err
	}
	return m.mayUser(ctx, action, s.UserID)
}

// mayChange refuses to change a group with roles that the caller could not give.
func mayChange(ctx context.Context, tx *db.Tx, id GroupID) error {
	rows, err := listAssignments(ctx, tx, AssignmentQuery{GroupID: id})
	if err != nil {
		return err
	}
	return mayGive(ctx, tx, rows...)
}

// Member implements Service.
func (m *Manager) Member(ctx context.Context, s Membership) error {
	if err := m.mayMember(ctx, "identity:check_user_in_group", s); err != nil {
		return err
	}
	n, err := m.db.Read().NewSelect().Model((*member)(nil)).
		Where("group_id = ? AND user_id = ?", s.GroupID, s.UserID).Count(ctx)
	if err != nil {
		return db.Fault(err, "members of group %s", s.GroupID)
	}
	if n == 0 {
		return fault.NotFound.Errorf("user %s is not in group %s", s.UserID, s.GroupID)
	}
	return nil
}

// RemoveMember implements Service.
func (m *Manager) RemoveMember(ctx context.Context, s Membership) error {
	if err := m.mayMember(ctx, "identity:remove_user_from_group", s); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) error {
		if err := mayChange(ctx, tx, s.GroupID); err != nil {
			return err
		}
		n, err := remove[member](ctx, tx, "group_id = ? AND user_id = ?", s.GroupID, s.UserID)
		if err != nil || n == 0 {
			return orNotFound(err, "user %s is not in group %s", s.UserID, s.GroupID)
		}
		r.by(token.ByUser, string(s.UserID))
		return nil
	})
}
