package page_test

import (
	"errors"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nacre-cloud/nacre/kit/page"
)

func TestCut(t *testing.T) {
	tests := []struct {
		name  string
		limit int
		items []int
		want  page.Of[int]
	}{
		{"nothing", 2, nil, page.Of[int]{}},
		{"less than a page", 2, []int{1}, page.Of[int]{Items: []int{1}}},
		{"exactly a page has no next", 2, []int{1, 2}, page.Of[int]{Items: []int{1, 2}}},
		{"one more has a next", 2, []int{1, 2, 3}, page.Of[int]{Items: []int{1, 2}, Next: "2"}},
		{"no limit", 0, []int{1, 2, 3}, page.Of[int]{Items: []int{1, 2, 3}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := page.Cut(page.Query{Limit: tt.limit}, tt.items, strconv.Itoa)
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestSizeIsBounded(t *testing.T) {
	for limit, want := range map[int]int{-1: page.MaxLimit, 0: page.MaxLimit, 7: 7, 1 << 30: page.MaxLimit} {
		if got := (page.Query{Limit: limit}).Size(); got != want {
			t.Errorf("limit %d: size %d, want %d", limit, got, want)
		}
	}
}

func TestAllReadsEveryPage(t *testing.T) {
	failed := errors.New("no more")
	list := func(fails bool) func(page.Query) (page.Of[int], error) {
		return func(q page.Query) (page.Of[int], error) {
			first, _ := strconv.Atoi(q.Marker)
			if fails && first > 2 || len(q.Sort) != 1 || q.Sort[0].Key != "id" {
				return page.Of[int]{}, failed
			}
			items := []int{first + 1, first + 2, first + 3}[:min(3, 5-first)]
			q.Limit = 2
			return page.Cut(q, items, strconv.Itoa), nil
		}
	}
	for name, tt := range map[string]struct {
		fails bool
		until int
		want  []int
		err   error
	}{
		"whole":      {until: 9, want: []int{1, 2, 3, 4, 5}},
		"left early": {until: 3, want: []int{1, 2, 3}},
		"failing":    {fails: true, until: 9, want: []int{1, 2, 3, 4}, err: failed},
	} {
		t.Run(name, func(t *testing.T) {
			var got []int
			var last error
			for item, err := range page.All(list(tt.fails)) {
				if last = err; err != nil {
					break
				}
				if got = append(got, item); item == tt.until {
					break
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" || !errors.Is(last, tt.err) {
				t.Errorf("%v, %s", last, d)
			}
		})
	}
}
