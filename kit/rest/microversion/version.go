package microversion

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A Version is a microversion such as 2.47. The zero Version belongs to an API
// without microversions; it sees every field but those that ended.
type Version struct{ Major, Minor int }

// Parse reads "2.47". Anything else, leading zeros included, is fault.Invalid.
func Parse(s string) (Version, error) {
	major, minor, ok := strings.Cut(s, ".")
	if v := (Version{number(major), number(minor)}); ok && v.Major > 0 && v.Minor >= 0 {
		return v, nil
	}
	return Version{}, fault.Invalid.Errorf("%q is not a version: write it as 2.1", s)
}

// MustParse is Parse for versions written in the program.
func MustParse(s string) Version {
	v, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return v
}

// number returns the decimal number s, or -1.
func number(s string) int {
	n, err := strconv.ParseUint(s, 10, 15)
	if err != nil || s[0] == '+' || (s[0] == '0' && len(s) > 1) {
		return -1
	}
	return int(n)
}

// Compare returns -1, 0 or 1 as v is older than, equal to or newer than w.
func (v Version) Compare(w Version) int {
	return cmp.Or(cmp.Compare(v.Major, w.Major), cmp.Compare(v.Minor, w.Minor))
}

// IsZero reports that there is no version.
func (v Version) IsZero() bool { return v == Version{} }

// String returns "2.47", or an empty string for the zero Version.
func (v Version) String() string {
	if v.IsZero() {
		return ""
	}
	return fmt.Sprintf("%d.%d", v.Major, v.Minor)
}

// A Range is the versions in which something lives, both ends included. A zero
// end is open.
type Range struct{ Since, Until Version }

// ParseRange reads a range from two versions, either of which may be empty.
func ParseRange(since, until string) (Range, error) {
	var r Range
	var err error
	if since != "" {
		if r.Since, err = Parse(since); err != nil {
			return r, err
		}
	}
	if until != "" {
		if r.Until, err = Parse(until); err != nil {
			return r, err
		}
	}
	if !r.Since.IsZero() && !r.Until.IsZero() && r.Since.Compare(r.Until) > 0 {
		return r, fault.Invalid.Errorf("no version lies between %s and %s", since, until)
	}
	return r, nil
}

// Contains reports whether v lies in the range.
func (r Range) Contains(v Version) bool {
	if v.IsZero() {
		return r.Until.IsZero()
	}
	return v.Compare(r.Since) >= 0 && (r.Until.IsZero() || v.Compare(r.Until) <= 0)
}

// Overlaps reports whether some version lies in both ranges.
func (r Range) Overlaps(s Range) bool {
	startsBeforeEnd := func(a, b Range) bool { return b.Until.IsZero() || a.Since.Compare(b.Until) <= 0 }
	return startsBeforeEnd(r, s) && startsBeforeEnd(s, r)
}

// and returns the versions that lie in both ranges, and whether there are any.
func (r Range) and(s Range) (Range, bool) {
	if !r.Overlaps(s) {
		return Range{}, false
	}
	if s.Since.Compare(r.Since) > 0 {
		r.Since = s.Since
	}
	if r.Until.IsZero() || (!s.Until.IsZero() && s.Until.Compare(r.Until) < 0) {
		r.Until = s.Until
	}
	return r, true
}
