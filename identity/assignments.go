package identity

import (
	"cmp"
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Assign implements Service.
func (m *Manager) Assign(ctx context.Context, a Assignment) error {
	if err := m.mayAssign(ctx, "identity:create_grant", a); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, _ *revoking) error {
		if err := checkAssignment(ctx, tx, a); err != nil {
			return err
		}
		if err := mayGive(ctx, tx, a); err != nil {
			return err
		}
		_, err := insertOnce(ctx, tx, &a, "assignment")
		return err
	})
}

// mayAssign checks an action on an assignment. A domain's manager may act on
// scopes, users and groups of that domain.
func (m *Manager) mayAssign(ctx context.Context, action string, a Assignment) error {
	err := may(ctx, action, func() (Target, error) {
		domain, err := domainOf(ctx, m.db.Read(), a.Scope)
		return held{domain: domain}, err
	})
	if err != nil || CallerOf(ctx).Admin() {
		return err
	}
	if a.UserID != "" {
		return m.mayUser(ctx, action, a.UserID)
	}
	if a.GroupID != "" {
		return m.mayGroup(ctx, action, a.GroupID)
	}
	return nil
}

// domainOf returns the domain that a scope is in, or nothing for the system.
func domainOf(ctx context.Context, idb bun.IDB, s Scope) (DomainID, error) {
	switch s.Kind {
	case ScopeProject:
		p, err := load[Project](ctx, idb, ProjectID(s.ID), "project")
		return p.DomainID, err
	case ScopeDomain:
		return DomainID(s.ID), nil
	}
	return "", nil
}

// mayGive refuses to give or take roles that the caller lacks itself, and to
// change who has them: whoever sets an administrator's password is one.
func mayGive(ctx context.Context, idb bun.IDB, given ...Assignment) error {
	c := CallerOf(ctx)
	if c.Admin() || len(given) == 0 {
		return nil
	}
	g, err := rolesAndImplied(ctx, idb)
	if err != nil {
		return err
	}
	for _, a := range given {
		for _, r := range g.expand(a.RoleID) {
			if !c.Has(r.Name) {
				return fault.Forbidden.Errorf("role %s is needed to give it, to take it, or to change who has it", r.Name)
			}
		}
	}
	return nil
}

// checkAssignment refuses what names something that is not there.
func checkAssignment(ctx context.Context, idb bun.IDB, a Assignment) error {
	if (a.UserID == "") == (a.GroupID == "") {
		return fault.Invalid.Errorf("a role is assigned either to a user or to a group")
	}
	if _, err := load[Role](ctx, idb, a.RoleID, "role"); err != nil {
		return err
	}
	var err error
	if a.UserID != "" {
		_, err = load[User](ctx, idb, a.UserID, "user")
	} else {
		_, err = load[Group](ctx, idb, a.GroupID, "group")
	}
	if err != nil {
		return err
	}
	switch a.Scope.Kind {
	case ScopeProject:
		_, err = load[Project](ctx, idb, ProjectID(a.Scope.ID), "project")
	case ScopeDomain:
		_, err = load[Domain](ctx, idb, DomainID(a.Scope.ID), "domain")
	case ScopeSystem:
		if a.Scope != OnSystem() || a.Inherited {
			err = fault.Invalid.Errorf("the system is one and has nothing below it")
		}
	default:
		err = fault.Invalid.Errorf("there is no scope %q", a.Scope.Kind)
	}
	return err
}

// exactly matches one assignment.
func exactly(a Assignment) (string, []any) {
	return "user_id = ? AND group_id = ? AND role_id = ? AND scope = ? AND scope_id = ? AND inherited = ?",
		[]any{a.UserID, a.GroupID, a.RoleID, a.Scope.Kind, a.Scope.ID, a.Inherited}
}

// Assigned implements Service.
func (m *Manager) Assigned(ctx context.Context, a Assignment) error {
	if err := m.mayAssign(ctx, "identity:check_grant", a); err != nil {
		return err
	}
	where, args := exactly(a)
	n, err := m.db.Read().NewSelect().Model((*Assignment)(nil)).Where(where, args...).Count(ctx)
	if err != nil {
		return db.Fault(err, "look up an assignment")
	}
	if n == 0 {
		return fault.NotFound.Errorf("role %s is not assigned to %s there", a.RoleID, cmp.Or(string(a.UserID), string(a.GroupID)))
	}
	return nil
}

// Unassign implements Service. The tokens that carried the role are taken back.
func (m *Manager) Unassign(ctx context.Context, a Assignment) error {
	if err := m.mayAssign(ctx, "identity:revoke_grant", a); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) error {
		if err := mayGive(ctx, tx, a); err != nil {
			return err
		}
		where, args := exactly(a)
		if n, err := remove[Assignment](ctx, tx, where, args...); err != nil || n == 0 {
			return orNotFound(err, "role %s is not assigned to %s there", a.RoleID, cmp.Or(string(a.UserID), string(a.GroupID)))
		}
		users := []UserID{a.UserID}
		if a.GroupID != "" {
			var err error
			if users, err = membersOf(ctx, tx, a.GroupID); err != nil {
				return err
			}
		}
		for _, user := range users {
			if a.Inherited {
				r.by(token.ByUser, string(user))
			} else {
				r.by(token.ByGrant, token.GrantSubject(string(user), a.Scope.Kind, a.Scope.ID))
			}
		}
		return nil
	})
}

// Assignments implements Service.
func (m *Manager) Assignments(ctx context.Context, q AssignmentQuery) ([]Assignment, error) {
	err := may(ctx, "identity:list_role_assignments", func() (Target, error) {
		domain, err := domainOf(ctx, m.db.Read(), q.Scope)
		return held{domain: domain}, err
	})
	if err != nil {
		return nil, err
	}
	if q.Effective {
		return m.effectiveAssignments(ctx, q)
	}
	return listAssignments(ctx, m.db.Read(), q)
}

// effectiveAssignments turns what is stored into what users may do, then filters.
func (m *Manager) effectiveAssignments(ctx context.Context, q AssignmentQuery) ([]Assignment, error) {
	idb := m.db.Read()
	rows, err := m.assignmentsFor(ctx, idb, q)
	if err != nil {
		return nil, err
	}
	g, err := rolesAndImplied(ctx, idb)
	if err != nil {
		return nil, err
	}
	members := map[GroupID][]UserID{}
	var out []Assignment
	for _, row := range rows {
		users := []UserID{row.UserID}
		if row.GroupID != "" {
			if users = members[row.GroupID]; users == nil {
				if users, err = membersOf(ctx, idb, row.GroupID); err != nil {
					return nil, err
				}
				members[row.GroupID] = users
			}
		}
		scopes := []Scope{row.Scope}
		if row.Inherited {
			if scopes, err = below(ctx, idb, row.Scope); err != nil {
				return nil, err
			}
		}
		for _, user := range users {
			for _, scope := range scopes {
				for _, role := range g.expand(row.RoleID) {
					out = append(out, Assignment{UserID: user, RoleID: role.ID, Scope: scope})
				}
			}
		}
	}
	out = slices.DeleteFunc(out, func(a Assignment) bool {
		return q.UserID != "" && a.UserID != q.UserID || q.RoleID != "" && a.RoleID != q.RoleID ||
			q.Scope.Kind != "" && a.Scope.Kind != q.Scope.Kind || q.Scope.ID != "" && a.Scope.ID != q.Scope.ID
	})
	slices.SortFunc(out, compareAssignments)
	return slices.Compact(out), nil
}

func compareAssignments(a, b Assignment) int {
	return cmp.Or(
		cmp.Compare(a.Scope.Kind, b.Scope.Kind), cmp.Compare(a.Scope.ID, b.Scope.ID),
		cmp.Compare(a.UserID, b.UserID), cmp.Compare(a.RoleID, b.RoleID),
	)
}

func (m *Manager) assignmentsFor(ctx context.Context, idb bun.IDB, q AssignmentQuery) ([]Assignment, error) {
	if q.UserID != "" {
		return assignmentsOf(ctx, idb, q.UserID)
	}
	return listAssignments(ctx, idb, AssignmentQuery{GroupID: q.GroupID})
}

// below returns the projects in a domain, or under a project.
func below(ctx context.Context, idb bun.IDB, s Scope) ([]Scope, error) {
	var scopes []Scope
	column, above := "parent_id", []string{s.ID}
	if s.Kind == ScopeDomain {
		column = "domain_id"
	}
	for len(above) > 0 {
		var ids []string
		err := idb.NewSelect().Model((*Project)(nil)).Column("id").
			Where("? IN (?)", bun.Ident(column), bun.List(above)).Scan(ctx, &ids)
		if err != nil {
			return nil, db.Fault(err, "projects below %s", s.ID)
		}
		for _, id := range ids {
			scopes = append(scopes, On(ProjectID(id)))
		}
		if above = ids; s.Kind == ScopeDomain {
			break
		}
	}
	return scopes, nil
}

// rolesIn returns the roles that a user has in a scope, with all they imply.
func rolesIn(ctx context.Context, idb bun.IDB, user UserID, s Scope) ([]Role, error) {
	rows, err := assignmentsOf(ctx, idb, user)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	holds := map[Assignment]bool{{Scope: s}: true}
	if s.Kind == ScopeProject {
		for id := ProjectID(s.ID); id != ""; {
			p, err := load[Project](ctx, idb, id, "project")
			if err != nil {
				return nil, err
			}
			holds[Assignment{Scope: OnDomain(p.DomainID), Inherited: true}] = true
			if id = p.ParentID; id != "" {
				holds[Assignment{Scope: On(id), Inherited: true}] = true
			}
		}
	}
	var ids []RoleID
	for _, a := range rows {
		if holds[Assignment{Scope: a.Scope, Inherited: a.Inherited}] {
			ids = append(ids, a.RoleID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	g, err := rolesAndImplied(ctx, idb)
	return g.expand(ids...), err
}

// A reach is where a user has some role.
type reach struct {
	projects []ProjectID
	domains  []DomainID
	system   bool
}

func reachOf(ctx context.Context, idb bun.IDB, user UserID) (reach, error) {
	var r reach
	rows, err := assignmentsOf(ctx, idb, user)
	if err != nil {
		return r, err
	}
	for _, a := range rows {
		scopes := []Scope{a.Scope}
		if a.Inherited {
			if scopes, err = below(ctx, idb, a.Scope); err != nil {
				return r, err
			}
		}
		for _, s := range scopes {
			switch s.Kind {
			case ScopeProject:
				r.projects = append(r.projects, ProjectID(s.ID))
			case ScopeDomain:
				r.domains = append(r.domains, DomainID(s.ID))
			case ScopeSystem:
				r.system = true
			}
		}
	}
	return r, nil
}
