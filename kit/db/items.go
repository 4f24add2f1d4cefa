package db

import "maps"

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
