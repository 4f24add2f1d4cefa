// Package microversion encodes and decodes JSON whose shape depends on an API's
// microversion.
//
// A wire struct is declared once, and tags say in which versions a field lives:
//
//	type server struct {
//		ID         string        `json:"id"`
//		Locked     bool          `json:"locked" since:"2.9"`
//		Flavor     flavorLink    `json:"flavor" until:"2.46"`
//		FlavorCopy flavorDetails `as:"flavor" since:"2.47"`
//		Created    time.Time     `json:"created" time:"z"`
//	}
//
// Append writes such a value as a version sees it, Decode reads it. Both work by
// plans that are made once for each type and version. kit/rest calls them for
// every body; HTTP faces only declare structs. Two fields may have one name in
// versions apart; the second is tagged as instead of json, since go vet refuses
// a json name twice.
//
// Tags. On every field: json or as (with omitempty and omitzero), since, until (both
// included), and time, which is z, micro, microz or a layout of package time; a
// zero time.Time that has the tag is null. Only when decoding: required:"true",
// min and max (of a number, of the characters of a string, of the length of a
// list or map), enum:"a,b", and loose:"true" for a number or boolean that may be
// written as a string. A blank field `_ struct{} strict:"true"` refuses unknown
// members in this struct whatever the route says, strict:"false" takes them.
//
// An embedded struct's since and until hold for all of its fields. Structs
// without these tags encode as encoding/json encodes them, except that HTML is
// not escaped and that a nil slice is [] and a nil map {}: clients walk them.
// What may be null is a pointer. Decoding differs where APIs are stricter: names
// are case-sensitive, text must be UTF-8 without NUL, nesting is bounded.
package microversion
