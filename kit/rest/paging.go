package rest

import (
	"slices"
	"strings"

	"github.com/nacre-cloud/nacre/kit/page"
)

// Paging is how one list of an API is asked for and linked.
type Paging struct {
	// Max is the largest page; 0 means page.MaxLimit. A larger limit is cut to it.
	Max int
	// Strict refuses a limit above Max instead of cutting it.
	Strict bool
	// ZeroIsNone makes limit=0 an empty list; otherwise it means no limit.
	ZeroIsNone bool
	// Keys maps the API's sort keys to the Service's. Nil refuses every key.
	Keys map[string]string
	// Sort is the order when the request names none.
	Sort []page.Sort
	// Descending is the direction of a key whose direction is not given.
	Descending bool
	// Links writes the links to other pages; nil writes none.
	Links Links
}

// A listing is the page that a request asked for, kept for its links.
type listing struct {
	rules   Paging
	query   page.Query
	nothing bool // limit=0, where that means an empty list
}

// Page reads limit, marker, offset, page_reverse and the order, either as
// sort_key and sort_dir pairs or as sort=key:dir,key:dir.
func (q *Query) Page(rules Paging) page.Query {
	l := &listing{rules: rules}
	l.query.Marker = q.String("marker")
	l.query.Reverse = q.Bool("page_reverse", false)
	if l.query.Offset = q.Int("offset", 0); l.query.Offset < 0 {
		q.fail("offset must not be negative")
	}
	q.limit(l)
	l.query.Sort = q.sort(rules)
	q.request.listing = l
	return l.query
}

func (q *Query) limit(l *listing) {
	most := l.rules.Max
	if most <= 0 || most > page.MaxLimit {
		most = page.MaxLimit
	}
	if !q.Has("limit") {
		l.query.Limit = most
		return
	}
	n := q.Int("limit", 0)
	switch {
	case n < 0:
		q.fail("limit must not be negative")
	case n == 0 && l.rules.ZeroIsNone:
		l.nothing, l.query.Limit = true, 1
	case n > most && l.rules.Strict:
		q.fail("limit %d is above the maximum of %d", n, most)
	case n == 0 || n > most:
		l.query.Limit = most
	default:
		l.query.Limit = n
	}
}

func (q *Query) sort(rules Paging) []page.Sort {
	keys, dirs := q.Strings("sort_key"), q.Strings("sort_dir")
	for _, pair := range q.List("sort") {
		key, dir, _ := strings.Cut(strings.TrimSpace(pair), ":")
		keys, dirs = append(slices.Clip(keys), key), append(slices.Clip(dirs), dir)
	}
	if len(dirs) > len(keys) && len(keys) > 0 {
		q.fail("%d sort_dir for %d sort_key: give each key one direction", len(dirs), len(keys))
	}
	var order []page.Sort
	for i, key := range keys {
		name, ok := rules.Keys[key]
		if !ok {
			q.fail("sort key %q is not supported", key)
		}
		s := page.Sort{Key: name, Descending: rules.Descending}
		if i < len(dirs) && dirs[i] != "" {
			s.Descending = q.descending(dirs[i])
		}
		order = append(order, s)
	}
	if order != nil {
		return order
	}
	order = slices.Clone(rules.Sort)
	if len(dirs) == 1 && len(order) > 0 {
		order[0].Descending = q.descending(dirs[0])
	}
	return order
}

func (q *Query) descending(dir string) bool {
	switch strings.ToLower(dir) {
	case "asc":
		return false
	case "desc":
		return true
	}
	q.fail("sort direction %q is neither asc nor desc", dir)
	return false
}

// ReplyPage returns a page of a list under key, with the links that the rules
// given to Query.Page ask for.
func ReplyPage[T any](r *Request, key string, p page.Of[T]) Response {
	if p.Items == nil || (r.listing != nil && r.listing.nothing) {
		p.Items = []T{}
	}
	reply := ReplyUnder(key, p.Items)
	if r.listing == nil || r.listing.rules.Links == nil {
		return reply
	}
	around := Around{request: r, query: r.listing.query, next: p.Next}
	if r.listing.nothing {
		around.next = ""
	}
	if len(p.Items) > 0 {
		around.first, around.last = marker(p.Items[0]), marker(p.Items[len(p.Items)-1])
	}
	return r.listing.rules.Links(reply, key, around)
}

// Marked is an item of a list that knows its own marker. A face with links to
// the previous page gives its items this method.
type Marked interface{ Marker() string }

func marker(item any) string {
	if m, ok := item.(Marked); ok {
		return m.Marker()
	}
	return ""
}
