package object

import (
	"bytes"
	"strings"
)

// batch is how many rows a listing that rolls names up reads at once, at most.
const batch = 256

// find returns the things between b, in its order.
type find[T any] func(b bounds) ([]T, error)

// list walks the names that q asks for. Rolled-up names are skipped by the
// database: a folder costs a query, however much is in it.
func list[T any](q Query, name func(T) Name, rows find[T]) (Listing[T], error) {
	var out Listing[T]
	limit := q.Limit
	if limit == 0 || limit > MaxListing {
		limit = MaxListing
	}
	b := q.bounds()
	for next := min(batch, limit); len(out.Entries) < limit; {
		b.limit = limit - len(out.Entries)
		if q.Delimiter != "" {
			b.limit = next
		}
		found, err := rows(b)
		if err != nil {
			return Listing[T]{}, err
		}
		var folder Name
		shown := 0
		for _, t := range found {
			n := name(t)
			if folder != "" && strings.HasPrefix(string(n), string(folder)) {
				continue
			}
			shown++
			if len(out.Entries) == limit {
				return out, nil
			}
			folder = q.folder(n)
			switch {
			case folder == "":
				out.Entries = append(out.Entries, Entry[T]{Name: n, Item: t})
			case folder != q.Marker && !q.ItemsOnly:
				out.Entries = append(out.Entries, Entry[T]{Name: folder, Folder: true})
			}
		}
		if len(found) < b.limit {
			break
		}
		b.advance(name(found[len(found)-1]), folder)
		next = min(batch, 4*shown) // where folders are full, most of a large read is skipped
	}
	return out, nil
}

// bounds returns the names q asks for.
func (q Query) bounds() bounds {
	b := bounds{low: q.Marker, high: q.EndMarker, unboundedHigh: q.EndMarker == "", descending: q.Reverse}
	if q.Reverse {
		b.low, b.high, b.unboundedHigh = q.EndMarker, q.Marker, q.Marker == ""
	}
	if q.Prefix > b.low {
		b.low, b.withLow = q.Prefix, true
	}
	if end, ok := successor(q.Prefix); ok && (b.unboundedHigh || end < b.high) {
		b.high, b.unboundedHigh = end, false
	}
	return b
}

// advance leaves out last and what came before it, and all of the folder it is in.
func (b *bounds) advance(last, folder Name) {
	switch {
	case b.descending && folder != "":
		b.high, b.unboundedHigh = folder, false
	case b.descending:
		b.high, b.unboundedHigh = last, false
	case folder == "":
		b.low, b.withLow = last, false
	default:
		end, ok := successor(folder)
		if !ok {
			end = last
		}
		b.low, b.withLow = end, ok
	}
}

// folder returns what n is rolled up to, or nothing.
func (q Query) folder(n Name) Name {
	if q.Delimiter == "" || !strings.HasPrefix(string(n), string(q.Prefix)) {
		return ""
	}
	rest := string(n[len(q.Prefix):])
	i := strings.Index(rest, q.Delimiter)
	if i < 0 {
		return ""
	}
	return n[:len(q.Prefix)+i+len(q.Delimiter)]
}

// successor returns the first name after all that begin with p, if there is one.
func successor(p Name) (Name, bool) {
	b := bytes.TrimRight([]byte(p), "\xff")
	if len(b) == 0 {
		return "", false
	}
	b[len(b)-1]++
	return Name(b), true
}
