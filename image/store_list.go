package image

import (
	"context"
	"encoding/json"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

var columns = db.Columns{
	"id": "id", "created_at": "created_at", "updated_at": "updated_at", "name": "name", "status": "status",
	"size": "size_bytes", "disk_format": "disk_format", "container_format": "container_format",
	"min_disk": "min_disk_gib", "min_ram": "min_memory_mib", "visibility": "visibility", "project_id": "project_id",
}

// reach is whose images a list may show.
type reach struct {
	project string // its own, and those that are open to it
	all     bool   // everybody's
}

func listImages(ctx context.Context, idb bun.IDB, r reach, q Query) (page.Of[Image], error) {
	query := idb.NewSelect().Model((*Image)(nil)).Where("status <> ?", Deleting).Where("hidden = ?", q.Hidden)
	whereVisible(query, idb, r, q)
	where(query, "id", q.IDs)
	where(query, "name", q.Names)
	where(query, "status", q.Statuses)
	where(query, "disk_format", q.DiskFormats)
	where(query, "container_format", q.ContainerFormats)
	where(query, "project_id", some(q.ProjectID))
	where(query, "md5", some(q.MD5))
	where(query, "sha512", some(q.SHA512))
	whereIs(query, "protected", q.Protected)
	whereIs(query, "min_disk_gib", q.MinDiskGiB)
	whereIs(query, "min_memory_mib", q.MinMemoryMiB)
	if q.MinBytes > 0 {
		query.Where("size_bytes >= ?", q.MinBytes)
	}
	if q.MaxBytes != nil {
		query.Where("size_bytes <= ? AND blob <> ''", *q.MaxBytes)
	}
	for column, m := range map[string]Moment{"created_at": q.Created, "updated_at": q.Updated} {
		if err := whereMoment(query, column, m); err != nil {
			return page.Of[Image]{}, err
		}
	}
	for _, t := range q.Tags {
		whereHas(query, "tags", quoted(t))
	}
	for k, v := range q.Properties {
		whereHas(query, "properties", quoted(k)+":"+quoted(v))
	}
	return db.List(ctx, query, q.Query, columns, func(i Image) string { return string(i.ID) })
}

// whereVisible keeps what r may see, and of that what the query wants to see.
func whereVisible(query *bun.SelectQuery, idb bun.IDB, r reach, q Query) {
	offered := idb.NewSelect().Model((*Member)(nil)).ColumnExpr("1").
		Where("image_id = image.id").Where("project_id = ?", r.project)
	if !r.all || q.MemberStatus != "" {
		switch q.MemberStatus {
		case AnyStatus:
		case "":
			offered.Where("status = ?", Accepted)
		default:
			offered.Where("status = ?", q.MemberStatus)
		}
		query.Where("(project_id = ? OR visibility IN (?, ?) OR (visibility = ? AND EXISTS (?)))",
			r.project, Public, Community, Shared, offered)
	}
	switch q.Visibility {
	case AnyVisibility:
	case "":
		query.Where("(visibility <> ? OR project_id = ?)", Community, r.project)
	default:
		query.Where("visibility = ?", q.Visibility)
	}
}

func where[T ~string](q *bun.SelectQuery, column string, values []T) {
	if len(values) > 0 {
		q.Where("? IN (?)", bun.Ident(column), bun.List(values))
	}
}

func some(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func whereIs[T any](q *bun.SelectQuery, column string, value *T) {
	if value != nil {
		q.Where("? = ?", bun.Ident(column), *value)
	}
}

// whereMoment compares a time as clients know it, without the part of a second.
func whereMoment(q *bun.SelectQuery, column string, m Moment) error {
	if m == (Moment{}) {
		return nil
	}
	from := m.Time.UTC().Truncate(time.Second)
	next := from.Add(time.Second)
	c := bun.Ident(column)
	switch m.Compare {
	case "eq":
		q.Where("? >= ? AND ? < ?", c, from, c, next)
	case "neq":
		q.Where("(? < ? OR ? >= ?)", c, from, c, next)
	case "lt":
		q.Where("? < ?", c, from)
	case "lte":
		q.Where("? < ?", c, next)
	case "gt":
		q.Where("? >= ?", c, next)
	case "gte":
		q.Where("? >= ?", c, from)
	default:
		return fault.Invalid.Errorf("times are compared by eq, neq, lt, lte, gt or gte, not by %.20q", m.Compare)
	}
	return nil
}

// whereHas finds JSON text in a column of JSON. The databases spell functions on
// JSON differently; quotes inside a string are escaped, so text that begins and
// ends with a bare quote cannot be part of a longer string.
func whereHas(q *bun.SelectQuery, column, text string) {
	q.Where("REPLACE(?, ?, '') <> ?", bun.Ident(column), text, bun.Ident(column))
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return "" // cannot be: s is a string
	}
	return string(b)
}
