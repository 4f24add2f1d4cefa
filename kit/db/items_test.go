package db_test

import (
	"maps"
	"testing"

	"github.com/nacre-cloud/nacre/kit/db"
)

func TestMerge(t *testing.T) {
	for name, tt := range map[string]struct {
		items   map[string]string
		changes map[string]*string
		want    map[string]string
	}{
		"an item is added":           {nil, map[string]*string{"a": new("1")}, map[string]string{"a": "1"}},
		"an item is replaced":        {map[string]string{"a": "1", "b": "2"}, map[string]*string{"a": new("3")}, map[string]string{"a": "3", "b": "2"}},
		"an item is removed":         {map[string]string{"a": "1", "b": "2"}, map[string]*string{"a": nil}, map[string]string{"b": "2"}},
		"what is gone is gone again": {map[string]string{"b": "2"}, map[string]*string{"a": nil}, map[string]string{"b": "2"}},
		"nothing stays as it is":     {map[string]string{"b": "2"}, nil, map[string]string{"b": "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := maps.Clone(tt.items)
			if got := db.Merge(tt.items, tt.changes); !maps.Equal(got, tt.want) || !maps.Equal(tt.items, before) {
				t.Errorf("%v of %v, was %v", got, tt.items, before)
			}
		})
	}
}
