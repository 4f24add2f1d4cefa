package microversion

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// A structDecoder is the plan of one struct at one version.
type structDecoder struct {
	fields   []fieldDecoder
	byName   map[string]int
	strict   *bool // what the struct itself says
	required bool  // some field is
	others   []field
}

type fieldDecoder struct {
	field
	decode decodeFunc
}

func newStructDecoder(k planKey) decodeFunc {
	fields, err := fieldsOf(k.typ, k.version)
	if err != nil {
		return func(*decoder, reflect.Value) error { return err }
	}
	s := &structDecoder{byName: map[string]int{}}
	s.others, _ = allFields(k.typ)
	if strict, said := strictness(k.typ); said {
		s.strict = &strict
	}
	for i, f := range fields {
		layout := f.layout
		if layout == "" {
			layout = k.layout
		}
		fd := fieldDecoder{field: f, decode: decoderOf(planKey{f.typ, k.version, layout})}
		if f.loose {
			fd.decode = loosely(fd.decode)
		}
		s.fields = append(s.fields, fd)
		s.byName[f.name] = i
		s.required = s.required || f.required
	}
	return s.decode
}

func (s *structDecoder) decode(d *decoder, v reflect.Value) error {
	if d.next() != '{' {
		return d.orNull("an object")
	}
	var seen []bool
	if s.required {
		seen = make([]bool, len(s.fields))
	}
	err := d.object(func(key string) error {
		i, ok := s.byName[key]
		if !ok {
			return s.unknown(d, key)
		}
		if seen != nil {
			seen[i] = true
		}
		f := &s.fields[i]
		return d.at(step{name: key}, func() error {
			target := f.reach(v)
			null := d.next() == 'n'
			if err := f.decode(d, target); err != nil {
				return err
			}
			if null {
				return nil
			}
			return f.check(d, target)
		})
	})
	if err != nil {
		return err
	}
	for i, given := range seen {
		if f := &s.fields[i]; f.required && !given {
			return d.at(step{name: f.name}, func() error { return d.invalid("is required") })
		}
	}
	return nil
}

// unknown passes over a member that the struct does not have at this version, or refuses it.
func (s *structDecoder) unknown(d *decoder, key string) error {
	strict := d.Strict
	if s.strict != nil {
		strict = *s.strict
	}
	if !strict {
		return d.skip()
	}
	return d.at(step{name: key}, func() error {
		for _, f := range s.others {
			switch {
			case f.name != key:
			case f.span.Since.Compare(d.Version) > 0:
				return d.invalid("needs version %s; the request is of version %s", f.span.Since, d.Version)
			default:
				return d.invalid("is gone since version %s; the request is of version %s", f.span.Until, d.Version)
			}
		}
		return d.invalid("is not known here")
	})
}

// reach returns the field in v, making embedded structs that are nil.
func (f *fieldDecoder) reach(v reflect.Value) reflect.Value {
	for i, index := range f.path {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(index)
	}
	return v
}

// check applies the limits of the field's tags.
func (f *fieldDecoder) check(d *decoder, v reflect.Value) error {
	if f.min == nil && f.max == nil && f.enum == nil {
		return nil
	}
	for v.Kind() == reflect.Pointer || v.Type().Implements(optionalType) {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		} else {
			v = v.FieldByName("Value")
		}
	}
	if f.enum != nil && v.Kind() == reflect.String && !slices.Contains(f.enum, v.String()) {
		return d.invalid("%q is not one of %s", v.String(), strings.Join(f.enum, ", "))
	}
	size, unit := measure(v)
	if f.min != nil && size < *f.min {
		return d.invalid("%v%s is below the minimum of %v", size, unit, *f.min)
	}
	if f.max != nil && size > *f.max {
		return d.invalid("%v%s is above the maximum of %v", size, unit, *f.max)
	}
	return nil
}

func measure(v reflect.Value) (size float64, unit string) {
	switch {
	case v.CanInt():
		return float64(v.Int()), ""
	case v.CanUint():
		return float64(v.Uint()), ""
	case v.CanFloat():
		return v.Float(), ""
	case v.Kind() == reflect.String:
		return float64(utf8.RuneCountInString(v.String())), " characters"
	case v.Kind() == reflect.Slice || v.Kind() == reflect.Map:
		return float64(v.Len()), " items"
	}
	return 0, ""
}

// loosely lets a number or boolean be written as a string.
func loosely(decode decodeFunc) decodeFunc {
	return func(d *decoder, v reflect.Value) error {
		if d.next() != '"' {
			return decode(d, v)
		}
		text, err := d.string()
		if err != nil {
			return err
		}
		word := json.RawMessage(strings.TrimSpace(text))
		if b, err := ParseBool("", text); err == nil && boolean(v.Type()) {
			word = appendBool(b)
		}
		inner := &decoder{scanner: scanner{data: word}, Options: d.Options, path: d.path}
		if err := decode(inner, v); err != nil {
			return err
		}
		if inner.finish() != nil {
			return d.invalid("%q is not a value of its kind", text)
		}
		return nil
	}
}

func boolean(t reflect.Type) bool {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Implements(optionalType) {
		value, _ := t.FieldByName("Value")
		return boolean(value.Type)
	}
	return t.Kind() == reflect.Bool
}

func appendBool(b bool) []byte {
	if b {
		return []byte("true")
	}
	return []byte("false")
}
