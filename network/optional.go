package network

import (
	"database/sql/driver"
	"encoding"
	"net/netip"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// An Addr is an address that may be missing: then it is zero, in Go and in the tables.
type Addr struct{ netip.Addr }

// A Prefix is a range of addresses that may be missing.
type Prefix struct{ netip.Prefix }

// Value implements driver.Valuer.
func (a Addr) Value() (driver.Value, error) { return value(a) }

// Scan implements sql.Scanner.
func (a *Addr) Scan(src any) error { return scan(a, src) }

// Value implements driver.Valuer.
func (p Prefix) Value() (driver.Value, error) { return value(p) }

// Scan implements sql.Scanner.
func (p *Prefix) Scan(src any) error { return scan(p, src) }

func value(v encoding.TextMarshaler) (driver.Value, error) {
	text, err := v.MarshalText()
	return string(text), err
}

func scan(v encoding.TextUnmarshaler, src any) error {
	switch text := src.(type) {
	case string:
		return v.UnmarshalText([]byte(text))
	case []byte:
		return v.UnmarshalText(text)
	}
	return fault.Internal.Errorf("%T is not the text of an address", src)
}
