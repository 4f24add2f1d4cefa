package object

import (
	"context"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// usage is what an account or container holds.
type usage struct {
	Container Name  `bun:"container"`
	Objects   int64 `bun:"objects"`
	Bytes     int64 `bun:"bytes"`
}

const usageColumns = "COUNT(*) AS objects, CAST(COALESCE(SUM(stored), 0) AS BIGINT) AS bytes"

// loadAccount returns the row of an account; every project has one, if only an empty one.
func loadAccount(ctx context.Context, q bun.IDB, project string) (Account, error) {
	a := Account{ProjectID: project}
	err := db.Fault(q.NewSelect().Model(&a).WherePK().Scan(ctx), "account of project %s", project)
	if errors.Is(err, fault.NotFound) {
		return Account{ProjectID: project}, nil
	}
	return a, err
}

// openAccount inserts an account, unless there is one. Only the insert can tell: a
// transaction that ends meanwhile may have made it.
func openAccount(ctx context.Context, q bun.IDB, a Account) error {
	_, err := q.NewInsert().Model(&a).On("CONFLICT (project_id) DO NOTHING").Exec(ctx)
	return db.Fault(err, "open the account of project %s", a.ProjectID)
}

func saveAccount(ctx context.Context, q bun.IDB, a Account) error {
	_, err := q.NewInsert().Model(&a).On("CONFLICT (project_id) DO UPDATE").Set("metadata = EXCLUDED.metadata").Exec(ctx)
	return db.Fault(err, "save the account of project %s", a.ProjectID)
}

// accountUsage counts objects and bytes, and containers apart.
func accountUsage(ctx context.Context, q bun.IDB, project string) (u usage, containers int64, err error) {
	err = q.NewSelect().Table("objects").ColumnExpr(usageColumns).Where("project_id = ?", project).Scan(ctx, &u)
	if err != nil {
		return u, 0, db.Fault(err, "count the objects of project %s", project)
	}
	n, err := q.NewSelect().Model((*Container)(nil)).Where("project_id = ?", project).Count(ctx)
	return u, int64(n), db.Fault(err, "count the containers of project %s", project)
}

func loadContainer(ctx context.Context, q bun.IDB, id ContainerID) (Container, error) {
	c := Container{ProjectID: id.ProjectID, Name: id.Container}
	err := q.NewSelect().Model(&c).WherePK().Scan(ctx)
	return c, missing(err, "container", string(id.Container))
}

func saveContainer(ctx context.Context, q bun.IDB, c Container) error {
	_, err := q.NewInsert().Model(&c).On("CONFLICT (project_id, name) DO UPDATE").
		Set("metadata = EXCLUDED.metadata, read_acl = EXCLUDED.read_acl, write_acl = EXCLUDED.write_acl, versions_in = EXCLUDED.versions_in, keep_deleted = EXCLUDED.keep_deleted, updated_at = EXCLUDED.updated_at").
		Exec(ctx)
	return db.Fault(err, "save container %s", c.Name)
}

func dropContainer(ctx context.Context, q bun.IDB, c Container) error {
	_, err := q.NewDelete().Model(&c).WherePK().Exec(ctx)
	return db.Fault(err, "delete container %s", c.Name)
}

func containerUsage(ctx context.Context, q bun.IDB, id ContainerID) (u usage, err error) {
	err = q.NewSelect().Table("objects").ColumnExpr(usageColumns).
		Where("project_id = ? AND container = ?", id.ProjectID, id.Container).Scan(ctx, &u)
	return u, db.Fault(err, "count the objects of container %s", id.Container)
}

// usages counts the objects of the containers from first to last.
func usages(ctx context.Context, q bun.IDB, project string, first, last Name) (map[Name]usage, error) {
	var all []usage
	err := q.NewSelect().Table("objects").Column("container").ColumnExpr(usageColumns).
		Where("project_id = ? AND container >= ? AND container <= ?", project, first, last).
		Group("container").Scan(ctx, &all)
	byName := make(map[Name]usage, len(all))
	for _, u := range all {
		byName[u.Container] = u
	}
	return byName, db.Fault(err, "count the objects of project %s", project)
}

// loadObject returns an object whose time is not over.
func loadObject(ctx context.Context, q bun.IDB, id ObjectID, now time.Time) (Object, error) {
	o := Object{ProjectID: id.ProjectID, Container: id.Container, Name: id.Object}
	err := q.NewSelect().Model(&o).WherePK().Scan(ctx)
	if err == nil && o.Expired(now) {
		return Object{}, fault.NotFound.Errorf("object %s has expired", id)
	}
	if err != nil {
		return Object{}, missing(err, "object", id.String())
	}
	return o, nil
}

// missing words an error about one row.
func missing(err error, what, name string) error {
	if err != nil && fault.Of(db.Fault(err, "")) == fault.NotFound {
		return fault.NotFound.Errorf("%s %s could not be found", what, name)
	}
	return db.Fault(err, "%s %s", what, name)
}

// saveObject inserts an object or replaces the one there is.
func saveObject(ctx context.Context, q bun.IDB, o Object) error {
	insert := q.NewInsert().Model(&o).On("CONFLICT (project_id, container, name) DO UPDATE")
	for _, column := range []string{
		"blob", "size", "stored", "etag", "content_type", "encoding", "disposition",
		"manifest", "metadata", "delete_at", "segments", "created_at", "updated_at",
	} {
		insert = insert.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	_, err := insert.Exec(ctx)
	return db.Fault(err, "save object %s", o.ID())
}

func dropObject(ctx context.Context, q bun.IDB, o Object) error {
	_, err := q.NewDelete().Model(&o).WherePK().Exec(ctx)
	return db.Fault(err, "delete object %s", o.ID())
}

// bounds are the names between which a listing looks.
type bounds struct {
	low, high     Name
	withLow       bool // low itself is within
	descending    bool
	limit         int
	unboundedHigh bool
}

func (b bounds) apply(q *bun.SelectQuery) *bun.SelectQuery {
	if b.withLow {
		q = q.Where("name >= ?", b.low)
	} else {
		q = q.Where("name > ?", b.low)
	}
	if !b.unboundedHigh {
		q = q.Where("name < ?", b.high)
	}
	order := "name ASC"
	if b.descending {
		order = "name DESC"
	}
	return q.OrderExpr(order).Limit(int64(b.limit))
}

func findContainers(ctx context.Context, q bun.IDB, project string, b bounds) (found []Container, err error) {
	err = b.apply(q.NewSelect().Model(&found).Where("project_id = ?", project)).Scan(ctx)
	return found, db.Fault(err, "list the containers of project %s", project)
}

// briefly selects objects of a container without what may be long and no listing shows.
func briefly(q bun.IDB, found *[]Object, id ContainerID) *bun.SelectQuery {
	return q.NewSelect().Model(found).ExcludeColumn("encoding", "disposition", "metadata", "segments").
		Where("project_id = ? AND container = ?", id.ProjectID, id.Container)
}

func findObjects(ctx context.Context, q bun.IDB, id ContainerID, b bounds) (found []Object, err error) {
	err = b.apply(briefly(q, &found, id)).Scan(ctx)
	return found, db.Fault(err, "list container %s", id.Container)
}

// namedObjects returns those of names that are there, briefly.
func namedObjects(ctx context.Context, q bun.IDB, id ContainerID, names []Name) (found []Object, err error) {
	err = briefly(q, &found, id).Where("name IN (?)", bun.List(names)).Scan(ctx)
	return found, db.Fault(err, "look up %d objects of container %s", len(names), id.Container)
}

// knownBlobs returns those of keys that an object has.
func knownBlobs(ctx context.Context, q bun.IDB, keys []Key) (map[Key]bool, error) {
	var found []Key
	err := q.NewSelect().Table("objects").ColumnExpr("DISTINCT blob").Where("blob IN (?)", bun.List(keys)).Scan(ctx, &found)
	known := make(map[Key]bool, len(found))
	for _, k := range found {
		known[k] = true
	}
	return known, db.Fault(err, "look up %d blobs", len(keys))
}

// expiredObjects returns the names of objects whose time is over.
func expiredObjects(ctx context.Context, q bun.IDB, now time.Time, limit int) (found []Object, err error) {
	err = q.NewSelect().Model(&found).Column("project_id", "container", "name").
		Where("delete_at > 0 AND delete_at <= ?", now.Unix()).Limit(int64(limit)).Scan(ctx)
	return found, db.Fault(err, "find expired objects")
}

func expiredObjectsIn(ctx context.Context, q bun.IDB, id ContainerID, now time.Time) (found []Object, err error) {
	err = briefly(q, &found, id).Where("delete_at > 0 AND delete_at <= ?", now.Unix()).Scan(ctx)
	return found, db.Fault(err, "find expired objects of container %s", id.Container)
}

// ignoreMissing returns nil for what is not there.
func ignoreMissing(err error) error {
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
