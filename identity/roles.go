package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// fixedRoles are those that rules rely on: they cannot be renamed or deleted.
var fixedRoles = []string{RoleAdmin, RoleManager, RoleMember, RoleReader, RoleService}

func fixed(r Role) bool { return r.DomainID == "" && slices.Contains(fixedRoles, r.Name) }

// CreateRole implements Service.
func (m *Manager) CreateRole(ctx context.Context, s RoleSpec) (Role, error) {
	if err := Allow(ctx, "identity:create_role", nil); err != nil {
		return Role{}, err
	}
	r := Role{
		ID: orNew(s.ID), DomainID: s.DomainID, Name: s.Name, Description: s.Description,
		Extra: s.Extra, CreatedAt: m.now(),
	}
	if err := check(texts{"role", r.Name, r.Description, maxName, r.Extra}); err != nil {
		return Role{}, err
	}
	err := m.write(ctx, func(ctx context.Context, tx *db.Tx, _ *revoking) error {
		if r.DomainID != "" {
			if _, err := load[Domain](ctx, tx, r.DomainID, "domain"); err != nil {
				return err
			}
		}
		return insert(ctx, tx, &r, "role "+r.Name)
	})
	return again[Role](ctx, m.db.Read(), s.ID, err)(r)
}

// Role implements Service.
func (m *Manager) Role(ctx context.Context, id RoleID) (Role, error) {
	if err := Allow(ctx, "identity:get_role", nil); err != nil {
		return Role{}, err
	}
	return load[Role](ctx, m.db.Read(), id, "role")
}

// Roles implements Service.
func (m *Manager) Roles(ctx context.Context, q RoleQuery) (page.Of[Role], error) {
	if err := Allow(ctx, "identity:list_roles", nil); err != nil {
		return page.Of[Role]{}, err
	}
	return listRoles(ctx, m.db.Read(), q)
}

// UpdateRole implements Service.
func (m *Manager) UpdateRole(ctx context.Context, p RolePatch) (Role, error) {
	var role Role
	if err := Allow(ctx, "identity:update_role", nil); err != nil {
		return role, err
	}
	err := m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) (err error) {
		if role, err = load[Role](ctx, tx, p.ID, "role"); err != nil {
			return err
		}
		old, wasFixed := role.Name, fixed(role)
		if set(&role.Name, p.Name) {
			if wasFixed {
				return fault.Forbidden.Errorf("role %s cannot be renamed: rules rely on it", old)
			}
			r.by(token.ByRole, old)
		}
		set(&role.Description, p.Description)
		role.Extra = role.Extra.with(p.Extra)
		if err := check(texts{"role", role.Name, role.Description, maxName, role.Extra}); err != nil {
			return err
		}
		return save(ctx, tx, &role, "role "+role.Name)
	})
	return role, err
}

// DeleteRole implements Service.
func (m *Manager) DeleteRole(ctx context.Context, id RoleID) error {
	if err := Allow(ctx, "identity:delete_role", nil); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) error {
		role, err := load[Role](ctx, tx, id, "role")
		if err != nil {
			return err
		}
		if fixed(role) {
			return fault.Forbidden.Errorf("role %s cannot be deleted: rules rely on it", role.Name)
		}
		g, err := rolesAndImplied(ctx, tx)
		if err != nil {
			return err
		}
		for _, lost := range g.expand(id) {
			r.by(token.ByRole, lost.Name)
		}
		_, err = remove[Role](ctx, tx, "id = ?", id)
		return err
	})
}

// Imply implements Service. Implying twice is implying once; a circle is Conflict.
func (m *Manager) Imply(ctx context.Context, i Implication) error {
	if err := Allow(ctx, "identity:create_implied_role", nil); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, _ *revoking) error {
		g, err := rolesAndImplied(ctx, tx)
		if err != nil {
			return err
		}
		prior, implied := g.roles[i.RoleID], g.roles[i.Implies]
		switch {
		case prior.ID == "" || implied.ID == "":
			return fault.NotFound.Errorf("role %s or role %s", i.RoleID, i.Implies)
		case implied.Name == RoleAdmin && fixed(implied):
			return fault.Forbidden.Errorf("no role can imply %s", RoleAdmin)
		case prior.DomainID == "" && implied.DomainID != "":
			return fault.Forbidden.Errorf("role %s of the cloud cannot imply role %s of a domain", prior.Name, implied.Name)
		case prior.ID == implied.ID || g.implies(i.Implies, i.RoleID):
			return fault.Conflict.Errorf("role %s already implies role %s: they would imply one another", implied.Name, prior.Name)
		}
		_, err = insertOnce(ctx, tx, &i, "implied role")
		return err
	})
}

// Unimply implements Service.
func (m *Manager) Unimply(ctx context.Context, i Implication) error {
	if err := Allow(ctx, "identity:delete_implied_role", nil); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) error {
		g, err := rolesAndImplied(ctx, tx)
		if err != nil {
			return err
		}
		n, err := remove[Implication](ctx, tx, "role_id = ? AND implies_id = ?", i.RoleID, i.Implies)
		if err != nil || n == 0 {
			return orNotFound(err, "role %s does not imply role %s", i.RoleID, i.Implies)
		}
		for _, lost := range g.expand(i.Implies) {
			r.by(token.ByRole, lost.Name)
		}
		return nil
	})
}

// Implications implements Service.
func (m *Manager) Implications(ctx context.Context, of RoleID) ([]Implication, error) {
	if err := Allow(ctx, "identity:list_implied_roles", nil); err != nil {
		return nil, err
	}
	if of != "" {
		if _, err := load[Role](ctx, m.db.Read(), of, "role"); err != nil {
			return nil, err
		}
	}
	return implications(ctx, m.db.Read(), of)
}

// roleGraph is every role and what it implies.
type roleGraph struct {
	roles   map[RoleID]Role
	implied map[RoleID][]RoleID
}

func rolesAndImplied(ctx context.Context, idb bun.IDB) (roleGraph, error) {
	g := roleGraph{roles: map[RoleID]Role{}, implied: map[RoleID][]RoleID{}}
	var roles []Role
	if err := idb.NewSelect().Model(&roles).Scan(ctx); err != nil {
		return g, db.Fault(err, "list roles")
	}
	for _, r := range roles {
		g.roles[r.ID] = r
	}
	rows, err := implications(ctx, idb, "")
	for _, i := range rows {
		g.implied[i.RoleID] = append(g.implied[i.RoleID], i.Implies)
	}
	return g, err
}

// expand returns the roles that ids come to, sorted by name: with all they
// imply, without those of domains.
func (g roleGraph) expand(ids ...RoleID) []Role {
	seen := map[RoleID]bool{}
	var out []Role
	for queue := slices.Clone(ids); len(queue) > 0; {
		id := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if seen[id] {
			continue
		}
		seen[id] = true
		queue = append(queue, g.implied[id]...)
		if r, ok := g.roles[id]; ok && r.DomainID == "" {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b Role) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func (g roleGraph) implies(id, other RoleID) bool {
	seen := map[RoleID]bool{}
	for queue := []RoleID{id}; len(queue) > 0; {
		next := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		if slices.Contains(g.implied[next], other) {
			return true
		}
		if !seen[next] {
			seen[next] = true
			queue = append(queue, g.implied[next]...)
		}
	}
	return false
}
