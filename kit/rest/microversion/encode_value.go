package microversion

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	marshalerType     = reflect.TypeFor[json.Marshaler]()
	textMarshalerType = reflect.TypeFor[encoding.TextMarshaler]()
	optionalType      = reflect.TypeFor[optional]()
	objectType        = reflect.TypeFor[Object]()
	numberType        = reflect.TypeFor[json.Number]()
	stringMapType     = reflect.TypeFor[map[string]string]()
	anyMapType        = reflect.TypeFor[map[string]any]()
)

func newEncoder(k planKey) encodeFunc {
	t := k.typ
	switch {
	case t.Kind() == reflect.Pointer:
		return pointerEncoder(k)
	case t == timeType && k.layout != "":
		return timeEncoder(k.layout)
	case t == timeType:
		return encodeTime
	case t == objectType:
		return func(e *encoder, v reflect.Value) { e.object(v.Interface().(Object)) }
	case t.Implements(optionalType):
		return optionalEncoder(k)
	case t == numberType:
		return encodeNumber
	case t.Implements(marshalerType):
		return encodeMarshaler
	case reflect.PointerTo(t).Implements(marshalerType):
		return ifAddressable(encodeMarshaler, newKindEncoder(k))
	case t.Implements(textMarshalerType):
		return encodeText
	case reflect.PointerTo(t).Implements(textMarshalerType):
		return ifAddressable(encodeText, newKindEncoder(k))
	}
	return newKindEncoder(k)
}

func newKindEncoder(k planKey) encodeFunc {
	switch k.typ.Kind() {
	case reflect.String:
		return func(e *encoder, v reflect.Value) { e.buf = appendString(e.buf, v.String()) }
	case reflect.Bool:
		return func(e *encoder, v reflect.Value) { e.bool(v.Bool()) }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(e *encoder, v reflect.Value) { e.buf = strconv.AppendInt(e.buf, v.Int(), 10) }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return func(e *encoder, v reflect.Value) { e.buf = strconv.AppendUint(e.buf, v.Uint(), 10) }
	case reflect.Float32:
		return func(e *encoder, v reflect.Value) { e.float(v.Float(), 32) }
	case reflect.Float64:
		return func(e *encoder, v reflect.Value) { e.float(v.Float(), 64) }
	case reflect.Struct:
		return newStructEncoder(k)
	case reflect.Interface:
		return func(e *encoder, v reflect.Value) { e.any(v.Interface()) }
	case reflect.Slice, reflect.Array:
		return listEncoder(k)
	case reflect.Map:
		return mapEncoder(k)
	}
	return func(e *encoder, _ reflect.Value) { e.fail("JSON cannot hold a %s", k.typ) }
}

func (e *encoder) bool(b bool) { e.buf = strconv.AppendBool(e.buf, b) }

func (e *encoder) null() { e.buf = append(e.buf, "null"...) }

// float writes f as encoding/json does: like ECMAScript, with short exponents.
func (e *encoder) float(f float64, bits int) {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		e.fail("JSON cannot hold %v", f)
		return
	}
	abs, format := math.Abs(f), byte('f')
	if abs != 0 {
		if bits == 64 && (abs < 1e-6 || abs >= 1e21) || bits == 32 && (float32(abs) < 1e-6 || float32(abs) >= 1e21) {
			format = 'e'
		}
	}
	e.buf = strconv.AppendFloat(e.buf, f, format, -1, bits)
	if n := len(e.buf); format == 'e' && n >= 4 && e.buf[n-4] == 'e' && e.buf[n-3] == '-' && e.buf[n-2] == '0' {
		e.buf[n-2] = e.buf[n-1]
		e.buf = e.buf[:n-1]
	}
}

func pointerEncoder(k planKey) encodeFunc {
	encode := encoderOf(k.of(k.typ.Elem()))
	return func(e *encoder, v reflect.Value) {
		if v.IsNil() {
			e.null()
			return
		}
		if e.depth++; e.depth > maxDepth {
			e.fail("%s is nested too deeply", v.Type())
			return
		}
		encode(e, v.Elem())
		e.depth--
	}
}

func listEncoder(k planKey) encodeFunc {
	if k.typ.Kind() == reflect.Slice && k.typ.Elem().Kind() == reflect.Uint8 {
		return encodeBytes
	}
	encode := encoderOf(k.of(k.typ.Elem()))
	return func(e *encoder, v reflect.Value) {
		if e.depth++; e.depth > maxDepth {
			e.fail("%s is nested too deeply", v.Type())
			return
		}
		e.buf = append(e.buf, '[')
		for i := range v.Len() {
			if i > 0 {
				e.buf = append(e.buf, ',')
			}
			encode(e, v.Index(i))
		}
		e.buf = append(e.buf, ']')
		e.depth--
	}
}

func encodeBytes(e *encoder, v reflect.Value) {
	e.buf = append(e.buf, '"')
	e.buf = base64.StdEncoding.AppendEncode(e.buf, v.Bytes())
	e.buf = append(e.buf, '"')
}

func timeEncoder(layout string) encodeFunc {
	return func(e *encoder, v reflect.Value) {
		t := timeOf(v)
		if t.IsZero() {
			e.null()
			return
		}
		e.buf = append(e.buf, '"')
		e.buf = t.UTC().AppendFormat(e.buf, layout)
		e.buf = append(e.buf, '"')
	}
}

func encodeTime(e *encoder, v reflect.Value) {
	e.buf = append(e.buf, '"')
	e.buf = timeOf(v).AppendFormat(e.buf, time.RFC3339Nano)
	e.buf = append(e.buf, '"')
}

// timeOf reads a time without copying it to the heap where it can.
func timeOf(v reflect.Value) time.Time {
	if v.CanAddr() && v.Addr().CanInterface() {
		return *v.Addr().Interface().(*time.Time)
	}
	return v.Interface().(time.Time)
}

func optionalEncoder(k planKey) encodeFunc {
	value, _ := k.typ.FieldByName("Value")
	encode := encoderOf(k.of(value.Type))
	return func(e *encoder, v reflect.Value) {
		if !v.Field(0).Bool() || v.Field(1).Bool() {
			e.null()
			return
		}
		encode(e, v.Field(2))
	}
}

func encodeNumber(e *encoder, v reflect.Value) {
	s := v.String()
	if s == "" {
		s = "0"
	}
	if !validNumber(s) {
		e.fail("%q is not a number", s)
		return
	}
	e.buf = append(e.buf, s...)
}

func ifAddressable(yes, no encodeFunc) encodeFunc {
	return func(e *encoder, v reflect.Value) {
		if v.CanAddr() {
			yes(e, v.Addr())
			return
		}
		no(e, v)
	}
}

func encodeMarshaler(e *encoder, v reflect.Value) {
	if isNil(v) {
		e.null()
		return
	}
	raw, err := v.Interface().(json.Marshaler).MarshalJSON()
	if err != nil {
		e.fail("%s: %w", v.Type(), err)
		return
	}
	out := bytes.NewBuffer(e.buf)
	if err := json.Compact(out, raw); err != nil {
		e.fail("%s: %w", v.Type(), err)
		return
	}
	e.buf = out.Bytes()
}

func encodeText(e *encoder, v reflect.Value) {
	if isNil(v) {
		e.null()
		return
	}
	text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
	if err != nil {
		e.fail("%s: %w", v.Type(), err)
		return
	}
	e.buf = appendString(e.buf, string(text))
}

func isNil(v reflect.Value) bool {
	return (v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface) && v.IsNil()
}

func mapEncoder(k planKey) encodeFunc {
	t := k.typ
	if t.Key() == stringMapType.Key() {
		switch t.Elem() {
		case stringMapType.Elem():
			return encodeStringMap
		case anyMapType.Elem():
			return encodeAnyMap
		}
	}
	encode := encoderOf(k.of(t.Elem()))
	name := keyNamer(t.Key())
	if name == nil {
		return func(e *encoder, _ reflect.Value) { e.fail("JSON cannot hold a %s", t) }
	}
	return func(e *encoder, v reflect.Value) { e.mapOf(v, name, encode) }
}

func keyNamer(t reflect.Type) func(e *encoder, v reflect.Value) string {
	switch {
	case t.Kind() == reflect.String:
		return func(_ *encoder, v reflect.Value) string { return v.String() }
	case t.Implements(textMarshalerType):
		return func(e *encoder, v reflect.Value) string {
			text, err := v.Interface().(encoding.TextMarshaler).MarshalText()
			if err != nil {
				e.fail("%s: %w", t, err)
			}
			return string(text)
		}
	case reflect.Zero(t).CanInt():
		return func(_ *encoder, v reflect.Value) string { return strconv.FormatInt(v.Int(), 10) }
	case reflect.Zero(t).CanUint():
		return func(_ *encoder, v reflect.Value) string { return strconv.FormatUint(v.Uint(), 10) }
	}
	return nil
}

func (e *encoder) mapOf(v reflect.Value, name func(*encoder, reflect.Value) string, encode encodeFunc) {
	type entry struct {
		name  string
		value reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		entries = append(entries, entry{name(e, it.Key()), it.Value()})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	e.members(func(only []string) {
		for _, m := range entries {
			if e.memberKey(only, m.name) {
				encode(e, m.value)
			}
		}
	})
}

func encodeStringMap(e *encoder, v reflect.Value) {
	m, _ := v.Convert(stringMapType).Interface().(map[string]string)
	e.members(func(only []string) {
		keys, from := sortedKeys(e, m)
		for _, key := range keys {
			if e.memberKey(only, key) {
				e.buf = appendString(e.buf, m[key])
			}
		}
		e.keys = e.keys[:from]
	})
}

func encodeAnyMap(e *encoder, v reflect.Value) {
	m, _ := v.Convert(anyMapType).Interface().(map[string]any)
	e.members(func(only []string) {
		keys, from := sortedKeys(e, m)
		for _, key := range keys {
			if e.memberKey(only, key) {
				e.any(m[key])
			}
		}
		e.keys = e.keys[:from]
	})
}

// sortedKeys borrows room for m's keys from the encoder; the caller gives it
// back by cutting e.keys to from.
func sortedKeys[V any](e *encoder, m map[string]V) (keys []string, from int) {
	from = len(e.keys)
	for key := range m {
		e.keys = append(e.keys, key)
	}
	keys = e.keys[from:]
	slices.Sort(keys)
	return keys, from
}

// members writes an object around what each writes.
func (e *encoder) members(each func(only []string)) {
	if e.depth++; e.depth > maxDepth {
		e.fail("the value is nested too deeply")
		return
	}
	only := e.only
	e.only = nil
	start := len(e.buf)
	each(only)
	if len(e.buf) == start {
		e.buf = append(e.buf, '{')
	} else {
		e.buf[start] = '{'
	}
	e.buf = append(e.buf, '}')
	e.only = only
	e.depth--
}

// memberKey writes the name of a member, unless it is not wanted.
func (e *encoder) memberKey(only []string, key string) bool {
	if only != nil && !slices.Contains(only, key) {
		return false
	}
	e.buf = append(e.buf, ',')
	e.buf = appendString(e.buf, key)
	e.buf = append(e.buf, ':')
	return true
}
