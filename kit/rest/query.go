package rest

import (
	"net/url"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest/microversion"
)

// A Query reads the parameters after the question mark. It remembers the first
// that was wrong: read all of them, then ask Err once.
type Query struct {
	request *Request
	values  url.Values
	read    map[string]bool
	err     error
}

// Query returns the request's query parameters.
func (r *Request) Query() *Query {
	values, err := url.ParseQuery(r.HTTP.URL.RawQuery)
	q := &Query{request: r, values: values, read: map[string]bool{}}
	if err != nil {
		q.err = fault.Invalid.Errorf("the query string is malformed: %w", err)
	}
	return q
}

// Err returns the first thing that was wrong, as fault.Invalid.
func (q *Query) Err() error { return q.err }

// NoMore is Err that also refuses parameters that were not read.
func (q *Query) NoMore() error {
	for name := range q.values {
		if !q.read[name] {
			q.fail("parameter %s is not known here", name)
		}
	}
	return q.err
}

// Has reports whether a parameter was given, even an empty one.
func (q *Query) Has(name string) bool {
	q.read[name] = true
	return q.values.Has(name)
}

// String returns a parameter, or an empty string.
func (q *Query) String(name string) string {
	q.read[name] = true
	return q.values.Get(name)
}

// Strings returns every value of a parameter that may be repeated.
func (q *Query) Strings(name string) []string {
	q.read[name] = true
	return q.values[name]
}

// List returns the values of a parameter separated by commas, of all its repetitions.
func (q *Query) List(name string) []string {
	var list []string
	for _, v := range q.Strings(name) {
		list = append(list, strings.Split(v, ",")...)
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// Int returns a decimal parameter, or otherwise when it is absent.
func (q *Query) Int(name string, otherwise int) int {
	if !q.Has(name) {
		return otherwise
	}
	n, err := ParseInt(name, q.values.Get(name))
	q.note(err)
	return n
}

// Bool returns a parameter that says yes or no, or otherwise when it is absent.
func (q *Query) Bool(name string, otherwise bool) bool {
	if v := q.OptionalBool(name); v != nil {
		return *v
	}
	return otherwise
}

// OptionalBool returns a parameter that says yes or no, or nil when it is absent.
func (q *Query) OptionalBool(name string) *bool {
	if !q.Has(name) {
		return nil
	}
	b, err := ParseBool(name, q.values.Get(name))
	q.note(err)
	return &b
}

// Flag is Bool where the bare name means yes: ?all_tenants.
func (q *Query) Flag(name string) bool {
	if q.Has(name) && q.values.Get(name) == "" {
		return true
	}
	return q.Bool(name, false)
}

// UUID returns a parameter that must be a UUID, or an empty string when it is absent.
func (q *Query) UUID(name string) string {
	if !q.Has(name) {
		return ""
	}
	id, err := ParseUUID(name, q.values.Get(name))
	q.note(err)
	return id
}

// Others returns the parameters that were not read yet, for APIs where each
// attribute is a filter. They count as read.
func (q *Query) Others() map[string][]string {
	others := map[string][]string{}
	for name, v := range q.values {
		if !q.read[name] {
			others[name], q.read[name] = v, true
		}
	}
	return others
}

func (q *Query) fail(format string, args ...any) { q.note(fault.Invalid.Errorf(format, args...)) }

func (q *Query) note(err error) {
	if q.err == nil {
		q.err = err
	}
}

// ParseInt returns the decimal number s, or fault.Invalid naming what it is.
func ParseInt(what, s string) (int, error) { return microversion.ParseInt(what, s) }

// ParseBool accepts true, t, yes, y, on, 1 and their opposites in any case, else fault.Invalid.
func ParseBool(what, s string) (bool, error) { return microversion.ParseBool(what, s) }

// ParseUUID returns s in canonical form, with or without dashes going in, or fault.Invalid.
func ParseUUID(what, s string) (string, error) {
	if len(s) == 36 || len(s) == 32 {
		if id, err := uuid.Parse(s); err == nil {
			return id.String(), nil
		}
	}
	return "", fault.Invalid.Errorf("%s: %q is not a UUID", what, s)
}
