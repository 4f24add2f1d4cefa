package microversion

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Decode reads one JSON value from data into the value that target points to,
// as o.Version sees it. What does not fit is fault.Invalid and names the member.
func Decode(data []byte, target any, o Options) error {
	v := reflect.ValueOf(target)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fault.Internal.Errorf("decode into %T: a pointer is needed", target)
	}
	d := &decoder{scanner: scanner{data: data}, Options: o}
	var err error
	if o.Key == "" {
		err = d.whole(v.Elem())
	} else {
		err = d.under(v.Elem())
	}
	if err != nil {
		return err
	}
	return d.finish()
}

// OnlyMember returns the name and the value of the only member of the object in data.
func OnlyMember(data []byte) (name string, value []byte, err error) {
	s := scanner{data: data}
	members := 0
	err = s.object(func(key string) error {
		members++
		raw, err := s.raw()
		name, value = key, raw
		return err
	})
	if err == nil {
		err = s.finish()
	}
	if err == nil && members != 1 {
		err = fault.Invalid.Errorf("the body must have exactly one member; it has %d", members)
	}
	return name, value, err
}

// A decoder reads one value, and knows where it is for its messages.
type decoder struct {
	scanner
	Options
	path []step
}

// A step leads to a member, or to an element when the name is empty.
type step struct {
	name  string
	index int
}

// whole reads the body itself. Null stands for an object without members, as in
// the body of an action.
func (d *decoder) whole(v reflect.Value) error {
	if d.next() == 'n' && v.Kind() == reflect.Struct {
		if err := d.literal("null"); err != nil {
			return err
		}
		empty := &decoder{scanner: scanner{data: []byte("{}")}, Options: d.Options}
		return empty.value(v)
	}
	return d.value(v)
}

// under reads the object under the key that was asked for.
func (d *decoder) under(v reflect.Value) error {
	found := false
	err := d.object(func(key string) error {
		if key != d.Key {
			if d.Strict {
				return fault.Invalid.Errorf("%s is not known here", key)
			}
			return d.skip()
		}
		found = true
		d.path = append(d.path[:0], step{name: key})
		if d.next() == 'n' {
			return d.invalid("must not be null")
		}
		return d.value(v)
	})
	if err == nil && !found {
		err = fault.Invalid.Errorf("the body needs a member %s", d.Key)
	}
	return err
}

func (d *decoder) value(v reflect.Value) error {
	return decoderOf(planKey{v.Type(), d.Version, ""})(d, v)
}

// at runs read one step further down.
func (d *decoder) at(s step, read func() error) error {
	d.path = append(d.path, s)
	err := read()
	d.path = d.path[:len(d.path)-1]
	return err
}

// where spells the path as server.networks[0].port.
func (d *decoder) where() string {
	if len(d.path) == 0 {
		return "the body"
	}
	var b strings.Builder
	for i, s := range d.path {
		switch {
		case s.name == "":
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		case i > 0:
			b.WriteString("." + s.name)
		default:
			b.WriteString(s.name)
		}
	}
	return b.String()
}

func (d *decoder) invalid(format string, args ...any) error {
	return fault.Invalid.Errorf("%s: %s", d.where(), fmt.Sprintf(format, args...))
}

// expected says what was wanted and what is there instead.
func (d *decoder) expected(what string) error {
	got := "a malformed value"
	switch c := d.next(); {
	case c == '{':
		got = "an object"
	case c == '[':
		got = "a list"
	case c == '"':
		got = "a string"
	case c == 't' || c == 'f':
		got = "a boolean"
	case c == 'n':
		got = "null"
	case c == '-' || (c >= '0' && c <= '9'):
		got = "a number"
	case c == 0:
		return d.malformed("expected " + what)
	}
	return d.invalid("expected %s, got %s", what, got)
}

// A decodeFunc reads values of one type at one version.
type decodeFunc func(d *decoder, v reflect.Value) error

var decoders sync.Map // planKey → decodeFunc

func decoderOf(k planKey) decodeFunc {
	if f, ok := decoders.Load(k); ok {
		return f.(decodeFunc)
	}
	var ready sync.WaitGroup
	var f decodeFunc
	ready.Add(1)
	standIn := decodeFunc(func(d *decoder, v reflect.Value) error { ready.Wait(); return f(d, v) })
	if other, loaded := decoders.LoadOrStore(k, standIn); loaded {
		return other.(decodeFunc)
	}
	f = newDecoder(k)
	ready.Done()
	decoders.Store(k, f)
	return f
}
