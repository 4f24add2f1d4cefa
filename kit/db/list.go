package db

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// Columns maps the sort keys that callers may use to columns that are never
// null. It must hold "id"; "created_at", when there, is the default order.
type Columns map[string]string

// List runs q, whose model is a table of T, for one page of p. The id function
// returns the marker of an item. A sort key outside columns is fault.Invalid, and
// so is a marker whose row is gone, unless the order is that of the ids: nobody
// knows where it was.
func List[T any](ctx context.Context, q *bun.SelectQuery, p page.Query, columns Columns, id func(T) string) (page.Of[T], error) {
	keys, err := columns.order(p)
	if err != nil {
		return page.Of[T]{}, err
	}
	if p.Marker != "" {
		where, args := after(keys, columns["id"], p.Marker)
		q = q.Where(where, args...)
	}
	for _, k := range keys {
		q = q.OrderExpr("? ?", bun.Ident(k.Key), bun.Safe(direction(k)))
	}
	if p.Offset > 0 {
		q = q.Offset(int64(p.Offset))
	}
	var items []T
	if err := q.Limit(int64(p.Size())+1).Scan(ctx, &items); err != nil {
		return page.Of[T]{}, Fault(err, "list")
	}
	if len(items) == 0 && p.Marker != "" && keys[0].Key != columns["id"] {
		there, err := q.NewSelect().Model(q.GetModel().Value()).Where("? = ?", bun.Ident(columns["id"]), p.Marker).Exists(ctx)
		if err != nil {
			return page.Of[T]{}, Fault(err, "list")
		}
		if !there {
			return page.Of[T]{}, fault.Invalid.Errorf("marker %.64q is not in the list any more: begin anew", p.Marker)
		}
	}
	out := page.Cut(p, items, id)
	if p.Reverse {
		slices.Reverse(out.Items)
	}
	return out, nil
}

// order returns the columns to sort by, ending with the id.
func (c Columns) order(p page.Query) ([]page.Sort, error) {
	sort := p.Sort
	if len(sort) == 0 {
		sort = []page.Sort{{Key: "created_at", Descending: true}}
		if c["created_at"] == "" {
			sort = []page.Sort{{Key: "id", Descending: true}}
		}
	}
	keys := make([]page.Sort, 0, len(sort)+1)
	for _, s := range sort {
		column, ok := c[s.Key]
		if !ok {
			return nil, fault.Invalid.Errorf("cannot sort by %q", s.Key)
		}
		keys = append(keys, page.Sort{Key: column, Descending: s.Descending != p.Reverse})
		if s.Key == "id" {
			return keys, nil
		}
	}
	last := keys[len(keys)-1]
	return append(keys, page.Sort{Key: c["id"], Descending: last.Descending}), nil
}

// after is the condition "behind the row with this id in the order of keys":
// (a > x) OR (a = x AND b > y) OR …, which both databases can serve from an index.
func after(keys []page.Sort, id, marker string) (string, []any) {
	value := func(column string) (string, []any) {
		if column == id {
			return "?", []any{marker}
		}
		return "(SELECT m.? FROM ?TableName AS m WHERE m.? = ?)", []any{bun.Ident(column), bun.Ident(id), marker}
	}
	var alternatives []string
	var args []any
	for i, k := range keys {
		var terms []string
		for j := range keys[:i+1] {
			operator := "="
			if j == i {
				operator = map[bool]string{false: ">", true: "<"}[k.Descending]
			}
			text, a := value(keys[j].Key)
			terms = append(terms, fmt.Sprintf("? %s %s", operator, text))
			args = append(append(args, bun.Ident(keys[j].Key)), a...)
		}
		alternatives = append(alternatives, "("+strings.Join(terms, " AND ")+")")
	}
	return "(" + strings.Join(alternatives, " OR ") + ")", args
}

func direction(s page.Sort) string {
	if s.Descending {
		return "DESC"
	}
	return "ASC"
}
