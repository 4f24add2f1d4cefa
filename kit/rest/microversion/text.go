package microversion

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nacre-cloud/nacre/kit/fault"
)

const hex = "0123456789abcdef"

// plain marks the ASCII characters that need no escape in a JSON string.
var plain = func() (table [utf8.RuneSelf]bool) {
	for c := range table {
		table[c] = c >= ' ' && c != '"' && c != '\\'
	}
	return table
}()

// appendString appends s quoted as encoding/json quotes it, HTML unescaped.
func appendString(buf []byte, s string) []byte {
	buf = append(buf, '"')
	start := 0
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			if !plain[c] {
				buf = appendEscape(append(buf, s[start:i]...), c)
				start = i + 1
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			buf = append(append(buf, s[start:i]...), `\ufffd`...)
			start = i + size
		case r == '\u2028' || r == '\u2029':
			buf = append(append(buf, s[start:i]...), `\u202`...)
			buf = append(buf, hex[r&0xf])
			start = i + size
		}
		i += size
	}
	return append(append(buf, s[start:]...), '"')
}

func appendEscape(buf []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(buf, '\\', c)
	case '\b':
		return append(buf, `\b`...)
	case '\f':
		return append(buf, `\f`...)
	case '\n':
		return append(buf, `\n`...)
	case '\r':
		return append(buf, `\r`...)
	case '\t':
		return append(buf, `\t`...)
	}
	return append(buf, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}

// ParseInt returns the decimal number s, or fault.Invalid naming what it is.
func ParseInt(what, s string) (int, error) {
	n, err := strconv.ParseInt(s, 10, 0)
	if err != nil {
		return 0, fault.Invalid.Errorf("%s: %q is not an integer", what, s)
	}
	return int(n), nil
}

// ParseBool accepts true, t, yes, y, on, 1 and their opposites in any case, else fault.Invalid.
func ParseBool(what, s string) (bool, error) {
	switch strings.ToLower(s) {
	case "true", "t", "yes", "y", "on", "1":
		return true, nil
	case "false", "f", "no", "n", "off", "0":
		return false, nil
	}
	return false, fault.Invalid.Errorf("%s: %q is neither true nor false", what, s)
}
