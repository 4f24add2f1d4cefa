package microversion

import (
	"fmt"
	"reflect"
	"slices"
	"sync"
)

// Append appends v as JSON to buf, as o.Version sees it, and returns the longer
// buffer. It fails on values that JSON cannot hold and on contradicting tags.
func Append(buf []byte, v any, o Options) ([]byte, error) {
	e := encoder{buf: buf, version: o.Version, only: o.Only}
	e.any(v)
	return e.buf, e.err
}

// An encoder writes one value. Its first error stays.
type encoder struct {
	buf     []byte
	version Version
	only    []string // members to keep of the next object that is written
	keys    []string // scratch
	depth   int
	err     error
}

const maxDepth = 100

func (e *encoder) fail(format string, args ...any) {
	if e.err == nil {
		e.err = fmt.Errorf(format, args...)
	}
}

func (e *encoder) any(v any) {
	switch v := v.(type) {
	case nil:
		e.buf = append(e.buf, "null"...)
	case string:
		e.buf = appendString(e.buf, v)
	case bool:
		e.bool(v)
	case Object:
		e.object(v)
	default:
		rv := reflect.ValueOf(v)
		e.plan(rv.Type())(e, rv)
	}
}

func (e *encoder) plan(t reflect.Type) encodeFunc { return encoderOf(planKey{t, e.version, ""}) }

func (e *encoder) object(o Object) {
	e.buf = append(e.buf, '{')
	for i, m := range o {
		if i > 0 {
			e.buf = append(e.buf, ',')
			e.only = nil
		}
		e.buf = appendString(e.buf, m.Key)
		e.buf = append(e.buf, ':')
		e.any(m.Value)
	}
	e.buf = append(e.buf, '}')
}

// An encodeFunc writes values of one type at one version.
type encodeFunc func(e *encoder, v reflect.Value)

// A planKey is what a plan depends on.
type planKey struct {
	typ     reflect.Type
	version Version
	layout  string // how times are written
}

func (k planKey) of(t reflect.Type) planKey { return planKey{t, k.version, k.layout} }

var encoders sync.Map // planKey → encodeFunc

func encoderOf(k planKey) encodeFunc {
	if f, ok := encoders.Load(k); ok {
		return f.(encodeFunc)
	}
	// A type may contain itself: until its plan is made, whoever meets it
	// again gets a stand-in that waits.
	var ready sync.WaitGroup
	var f encodeFunc
	ready.Add(1)
	standIn := encodeFunc(func(e *encoder, v reflect.Value) { ready.Wait(); f(e, v) })
	if other, loaded := encoders.LoadOrStore(k, standIn); loaded {
		return other.(encodeFunc)
	}
	f = newEncoder(k)
	ready.Done()
	encoders.Store(k, f)
	return f
}

// A structEncoder is the plan of one struct at one version.
type structEncoder struct{ fields []fieldEncoder }

type fieldEncoder struct {
	name, key string
	index     int   // of a field of the struct itself
	path      []int // of a field of an embedded struct, else nil
	omit      func(reflect.Value) bool
	encode    encodeFunc
}

func newStructEncoder(k planKey) encodeFunc {
	fields, err := fieldsOf(k.typ, k.version)
	if err != nil {
		return func(e *encoder, _ reflect.Value) { e.fail("%w", err) }
	}
	s := &structEncoder{}
	for _, f := range fields {
		fe := fieldEncoder{name: f.name, key: f.key, index: f.path[0], omit: omitter(f)}
		if len(f.path) > 1 {
			fe.path = f.path
		}
		layout := f.layout
		if layout == "" {
			layout = k.layout
		}
		fe.encode = encoderOf(planKey{f.typ, k.version, layout})
		s.fields = append(s.fields, fe)
	}
	return s.encode
}

func (s *structEncoder) encode(e *encoder, v reflect.Value) {
	if e.depth++; e.depth > maxDepth {
		e.fail("%s is nested too deeply", v.Type())
		return
	}
	only := e.only
	e.only = nil
	start := len(e.buf)
	for i := range s.fields {
		f := &s.fields[i]
		if only != nil && !slices.Contains(only, f.name) {
			continue
		}
		fv, ok := f.of(v)
		if !ok || (f.omit != nil && f.omit(fv)) {
			continue
		}
		e.buf = append(e.buf, f.key...)
		f.encode(e, fv)
	}
	// Each key begins with a comma; the first becomes the brace.
	if len(e.buf) == start {
		e.buf = append(e.buf, '{')
	} else {
		e.buf[start] = '{'
	}
	e.buf = append(e.buf, '}')
	e.only = only
	e.depth--
}

// of returns the field's value, unless it is in an embedded struct that is nil.
func (f *fieldEncoder) of(v reflect.Value) (reflect.Value, bool) {
	if f.path == nil {
		return v.Field(f.index), true
	}
	for i, index := range f.path {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(index)
	}
	return v, true
}

// omitter returns what decides that a field is left out, or nil.
func omitter(f field) func(reflect.Value) bool {
	switch {
	case f.omitZero && f.typ.Implements(reflect.TypeFor[interface{ IsZero() bool }]()) && f.typ.Kind() != reflect.Pointer:
		return func(v reflect.Value) bool { return v.Interface().(interface{ IsZero() bool }).IsZero() }
	case f.omitZero:
		return reflect.Value.IsZero
	case f.omitEmpty:
		return isEmpty
	}
	return nil
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}
