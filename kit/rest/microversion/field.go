package microversion

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A field is one Go field as JSON sees it, in some versions.
type field struct {
	name      string
	key       string // ,"name":
	path      []int  // indexes from the outermost struct, through embedded ones
	typ       reflect.Type
	span      Range
	layout    string // of times
	omitEmpty bool
	omitZero  bool
	loose     bool
	required  bool
	min, max  *float64
	enum      []string
}

// layouts are the names that a time tag may have instead of a layout.
var layouts = map[string]string{
	"z":      "2006-01-02T15:04:05Z",
	"micro":  "2006-01-02T15:04:05.000000",
	"microz": "2006-01-02T15:04:05.000000Z",
}

// fieldsOf returns the fields that struct t has at version v, in the order of
// their declaration.
func fieldsOf(t reflect.Type, v Version) ([]field, error) {
	all, err := allFields(t)
	if err != nil {
		return nil, err
	}
	var live []field
	at := map[string]int{}
	for _, f := range all {
		if !f.span.Contains(v) {
			continue
		}
		i, ok := at[f.name]
		switch {
		case !ok:
			at[f.name] = len(live)
			live = append(live, f)
		case len(f.path) < len(live[i].path):
			live[i] = f
		case len(f.path) == len(live[i].path):
			return nil, fmt.Errorf("%s has two fields for %q at version %s", t, f.name, v)
		}
	}
	return live, nil
}

// allFields returns the fields that t has at any version.
func allFields(t reflect.Type) ([]field, error) {
	return gather(t, nil, Range{}, nil)
}

func gather(t reflect.Type, path []int, within Range, seen []reflect.Type) ([]field, error) {
	if slices.Contains(seen, t) {
		return nil, nil
	}
	seen = append(slices.Clip(seen), t)
	var list []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name, options, _ := strings.Cut(jsonTag(sf.Tag), ",")
		if sf.Name == "_" || (name == "-" && options == "") {
			continue
		}
		span, ok, err := spanOf(sf, within)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, sf.Name, err)
		}
		if !ok {
			continue
		}
		here := append(slices.Clip(path), i)
		if inner := embedded(sf, name); inner != nil {
			more, err := gather(inner, here, span, seen)
			if err != nil {
				return nil, err
			}
			list = append(list, more...)
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f, err := newField(sf, name, options)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, sf.Name, err)
		}
		f.span, f.path = span, here
		list = append(list, f)
	}
	return list, nil
}

// jsonTag returns the tag that names a field. As stands for json on a field that
// shares its name with another, because go vet refuses a json name twice.
func jsonTag(tag reflect.StructTag) string {
	if as, ok := tag.Lookup("as"); ok {
		return as
	}
	return tag.Get("json")
}

// embedded returns the struct whose fields stand for sf, or nil.
func embedded(sf reflect.StructField, name string) reflect.Type {
	if !sf.Anonymous || name != "" {
		return nil
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer && sf.IsExported() {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == timeType {
		return nil
	}
	return t
}

func spanOf(sf reflect.StructField, within Range) (Range, bool, error) {
	span, err := ParseRange(sf.Tag.Get("since"), sf.Tag.Get("until"))
	if err != nil {
		return span, false, err
	}
	span, ok := span.and(within)
	return span, ok, nil
}

func newField(sf reflect.StructField, name, options string) (field, error) {
	if name == "" {
		name = sf.Name
	}
	tag := sf.Tag
	f := field{
		name: name, key: "," + string(appendString(nil, name)) + ":", typ: sf.Type,
		layout: tag.Get("time"),
		loose:  tag.Get("loose") == "true", required: tag.Get("required") == "true",
	}
	if named, ok := layouts[f.layout]; ok {
		f.layout = named
	}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			f.omitEmpty = true
		case "omitzero":
			f.omitZero = true
		case "":
		default:
			return f, fmt.Errorf("json option %q is not supported", option)
		}
	}
	if enum := tag.Get("enum"); enum != "" {
		f.enum = strings.Split(enum, ",")
	}
	var err error
	if f.min, err = bound(tag, "min"); err != nil {
		return f, err
	}
	f.max, err = bound(tag, "max")
	return f, err
}

func bound(tag reflect.StructTag, name string) (*float64, error) {
	s, ok := tag.Lookup(name)
	if !ok {
		return nil, nil
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &n, nil
}

// strictness returns what a blank field of t says about unknown members.
func strictness(t reflect.Type) (strict, said bool) {
	for i := range t.NumField() {
		if sf := t.Field(i); sf.Name == "_" {
			if s, ok := sf.Tag.Lookup("strict"); ok {
				return s == "true", true
			}
		}
	}
	return false, false
}

var timeType = reflect.TypeFor[time.Time]()
