package page_test

import (
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
