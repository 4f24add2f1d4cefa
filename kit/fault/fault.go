// Package fault names the kinds of failure a cloud reports.
//
// A kind tells the caller what it may do next; the message tells a person what
// happened. Every error that leaves a package of this module carries exactly
// one kind. A driver's error is given its kind once, by the domain that called
// the driver; an error without a kind is Internal.
package fault

import (
	"errors"
	"fmt"
)

// A Kind classifies an error. Kinds are errors, so errors.Is(err, fault.NotFound) works.
type Kind string

const (
	// Invalid: the request itself is wrong. Fix it before sending it again.
	Invalid Kind = "invalid request"
	// Unauthenticated: nobody knows who is calling. Get a new token.
	Unauthenticated Kind = "unauthenticated"
	// Forbidden: the caller may see the thing but not do this to it. Ask for a role.
	Forbidden Kind = "forbidden"
	// NotFound: it is gone, it never was, or it belongs to somebody else. Stop asking.
	NotFound Kind = "not found"
	// Conflict: the thing is not in a state for this. Look at it, then decide.
	Conflict Kind = "conflict"
	// OverQuota: the project has used what it was granted. Delete something, or ask for more.
	OverQuota Kind = "over quota"
	// Exhausted: the cloud has no room. Ask for less, or tell the operator.
	Exhausted Kind = "exhausted"
	// Unsupported: this backend cannot do it. Choose another backend.
	Unsupported Kind = "unsupported"
	// Unavailable: not now. Send the same request again later.
	Unavailable Kind = "unavailable"
	// Internal: a bug. Report it with the request id.
	Internal Kind = "internal error"
)

// Kinds lists every kind, in the order of their documentation.
var Kinds = []Kind{
	Invalid, Unauthenticated, Forbidden, NotFound, Conflict,
	OverQuota, Exhausted, Unsupported, Unavailable, Internal,
}

// Error returns the kind's name.
func (k Kind) Error() string { return string(k) }

// Errorf returns an error of kind k. Like fmt.Errorf it accepts %w.
func (k Kind) Errorf(format string, args ...any) error {
	return &failure{Reason{Kind: k}, fmt.Errorf(format, args...)}
}

// Wrap says what was being done when err came. It keeps the kind and reason that
// err has, gives it kind k when it has none, and returns nil for nil.
func (k Kind) Wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	r := ReasonOf(err)
	if r.Kind == Internal {
		r.Kind = k
	}
	return &failure{r, fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)}
}

// Reason returns a named failure within kind k, for a caller that must tell two
// failures of one kind apart. Names are stable: "network.no-address".
func (k Kind) Reason(name string) Reason { return Reason{k, name} }

// A Reason is a kind of failure with a name. Reasons are errors and compare with errors.Is.
type Reason struct {
	Kind Kind
	Name string
}

// Error returns the reason's name.
func (r Reason) Error() string { return r.Name }

// Is reports that a reason is also a failure of its kind.
func (r Reason) Is(target error) bool { return target == r.Kind }

// Errorf returns an error with reason r. Like fmt.Errorf it accepts %w.
func (r Reason) Errorf(format string, args ...any) error {
	return &failure{r, fmt.Errorf(format, args...)}
}

// Of returns the outermost kind of err, or Internal when it has none.
func Of(err error) Kind { return ReasonOf(err).Kind }

// ReasonOf returns the outermost reason of err. Its Name is empty when err has
// only a kind.
func ReasonOf(err error) Reason {
	var f *failure
	if errors.As(err, &f) {
		return f.reason
	}
	var r Reason
	if errors.As(err, &r) {
		return r
	}
	k := Internal
	errors.As(err, &k)
	return Reason{Kind: k}
}

type failure struct {
	reason Reason
	err    error
}

func (f *failure) Error() string { return f.err.Error() }

func (f *failure) Unwrap() error { return f.err }

func (f *failure) Is(target error) bool {
	return target == f.reason.Kind || target == f.reason
}
