package db

import (
	"maps"
	"slices"
)

// Merge returns the items of a map that is a column with changes made to them: nil
// removes one, and those not named stay. It changes neither.
func Merge(items map[string]string, changes map[string]*string) map[string]string {
	if len(changes) == 0 {
		return items
	}
	out := make(map[string]string, len(items)+len(changes))
	maps.Copy(out, items)
	for name, value := range changes {
		if value == nil {
			delete(out, name)
		} else {
			out[name] = *value
		}
	}
	return out
}

// MergeTags returns tags with some added and some removed, in no order and perhaps
// twice. It changes none of them.
func MergeTags(tags, add, remove []string) []string {
	return slices.DeleteFunc(append(slices.Clone(tags), add...), func(tag string) bool { return slices.Contains(remove, tag) })
}
