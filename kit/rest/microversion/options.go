package microversion

// Options says how to read or write one value.
type Options struct {
	Version Version // zero for an API without microversions

	// Strict refuses members that the target does not have at this version, and
	// null where the target cannot hold it. Decode only.
	Strict bool
	// Key makes Decode read the one object under this member of the body, which
	// must be there.
	Key string

	// Only keeps these members of the objects that Append writes: of the value
	// itself or, for an Object, of its first member, or of each element when
	// that is a list. Nil keeps everything.
	Only []string
}

// An Object is a JSON object whose members are known when it is written, in order.
type Object []Member

// A Member is one name and value of an Object.
type Member struct {
	Key   string
	Value any
}

// Optional is an input that tells absent, null and a value apart, as an update
// must. It encodes as its value or null; omitzero omits it when it is absent.
type Optional[T any] struct {
	Given bool // the member was there
	Null  bool // it was null
	Value T
}

// Of returns an Optional that holds v.
func Of[T any](v T) Optional[T] { return Optional[T]{Given: true, Value: v} }

// Or returns the value, or otherwise when it is absent or null.
func (o Optional[T]) Or(otherwise T) T {
	if !o.Given || o.Null {
		return otherwise
	}
	return o.Value
}

// Pointer returns the value, or nil when it is absent or null.
func (o Optional[T]) Pointer() *T {
	if !o.Given || o.Null {
		return nil
	}
	return &o.Value
}

// IsZero reports that the member was absent.
func (o Optional[T]) IsZero() bool { return !o.Given }

func (Optional[T]) optional() {}

// optional is implemented by every Optional and by nothing else.
type optional interface{ optional() }
