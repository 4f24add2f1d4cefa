package microversion

import (
	"fmt"
	"reflect"
)

// Check says what is wrong with the tags of T and of the structs in it: versions
// that do not parse, or two fields of one name that live at the same time.
func Check[T any]() error { return check(reflect.TypeFor[T](), map[reflect.Type]bool{}) }

// MustCheck panics where Check fails. Faces call it when they are built.
func MustCheck[T any]() {
	if err := Check[T](); err != nil {
		panic(fmt.Sprintf("microversion: %v", err))
	}
}

func check(t reflect.Type, seen map[reflect.Type]bool) error {
	if seen[t] {
		return nil
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		return check(t.Elem(), seen)
	case reflect.Struct:
		return checkStruct(t, seen)
	}
	return nil
}

func checkStruct(t reflect.Type, seen map[reflect.Type]bool) error {
	if t == timeType || t.Implements(marshalerType) {
		return nil
	}
	fields, err := allFields(t)
	if err != nil {
		return err
	}
	for i, f := range fields {
		for _, g := range fields[:i] {
			if f.name == g.name && len(f.path) == len(g.path) && f.span.Overlaps(g.span) {
				return fmt.Errorf("%s has two fields for %q at one version", t, f.name)
			}
		}
		if err := check(f.typ, seen); err != nil {
			return fmt.Errorf("%s.%s: %w", t, f.name, err)
		}
	}
	return nil
}
