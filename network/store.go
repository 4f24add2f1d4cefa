package network

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"strings"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// A filter bounds one attribute of a list to values.
type filter func(q *bun.SelectQuery, values []string) error

// text is the filter of a column that holds text.
func text(column string) filter {
	return func(q *bun.SelectQuery, values []string) error {
		q.Where("?TableAlias.? IN (?)", bun.Ident(column), bun.List(values))
		return nil
	}
}

// flag is the filter of a column that says yes or no.
func flag(column string) filter { return flagOf(`?TableAlias."` + column + `"`) }

// flagOf is the filter of what an SQL expression says.
func flagOf(expression string) filter {
	return func(q *bun.SelectQuery, values []string) error {
		var yes, no bool
		for _, v := range values {
			switch strings.ToLower(v) {
			case "true", "1", "yes", "t", "y", "on":
				yes = true
			case "false", "0", "no", "f", "n", "off":
				no = true
			default:
				return fault.Invalid.Errorf("%q is neither true nor false", v)
			}
		}
		if yes != no {
			q.Where(expression+" = ?", yes)
		}
		return nil
	}
}

// always is the filter of an attribute that has one value for all things.
func always(value string) filter {
	return func(q *bun.SelectQuery, values []string) error {
		for _, v := range values {
			if strings.EqualFold(v, value) {
				return nil
			}
		}
		q.Where("1 = 0")
		return nil
	}
}

// standard adds the attributes that all things have.
func standard(filters map[string]filter) map[string]filter {
	for _, column := range []string{"id", "project_id", "name", "description"} {
		filters[column] = text(column)
	}
	filters["tenant_id"], filters["revision_number"] = text("project_id"), text("revision")
	return filters
}

// sortable are the attributes that every list may be sorted by, and those of one kind.
func sortable(more ...string) db.Columns {
	c := db.Columns{"id": "id", "created_at": "created_at", "name": "name", "project_id": "project_id"}
	for _, column := range more {
		c[column] = column
	}
	return c
}

// narrow applies q to a list whose things have filters.
func narrow(query *bun.SelectQuery, q Query, filters map[string]filter) error {
	for name, values := range q.Where {
		f, ok := filters[name]
		if !ok {
			return fault.Invalid.Errorf("there is no attribute %q to search by", name)
		}
		if err := f(query, values); err != nil {
			return err
		}
	}
	if !q.ChangedSince.IsZero() {
		query.Where("?TableAlias.updated_at >= ?", q.ChangedSince.UTC())
	}
	for _, t := range q.Tags {
		query.Where(tagged("<>"), quoted(t))
	}
	for _, t := range q.NoneOfTags {
		query.Where(tagged("="), quoted(t))
	}
	anyOf(query, q.AnyTags, "<>")
	anyOf(query, q.NotTags, "=")
	return nil
}

func anyOf(query *bun.SelectQuery, tags []string, operator string) {
	if len(tags) == 0 {
		return
	}
	query.WhereGroup(" AND ", func(g *bun.SelectQuery) *bun.SelectQuery {
		for _, t := range tags {
			g.WhereOr(tagged(operator), quoted(t))
		}
		return g
	})
}

// tagged is true when the tags, a JSON text, do or do not hold one. LIKE would
// not do: SQLite's ignores case.
func tagged(operator string) string {
	return "REPLACE(COALESCE(?TableAlias.tags, ''), ?, '') " + operator + " COALESCE(?TableAlias.tags, '')"
}

func quoted(tag string) string {
	text, _ := json.Marshal(tag) // a string always encodes
	return string(text)
}

// list returns a page of the things of project, or of all when it is empty.
func list[T any](ctx context.Context, query *bun.SelectQuery, q Query, project string, l listing[T]) (page.Of[T], error) {
	if project != "" {
		query.WhereGroup(" AND ", func(g *bun.SelectQuery) *bun.SelectQuery {
			g.Where("?TableAlias.project_id = ?", project)
			if l.shared != "" {
				g.WhereOr(l.shared)
			}
			return g
		})
	}
	if err := narrow(query, q, l.filters); err != nil {
		return page.Of[T]{}, err
	}
	return db.List(ctx, query, q.Query, l.columns, l.id)
}

// A listing is how one kind of thing is listed.
type listing[T any] struct {
	filters map[string]filter
	columns db.Columns
	id      func(T) string
	shared  string // SQL that is true for what all projects see
}

// missing words an error about one row.
func missing(err error, what string, id string) error {
	if fault.Of(db.Fault(err, "")) == fault.NotFound {
		return fault.NotFound.Errorf("%s %s could not be found", what, id)
	}
	return db.Fault(err, "%s %s", what, id)
}

func insert(ctx context.Context, tx bun.IDB, row any, what string) error {
	_, err := tx.NewInsert().Model(row).Exec(ctx)
	return db.Fault(err, "insert %s", what)
}

// update writes all of a row but its tags, which have their own calls.
func update(ctx context.Context, tx bun.IDB, row any, what string) error {
	_, err := tx.NewUpdate().Model(row).ExcludeColumn("tags").WherePK().Exec(ctx)
	return db.Fault(err, "update %s", what)
}

// remove deletes rows of a model's table and reports how many there were.
func remove(ctx context.Context, tx bun.IDB, model any, where string, args ...any) (int64, error) {
	res, err := tx.NewDelete().Model(model).Where(where, args...).Exec(ctx)
	if err != nil {
		return 0, db.Fault(err, "delete")
	}
	n, err := res.RowsAffected()
	return n, db.Fault(err, "delete")
}

func exists(ctx context.Context, idb bun.IDB, model any, where string, args ...any) (bool, error) {
	found, err := idb.NewSelect().Model(model).Where(where, args...).Exists(ctx)
	return found, db.Fault(err, "search")
}

// tables of what a project's quota counts.
var counted = map[string]any{
	ResourceNetworks: (*Network)(nil), ResourceSubnets: (*Subnet)(nil), ResourcePorts: (*Port)(nil),
	ResourcePools: (*SubnetPool)(nil), ResourceRouters: (*Router)(nil), ResourceFloating: (*FloatingIP)(nil),
	ResourceGroups: (*SecurityGroup)(nil), ResourceRules: (*Rule)(nil),
}

// usageOf counts one resource.
func usageOf(resource string) quota.Usage {
	return func(ctx context.Context, idb bun.IDB, project string) (quota.Amount, error) {
		var n int64
		err := idb.NewSelect().Model(counted[resource]).ColumnExpr("COUNT(*)").Where("project_id = ?", project).Scan(ctx, &n)
		return quota.Amount{resource: n}, db.Fault(err, "count the %ss of project %s", resource, project)
	}
}

// usage is a quota.Usage.
func usage(ctx context.Context, idb bun.IDB, project string) (quota.Amount, error) {
	all := quota.Amount{ResourceSharing: 0}
	for resource := range counted {
		used, err := usageOf(resource)(ctx, idb, project)
		if err != nil {
			return nil, err
		}
		maps.Copy(all, used)
	}
	return all, nil
}

// lockTags returns the tags of a thing, which nobody else changes until the end of tx.
func lockTags(ctx context.Context, tx *db.Tx, model any, id string) (tags []string, err error) {
	if err := tx.Lock(ctx, "network/tags/"+id); err != nil {
		return nil, err
	}
	var text sql.NullString
	if err := tx.NewSelect().Model(model).Column("tags").Where("id = ?", id).Scan(ctx, &text); err != nil {
		return nil, missing(err, "the tags of", id)
	}
	if text.Valid {
		err = json.Unmarshal([]byte(text.String), &tags)
	}
	return tags, fault.Internal.Wrap(err, "tags of %s", id)
}

func setTags(ctx context.Context, tx bun.IDB, model any, id string, tags []string) error {
	text, err := json.Marshal(tags)
	if err != nil {
		return fault.Internal.Wrap(err, "encode tags")
	}
	_, err = tx.NewUpdate().Model(model).Set("tags = ?", string(text)).Set("revision = revision + 1").
		Set("updated_at = ?", db.Now()).Where("id = ?", id).Exec(ctx)
	return db.Fault(err, "tags of %s", id)
}
