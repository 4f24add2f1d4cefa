// Package page describes one page of a list and how to ask for the next.
//
// Pages are cut by key, not by position: the next page begins after the
// (sort key, id) of the last item seen, so items that come and go between two
// requests are neither skipped nor shown twice; when that item itself is gone, a
// list in another order than that of the ids must be begun anew. Domains take a Query and return
// an Of; kit/db turns a Query into SQL; HTTP faces turn their own parameters
// into a Query and Next into links.
package page

import "iter"

// MaxLimit is the largest page a list returns, whatever was asked.
const MaxLimit = 1000

// A Query asks for one page. Its zero value asks for the first MaxLimit items, newest first.
type Query struct {
	Limit   int    // items wanted; 0 or more than MaxLimit means MaxLimit
	Marker  string // id of the last item of the page before; empty for the first page
	Offset  int    // items to skip after the marker; for protocols that count
	Sort    []Sort // most significant first; the id is always the last key
	Reverse bool   // the page before the marker instead of the one after it
}

// A Sort is one key to order a list by.
type Sort struct {
	Key        string
	Descending bool
}

// Size returns the number of items the page holds at most.
func (q Query) Size() int {
	if q.Limit <= 0 || q.Limit > MaxLimit {
		return MaxLimit
	}
	return q.Limit
}

// Of is one page of T. Next is the marker of the page after it, or empty when there is none.
type Of[T any] struct {
	Items []T
	Next  string
}

// Cut makes a page out of items, of which there is one more than q.Size when a
// further page exists. The id function returns an item's marker.
func Cut[T any](q Query, items []T, id func(T) string) Of[T] {
	n := q.Size()
	if len(items) <= n {
		return Of[T]{Items: items}
	}
	items = items[:n]
	return Of[T]{Items: items, Next: id(items[n-1])}
}

// All yields every item of a list, page by page, and ends with the first error. The
// order is that of the ids, which alone goes on where it was when an item ends
// meanwhile.
func All[T any](list func(q Query) (Of[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for q := (Query{Sort: []Sort{{Key: "id"}}}); ; {
			p, err := list(q)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range p.Items {
				if !yield(item, nil) {
					return
				}
			}
			if q.Marker = p.Next; q.Marker == "" {
				return
			}
		}
	}
}

// Collect returns what All yields; nothing with an error.
func Collect[T any](list func(q Query) (Of[T], error)) ([]T, error) {
	all := []T{}
	for item, err := range All(list) {
		if err != nil {
			return nil, err
		}
		all = append(all, item)
	}
	return all, nil
}

// Map returns p with every item converted by f.
func Map[T, U any](p Of[T], f func(T) U) Of[U] {
	out := Of[U]{Items: make([]U, len(p.Items)), Next: p.Next}
	for i, item := range p.Items {
		out.Items[i] = f(item)
	}
	return out
}
