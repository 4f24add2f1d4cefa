package identity

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/page"
)

// columns are the sort keys of every list.
var columns = db.Columns{"id": "id", "name": "name", "created_at": "created_at"}

// insert stores a new row; one with the same id or name is Conflict.
func insert(ctx context.Context, idb bun.IDB, row any, what string) error {
	_, err := idb.NewInsert().Model(row).Exec(ctx)
	return db.Fault(err, "create %s", what)
}

// insertOnce stores a row unless the same is there, and reports whether it did.
func insertOnce(ctx context.Context, idb bun.IDB, row any, what string) (bool, error) {
	res, err := idb.NewInsert().Model(row).On("CONFLICT DO NOTHING").Exec(ctx)
	if err != nil {
		return false, db.Fault(err, "create %s", what)
	}
	n, err := res.RowsAffected()
	return n > 0, db.Fault(err, "create %s", what)
}

// load returns the row with an id.
func load[T any, ID ~string](ctx context.Context, idb bun.IDB, id ID, what string) (T, error) {
	var row T
	err := idb.NewSelect().Model(&row).Where("id = ?", string(id)).Scan(ctx)
	return row, db.Fault(err, "%s %s", what, id)
}

// loadMany returns the rows with these ids, by id; unknown ones are missing.
func loadMany[T any, ID ~string](ctx context.Context, idb bun.IDB, ids []ID, id func(T) ID) (map[ID]T, error) {
	found := make(map[ID]T, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	var rows []T
	if err := idb.NewSelect().Model(&rows).Where("id IN (?)", bun.List(ids)).Scan(ctx); err != nil {
		return nil, db.Fault(err, "look up %d ids", len(ids))
	}
	for _, row := range rows {
		found[id(row)] = row
	}
	return found, nil
}

// A nameIn is a name within a domain.
type nameIn struct {
	domain DomainID
	name   string
}

// loadNamed returns the row with a name within a domain.
func loadNamed[T any](ctx context.Context, idb bun.IDB, n nameIn) (T, error) {
	var row T
	err := idb.NewSelect().Model(&row).Where("domain_id = ? AND name = ?", n.domain, n.name).Scan(ctx)
	return row, db.Fault(err, "%q in domain %s", n.name, n.domain)
}

func domainNamed(ctx context.Context, idb bun.IDB, name string) (Domain, error) {
	var d Domain
	err := idb.NewSelect().Model(&d).Where("name = ?", name).Scan(ctx)
	return d, db.Fault(err, "domain %q", name)
}

// save writes every column of a row that exists.
func save(ctx context.Context, idb bun.IDB, row any, what string) error {
	_, err := idb.NewUpdate().Model(row).WherePK().Exec(ctx)
	return db.Fault(err, "update %s", what)
}

// remove deletes the rows of T that match and returns how many there were.
func remove[T any](ctx context.Context, idb bun.IDB, where string, args ...any) (int64, error) {
	row := new(T)
	res, err := idb.NewDelete().Model(row).Where(where, args...).Exec(ctx)
	if err != nil {
		return 0, db.Fault(err, "delete rows of %T", *row)
	}
	n, err := res.RowsAffected()
	return n, db.Fault(err, "delete rows of %T", *row)
}

// filter narrows a list by what most lists are narrowed by.
func filter(q *bun.SelectQuery, domain DomainID, name string, enabled *bool) *bun.SelectQuery {
	if domain != "" {
		q = q.Where("domain_id = ?", domain)
	}
	if name != "" {
		q = q.Where("name = ?", name)
	}
	if enabled != nil {
		q = q.Where("enabled = ?", *enabled)
	}
	return q
}

// listDomains lists all domains, or only one of them.
func listDomains(ctx context.Context, idb bun.IDB, q DomainQuery, only DomainID) (page.Of[Domain], error) {
	query := filter(idb.NewSelect().Model((*Domain)(nil)), "", q.Name, q.Enabled)
	if only != "" {
		query = query.Where("id = ?", only)
	}
	return db.List(ctx, query, byName(q.Query), columns, func(d Domain) string { return string(d.ID) })
}

func listProjects(ctx context.Context, idb bun.IDB, q ProjectQuery) (page.Of[Project], error) {
	query := filter(idb.NewSelect().Model((*Project)(nil)), q.DomainID, q.Name, q.Enabled)
	if q.ParentID != "" {
		query = query.Where("parent_id = ?", q.ParentID)
	}
	if q.IDs != nil {
		query = query.Where("id IN (?)", bun.List(append(q.IDs, "")))
	}
	query = withTags(query, q.Tags)
	return db.List(ctx, query, byName(q.Query), columns, func(p Project) string { return string(p.ID) })
}

// withTags compares with the JSON text that tags are stored as. LIKE would not
// tell a from A on SQLite.
func withTags(q *bun.SelectQuery, t TagQuery) *bun.SelectQuery {
	group := func(sep, between string, tags []string) {
		if len(tags) == 0 {
			return
		}
		q = q.Where("1 = 1").WhereGroup(sep, func(q *bun.SelectQuery) *bun.SelectQuery {
			for _, tag := range tags {
				text, _ := json.Marshal(tag) // a string always encodes
				one := func(q *bun.SelectQuery) *bun.SelectQuery {
					return q.Where("replace(tags, ?, '') <> tags", string(text))
				}
				q = q.WhereGroup(between, one)
			}
			return q
		})
	}
	group(" AND ", " AND ", t.All)
	group(" AND ", " OR ", t.Any)
	group(" AND NOT ", " AND ", t.NotAll)
	group(" AND NOT ", " OR ", t.None)
	return q
}

func listUsers(ctx context.Context, idb bun.IDB, q UserQuery) (page.Of[User], error) {
	query := filter(idb.NewSelect().Model((*User)(nil)), q.DomainID, q.Name, q.Enabled)
	if q.Group != "" {
		query = query.Where("id IN (SELECT user_id FROM identity_members WHERE group_id = ?)", q.Group)
	}
	return db.List(ctx, query, byName(q.Query), columns, func(u User) string { return string(u.ID) })
}

func listGroups(ctx context.Context, idb bun.IDB, q GroupQuery) (page.Of[Group], error) {
	query := filter(idb.NewSelect().Model((*Group)(nil)), q.DomainID, q.Name, nil)
	if q.User != "" {
		query = query.Where("id IN (SELECT group_id FROM identity_members WHERE user_id = ?)", q.User)
	}
	return db.List(ctx, query, byName(q.Query), columns, func(g Group) string { return string(g.ID) })
}

func listRoles(ctx context.Context, idb bun.IDB, q RoleQuery) (page.Of[Role], error) {
	query := filter(idb.NewSelect().Model((*Role)(nil)), "", q.Name, nil)
	if q.IDs != nil {
		query = query.Where("id IN (?)", bun.List(append(q.IDs, "")))
	} else {
		query = query.Where("domain_id = ?", q.DomainID)
	}
	return db.List(ctx, query, byName(q.Query), columns, func(r Role) string { return string(r.ID) })
}

func listCredentials(ctx context.Context, idb bun.IDB, q CredentialQuery) (page.Of[Credential], error) {
	query := filter(idb.NewSelect().Model((*Credential)(nil)), "", q.Name, nil).Where("user_id = ?", q.UserID)
	return db.List(ctx, query, byName(q.Query), columns, func(c Credential) string { return string(c.ID) })
}

// byName is the order of every list that was not asked for another.
func byName(q page.Query) page.Query {
	if len(q.Sort) == 0 {
		q.Sort = []page.Sort{{Key: "name"}}
	}
	return q
}

func implications(ctx context.Context, idb bun.IDB, of RoleID) ([]Implication, error) {
	var rows []Implication
	q := idb.NewSelect().Model(&rows).Order("role_id", "implies_id")
	if of != "" {
		q = q.Where("role_id = ?", of)
	}
	return rows, db.Fault(q.Scan(ctx), "list implied roles")
}

func groupsOf(ctx context.Context, idb bun.IDB, user UserID) ([]GroupID, error) {
	var ids []GroupID
	err := idb.NewSelect().Table("identity_members").Column("group_id").Where("user_id = ?", user).Scan(ctx, &ids)
	return ids, db.Fault(err, "groups of user %s", user)
}

func membersOf(ctx context.Context, idb bun.IDB, group GroupID) ([]UserID, error) {
	var ids []UserID
	err := idb.NewSelect().Table("identity_members").Column("user_id").Where("group_id = ?", group).Order("user_id").Scan(ctx, &ids)
	return ids, db.Fault(err, "members of group %s", group)
}

// assignmentsOf returns what is assigned to a user and to its groups, in any scope.
func assignmentsOf(ctx context.Context, idb bun.IDB, user UserID) ([]Assignment, error) {
	groups, err := groupsOf(ctx, idb, user)
	if err != nil {
		return nil, err
	}
	var rows []Assignment
	err = idb.NewSelect().Model(&rows).
		Where("user_id = ? OR (user_id = '' AND group_id IN (?))", user, bun.List(append(groups, "-"))).Scan(ctx)
	return rows, db.Fault(err, "assignments of user %s", user)
}

func listAssignments(ctx context.Context, idb bun.IDB, q AssignmentQuery) ([]Assignment, error) {
	var rows []Assignment
	s := idb.NewSelect().Model(&rows).Order("scope", "scope_id", "user_id", "group_id", "role_id")
	for column, value := range map[string]string{
		"user_id": string(q.UserID), "group_id": string(q.GroupID), "role_id": string(q.RoleID),
		"scope": q.Scope.Kind, "scope_id": q.Scope.ID,
	} {
		if value != "" {
			s = s.Where("? = ?", bun.Ident(column), value)
		}
	}
	if q.Inherited != nil {
		s = s.Where("inherited = ?", *q.Inherited)
	}
	return rows, db.Fault(s.Scan(ctx), "list assignments")
}

// An oldPassword is one that its user may not choose again yet.
type oldPassword struct {
	bun.BaseModel `bun:"table:identity_old_passwords"`

	UserID       UserID `bun:"user_id,pk"`
	ChangedAt    time.Time
	PasswordHash string
}

func oldPasswords(ctx context.Context, idb bun.IDB, user UserID, n int) ([]oldPassword, error) {
	var rows []oldPassword
	err := idb.NewSelect().Model(&rows).Where("user_id = ?", user).Order("changed_at DESC").Limit(int64(n)).Scan(ctx)
	return rows, db.Fault(err, "old passwords of user %s", user)
}

// A member is a user in a group.
type member struct {
	bun.BaseModel `bun:"table:identity_members"`

	GroupID GroupID `bun:"group_id,pk"`
	UserID  UserID  `bun:"user_id,pk"`
}

// A revocation is a token.Revocation and when it was made.
type revocation struct {
	bun.BaseModel `bun:"table:identity_revocations"`

	Subject string `bun:"subject,pk"`
	Before  time.Time
	MadeAt  time.Time
}

func storeRevocations(ctx context.Context, idb bun.IDB, revoked []token.Revocation, now time.Time) error {
	for _, v := range revoked {
		row := revocation{Subject: v.Subject, Before: v.Before, MadeAt: now}
		_, err := idb.NewInsert().Model(&row).
			On("CONFLICT (subject) DO UPDATE").Set("before = EXCLUDED.before, made_at = EXCLUDED.made_at").Exec(ctx)
		if err != nil {
			return db.Fault(err, "revoke %s", v.Subject)
		}
	}
	return nil
}

func revocationsSince(ctx context.Context, idb bun.IDB, since time.Time) ([]token.Revocation, error) {
	var rows []revocation
	if err := idb.NewSelect().Model(&rows).Where("made_at >= ?", since.UTC()).Order("made_at").Scan(ctx); err != nil {
		return nil, db.Fault(err, "list revocations")
	}
	out := make([]token.Revocation, len(rows))
	for i, r := range rows {
		out[i] = token.Revocation{Subject: r.Subject, Before: r.Before.UTC()}
	}
	return out, nil
}
