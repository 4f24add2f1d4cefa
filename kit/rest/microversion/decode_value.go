package microversion

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strconv"
	"time"
)

var (
	unmarshalerType     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshalerType = reflect.TypeFor[encoding.TextUnmarshaler]()
)

func newDecoder(k planKey) decodeFunc {
	t := k.typ
	pointer := reflect.PointerTo(t)
	switch {
	case t == timeType:
		return timeDecoder(k.layout)
	case t.Kind() != reflect.Pointer && t.Implements(optionalType):
		return optionalDecoder(k)
	case t == numberType:
		return decodeNumber
	case pointer.Implements(unmarshalerType):
		return decodeUnmarshaler
	case pointer.Implements(textUnmarshalerType):
		return decodeText
	}
	switch t.Kind() {
	case reflect.String:
		return decodeString
	case reflect.Bool:
		return decodeBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return decodeInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return decodeUint
	case reflect.Float32, reflect.Float64:
		return decodeFloat
	case reflect.Struct:
		return newStructDecoder(k)
	case reflect.Pointer:
		return pointerDecoder(k)
	case reflect.Slice:
		return listDecoder(k)
	case reflect.Map:
		return mapDecoder(k)
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return decodeAny
		}
	}
	return func(d *decoder, _ reflect.Value) error { return d.invalid("cannot be decoded into a %s", t) }
}

// orNull takes null for a value that cannot hold it, unless the reading is
// strict, and otherwise says what was wanted.
func (d *decoder) orNull(what string) error {
	if !d.Strict {
		if null, err := d.null(); null || err != nil {
			return err
		}
	}
	return d.expected(what)
}

func decodeString(d *decoder, v reflect.Value) error {
	if d.next() != '"' {
		return d.orNull("a string")
	}
	s, err := d.string()
	v.SetString(s)
	return err
}

func decodeBool(d *decoder, v reflect.Value) error {
	switch d.next() {
	case 't':
		v.SetBool(true)
		return d.literal("true")
	case 'f':
		v.SetBool(false)
		return d.literal("false")
	}
	return d.orNull("a boolean")
}

// numeral reads the text of a number; ok is false when the value was null.
func (d *decoder) numeral(what string) (text string, ok bool, err error) {
	if c := d.next(); c != '-' && (c < '0' || c > '9') {
		return "", false, d.orNull(what)
	}
	text, err = d.number()
	return text, err == nil, err
}

func decodeInt(d *decoder, v reflect.Value) error {
	text, ok, err := d.numeral("an integer")
	if !ok {
		return err
	}
	n, err := strconv.ParseInt(text, 10, v.Type().Bits())
	if err != nil {
		return d.invalid("expected an integer of %d bits, got %s", v.Type().Bits(), text)
	}
	v.SetInt(n)
	return nil
}

func decodeUint(d *decoder, v reflect.Value) error {
	text, ok, err := d.numeral("an integer")
	if !ok {
		return err
	}
	n, err := strconv.ParseUint(text, 10, v.Type().Bits())
	if err != nil {
		return d.invalid("expected an integer of %d bits that is not negative, got %s", v.Type().Bits(), text)
	}
	v.SetUint(n)
	return nil
}

func decodeFloat(d *decoder, v reflect.Value) error {
	text, ok, err := d.numeral("a number")
	if !ok {
		return err
	}
	n, err := strconv.ParseFloat(text, v.Type().Bits())
	if err != nil {
		return d.invalid("%s does not fit", text)
	}
	v.SetFloat(n)
	return nil
}

func decodeNumber(d *decoder, v reflect.Value) error {
	text, ok, err := d.numeral("a number")
	if ok {
		v.SetString(text)
	}
	return err
}

func pointerDecoder(k planKey) decodeFunc {
	decode := decoderOf(k.of(k.typ.Elem()))
	return func(d *decoder, v reflect.Value) error {
		if null, err := d.null(); null || err != nil {
			v.SetZero()
			return err
		}
		v.Set(reflect.New(v.Type().Elem()))
		return decode(d, v.Elem())
	}
}

func optionalDecoder(k planKey) decodeFunc {
	value, _ := k.typ.FieldByName("Value")
	decode := decoderOf(k.of(value.Type))
	return func(d *decoder, v reflect.Value) error {
		v.SetZero()
		v.Field(0).SetBool(true)
		if null, err := d.null(); null || err != nil {
			v.Field(1).SetBool(null)
			return err
		}
		return decode(d, v.Field(2))
	}
}

func listDecoder(k planKey) decodeFunc {
	if k.typ.Elem().Kind() == reflect.Uint8 {
		return decodeBytes
	}
	decode := decoderOf(k.of(k.typ.Elem()))
	return func(d *decoder, v reflect.Value) error {
		if null, err := d.null(); null || err != nil {
			v.SetZero()
			return err
		}
		if d.next() != '[' {
			return d.expected("a list")
		}
		v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		return d.array(func(i int) error {
			v.Grow(1)
			v.SetLen(i + 1)
			v.Index(i).SetZero()
			return d.at(step{index: i}, func() error { return decode(d, v.Index(i)) })
		})
	}
}

func mapDecoder(k planKey) decodeFunc {
	t := k.typ
	decode := decoderOf(k.of(t.Elem()))
	if t.Key().Kind() != reflect.String {
		return func(d *decoder, _ reflect.Value) error { return d.invalid("cannot be decoded into a %s", t) }
	}
	return func(d *decoder, v reflect.Value) error {
		if null, err := d.null(); null || err != nil {
			v.SetZero()
			return err
		}
		if d.next() != '{' {
			return d.expected("an object")
		}
		v.Set(reflect.MakeMap(t))
		return d.object(func(key string) error {
			return d.at(step{name: key}, func() error {
				element := reflect.New(t.Elem()).Elem()
				if err := decode(d, element); err != nil {
					return err
				}
				v.SetMapIndex(reflect.ValueOf(key).Convert(t.Key()), element)
				return nil
			})
		})
	}
}

func decodeBytes(d *decoder, v reflect.Value) error {
	if null, err := d.null(); null || err != nil {
		v.SetZero()
		return err
	}
	if d.next() != '"' {
		return d.expected("a string in base64")
	}
	s, err := d.string()
	if err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return d.invalid("is not base64")
	}
	v.SetBytes(raw)
	return nil
}

func decodeUnmarshaler(d *decoder, v reflect.Value) error {
	raw, err := d.raw()
	if err != nil {
		return err
	}
	if err := v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(raw); err != nil {
		return d.invalid("%v", err)
	}
	return nil
}

func decodeText(d *decoder, v reflect.Value) error {
	if d.next() != '"' {
		return d.orNull("a string")
	}
	s, err := d.string()
	if err != nil {
		return err
	}
	if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
		return d.invalid("%v", err)
	}
	return nil
}

// spellings are the ways clients write a time, besides the field's own.
var spellings = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04", "2006-01-02",
}

func timeDecoder(layout string) decodeFunc {
	return func(d *decoder, v reflect.Value) error {
		if d.next() != '"' {
			return d.orNull("a time")
		}
		s, err := d.string()
		if err != nil {
			return err
		}
		t, err := ParseTime(s, layout)
		if err != nil {
			return d.invalid("%q is not a time; write it as %s", s, time.RFC3339)
		}
		v.Set(reflect.ValueOf(t))
		return nil
	}
}

// ParseTime reads a time in layout, which may be empty, or in one of the forms
// that clients use; without a zone it is UTC.
func ParseTime(s, layout string) (time.Time, error) {
	if layout != "" {
		if t, err := time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	var t time.Time
	var err error
	for _, l := range spellings {
		if t, err = time.Parse(l, s); err == nil {
			return t.UTC(), nil
		}
	}
	return t, err
}

// decodeAny reads a value whose shape is the client's, as encoding/json does.
func decodeAny(d *decoder, v reflect.Value) error {
	value, err := d.any()
	if err != nil || value == nil {
		v.SetZero()
		return err
	}
	v.Set(reflect.ValueOf(value))
	return nil
}

func (d *decoder) any() (any, error) {
	switch c := d.next(); c {
	case '{':
		m := map[string]any{}
		err := d.object(func(key string) error {
			v, err := d.any()
			m[key] = v
			return err
		})
		return m, err
	case '[':
		list := []any{}
		err := d.array(func(int) error {
			v, err := d.any()
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		return d.string()
	case 't', 'f':
		return c == 't', d.skip()
	case 'n':
		return nil, d.skip()
	}
	text, err := d.number()
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, d.invalid("%s does not fit", text)
	}
	return n, nil
}
