package identityapi

import (
	"maps"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// An object is a body with members that no struct knows: clients may note
// anything on users, projects and the like.
type object map[string]any

// with returns o with what clients noted, where it does not hide a member of ours.
func (o object) with(extra identity.Extra) object {
	out := maps.Clone(object(extra))
	if out == nil {
		return o
	}
	maps.Copy(out, o)
	return out
}

// A form takes an object apart. It remembers the first member that was wrong:
// take all of them, then ask err once.
type form struct {
	members object
	wrong   error
}

func read(in object) *form { return &form{members: maps.Clone(in)} }

// err returns the first thing that was wrong, as fault.Invalid.
func (f *form) err() error { return f.wrong }

func (f *form) fail(format string, args ...any) {
	if f.wrong == nil {
		f.wrong = fault.Invalid.Errorf(format, args...)
	}
}

// take returns a member and removes it from what is left over.
func (f *form) take(name string) (v any, there bool) {
	v, there = f.members[name]
	delete(f.members, name)
	return v, there
}

// text takes a string; null and absent are empty.
func (f *form) text(name string) string {
	if s := f.change(name); s != nil {
		return *s
	}
	return ""
}

// change takes a string of a patch: nil when absent, empty when null.
func (f *form) change(name string) *string {
	v, there := f.take(name)
	if !there {
		return nil
	}
	s, ok := v.(string)
	if !ok && v != nil {
		f.fail("%s must be a string", name)
	}
	return &s
}

// flag takes a boolean: nil when absent or null.
func (f *form) flag(name string) *bool {
	v, _ := f.take(name)
	if v == nil {
		return nil
	}
	b, ok := v.(bool)
	if !ok {
		f.fail("%s must be true or false", name)
	}
	return &b
}

// texts takes a list of strings: nil when absent or null.
func (f *form) texts(name string) *[]string {
	v, _ := f.take(name)
	if v == nil {
		return nil
	}
	list, ok := v.([]any)
	out := make([]string, len(list))
	for i := range list {
		s, isText := list[i].(string)
		out[i], ok = s, ok && isText
	}
	if !ok {
		f.fail("%s must be a list of strings", name)
	}
	return &out
}

// extra returns what was not taken, but for what only we may say.
func (f *form) extra() identity.Extra {
	for _, name := range []string{"id", "links", "options", "password_expires_at", "federated"} {
		delete(f.members, name)
	}
	if len(f.members) == 0 {
		return nil
	}
	return identity.Extra(f.members)
}

func disabled(enabled *bool) bool { return enabled != nil && !*enabled }

// as turns an optional string into an optional id.
func as[ID ~string](s *string) *ID {
	if s == nil {
		return nil
	}
	id := ID(*s)
	return &id
}

// orNull is null for an empty string.
func orNull[S ~string](s S) any {
	if s == "" {
		return nil
	}
	return s
}
