package network

import (
	"context"
	"errors"
	"slices"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// CreateSecurityGroup implements Service.
func (m *Manager) CreateSecurityGroup(ctx context.Context, s SecurityGroupSpec) (SecurityGroup, error) {
	project, err := m.owner(ctx, "network:group:create", s.ProjectID)
	if err != nil {
		return SecurityGroup{}, err
	}
	if s.ID != "" {
		if old, err := loadGroup(ctx, m.db.Read(), s.ID); err == nil {
			return old, identity.Allow(ctx, "network:group:create", old)
		}
	}
	if _, err := m.defaultOf(ctx, project); err != nil {
		return SecurityGroup{}, err
	}
	if s.Name == DefaultGroup {
		return SecurityGroup{}, fault.Conflict.Errorf("project %s has its default security group already", project)
	}
	g, err := newGroup(project, s)
	if err != nil {
		return g, err
	}
	return g, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := m.reserve(ctx, tx, project, ResourceGroups, 1); err != nil {
			return err
		}
		if err := m.reserve(ctx, tx, project, ResourceRules, int64(len(g.Rules))); err != nil {
			return err
		}
		return insertGroup(ctx, tx, &g)
	})
}

// newGroup returns a group that lets everything out.
func newGroup(project string, s SecurityGroupSpec) (SecurityGroup, error) {
	g := SecurityGroup{ID: s.ID}
	var err error
	if g.Attributes, err = attributes(&g.ID, project, s.Base); err != nil {
		return g, err
	}
	for _, v6 := range []bool{false, true} {
		g.Rules = append(g.Rules, Rule{IPv6: v6})
	}
	return g, nil
}

// insertGroup inserts g with its rules, which it completes.
func insertGroup(ctx context.Context, tx *db.Tx, g *SecurityGroup) error {
	for i := range g.Rules {
		r := &g.Rules[i]
		r.ID, r.GroupID, r.ProjectID, r.CreatedAt = RuleID(db.NewID()), g.ID, g.ProjectID, g.CreatedAt
	}
	if err := insert(ctx, tx, g, "security group "+string(g.ID)); err != nil {
		return err
	}
	return insert(ctx, tx, &g.Rules, "rules of security group "+string(g.ID))
}

// defaultOf returns the id of the default group of a project, which it makes if
// it is missing: everything may go out, and members reach each other.
func (m *Manager) defaultOf(ctx context.Context, project string) (SecurityGroupID, error) {
	old, err := defaultGroup(ctx, m.db.Read(), project)
	if !errors.Is(err, fault.NotFound) || project == "" {
		return old.ID, err
	}
	g, err := newGroup(project, SecurityGroupSpec{Base: Base{Name: DefaultGroup, Description: "Default security group"}})
	if err != nil {
		return "", err
	}
	g.Default = true
	for _, v6 := range []bool{false, true} {
		g.Rules = append(g.Rules, Rule{Ingress: true, IPv6: v6, RemoteGroup: g.ID})
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return insertGroup(ctx, tx, &g) })
	if errors.Is(err, fault.Conflict) { // somebody was first
		old, err = defaultGroup(ctx, m.db.Read(), project)
		return old.ID, err
	}
	return g.ID, err
}

// SecurityGroup implements Service.
func (m *Manager) SecurityGroup(ctx context.Context, id SecurityGroupID) (SecurityGroup, error) {
	g, err := loadGroup(ctx, m.db.Read(), id)
	if err != nil {
		return SecurityGroup{}, err
	}
	return asMissing(g, identity.Allow(ctx, "network:group:show", g), "security group", string(id))
}

// SecurityGroups implements Service.
func (m *Manager) SecurityGroups(ctx context.Context, q Query) (page.Of[SecurityGroup], error) {
	project, err := seen(ctx)
	if err != nil {
		return page.Of[SecurityGroup]{}, err
	}
	if c := identity.CallerOf(ctx); c.ProjectID != "" {
		if _, err := m.defaultOf(ctx, c.ProjectID); err != nil {
			return page.Of[SecurityGroup]{}, err
		}
	}
	return listGroups(ctx, m.db.Read(), project, q)
}

// UpdateSecurityGroup implements Service.
func (m *Manager) UpdateSecurityGroup(ctx context.Context, p SecurityGroupPatch) (SecurityGroup, error) {
	g, err := m.SecurityGroup(ctx, p.ID)
	if err == nil {
		err = identity.Allow(ctx, "network:group:update", g)
	}
	if err != nil {
		return SecurityGroup{}, err
	}
	if p.Name != nil && (*p.Name == DefaultGroup) != g.Default {
		return SecurityGroup{}, fault.Conflict.Errorf("security group %s: %q is the name of the default group and of no other", p.ID, DefaultGroup)
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if g, err = loadGroup(ctx, tx, p.ID); err != nil {
			return err
		}
		if err := g.change(p.BasePatch); err != nil {
			return err
		}
		return update(ctx, tx, &g, "security group "+string(g.ID))
	})
	return g, err
}

// DeleteSecurityGroup implements Service.
func (m *Manager) DeleteSecurityGroup(ctx context.Context, id SecurityGroupID) error {
	g, err := m.SecurityGroup(ctx, id)
	if err == nil {
		err = identity.Allow(ctx, "network:group:delete", g)
	}
	if err != nil {
		return err
	}
	if g.Default && !identity.CallerOf(ctx).Admin() {
		return fault.Conflict.Errorf("security group %s is the default one: it cannot be deleted", id)
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		used, err := exists(ctx, tx, (*portGroup)(nil), "group_id = ?", id)
		if err != nil {
			return err
		}
		if used {
			return ErrInUse.Errorf("security group %s in use: a port has it", id)
		}
		if _, err := remove(ctx, tx, (*Rule)(nil), "group_id = ? OR remote_group = ?", id, id); err != nil {
			return err
		}
		_, err = remove(ctx, tx, (*SecurityGroup)(nil), "id = ?", id)
		return err
	})
	if err == nil {
		m.groupChanged(ctx, id)
	}
	return err
}

// groupsFor checks the groups that a port of a project shall have, and returns
// them sorted.
func (m *Manager) groupsFor(ctx context.Context, project string, want []SecurityGroupID) ([]SecurityGroupID, error) {
	want = slices.Clone(want)
	slices.Sort(want)
	want = slices.Compact(want)
	if len(want) > maxList {
		return nil, fault.Invalid.Errorf("a port has at most %d security groups", maxList)
	}
	for _, id := range want {
		g, err := m.SecurityGroup(ctx, id)
		if err != nil {
			return nil, err
		}
		if g.ProjectID != project && !identity.CallerOf(ctx).Admin() {
			return nil, fault.NotFound.Errorf("security group %s could not be found", id)
		}
	}
	return want, nil
}
