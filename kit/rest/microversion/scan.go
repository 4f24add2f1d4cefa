package microversion

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A scanner reads JSON text from front to back.
type scanner struct {
	data  []byte
	pos   int
	depth int
}

func (s *scanner) malformed(what string) error {
	if s.pos >= len(s.data) {
		return fault.Invalid.Errorf("malformed JSON: %s, but the text ends", what)
	}
	return fault.Invalid.Errorf("malformed JSON at byte %d: %s", s.pos+1, what)
}

// next skips white space and returns the character there, or 0 at the end.
func (s *scanner) next() byte {
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

// take consumes c, or says that it was wanted.
func (s *scanner) take(c byte, what string) error {
	if s.next() != c {
		return s.malformed("expected " + what)
	}
	s.pos++
	return nil
}

// finish refuses anything but white space after the value.
func (s *scanner) finish() error {
	if s.next(); s.pos < len(s.data) {
		return s.malformed("something follows the value")
	}
	return nil
}

func (s *scanner) enter() error {
	if s.depth++; s.depth > maxDepth {
		return fault.Invalid.Errorf("the JSON text is nested more than %d levels deep", maxDepth)
	}
	return nil
}

// object calls each for every member, with the scanner at its value.
func (s *scanner) object(each func(key string) error) error {
	if err := s.take('{', "an object"); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	for first := true; ; first = false {
		if s.next() == '}' && first {
			break
		}
		if s.next() != '"' {
			return s.malformed("expected the name of a member")
		}
		key, err := s.string()
		if err != nil {
			return err
		}
		if err := s.take(':', "a colon"); err != nil {
			return err
		}
		if err := each(key); err != nil {
			return err
		}
		if s.next() != ',' {
			break
		}
		s.pos++
	}
	s.depth--
	return s.take('}', "a comma or the end of the object")
}

// array calls each for every element, with the scanner at it.
func (s *scanner) array(each func(i int) error) error {
	if err := s.take('[', "a list"); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	for i := 0; ; i++ {
		if s.next() == ']' && i == 0 {
			break
		}
		if err := each(i); err != nil {
			return err
		}
		if s.next() != ',' {
			break
		}
		s.pos++
	}
	s.depth--
	return s.take(']', "a comma or the end of the list")
}

// raw skips a value and returns its text, which is well formed.
func (s *scanner) raw() ([]byte, error) {
	s.next()
	start := s.pos
	err := s.skip()
	return s.data[start:s.pos], err
}

func (s *scanner) skip() error {
	switch c := s.next(); {
	case c == '{':
		return s.object(func(string) error { return s.skip() })
	case c == '[':
		return s.array(func(int) error { return s.skip() })
	case c == '"':
		_, err := s.string()
		return err
	case c == '-' || (c >= '0' && c <= '9'):
		_, err := s.number()
		return err
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return s.malformed("expected a value")
}

func (s *scanner) literal(word string) error {
	s.next()
	if end := s.pos + len(word); end <= len(s.data) && string(s.data[s.pos:end]) == word {
		s.pos = end
		return nil
	}
	return s.malformed("expected " + word)
}

// null consumes null, if that is the value.
func (s *scanner) null() (bool, error) {
	if s.next() != 'n' {
		return false, nil
	}
	return true, s.literal("null")
}

// number returns the text of a number.
func (s *scanner) number() (string, error) {
	s.next()
	end := s.pos
	for end < len(s.data) && strings.IndexByte("+-.0123456789eE", s.data[end]) >= 0 {
		end++
	}
	text := string(s.data[s.pos:end])
	if !validNumber(text) {
		return "", s.malformed("expected a number")
	}
	s.pos = end
	return text, nil
}

// validNumber reports whether s is a number as JSON spells it.
func validNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	digits := func() int {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n
	}
	zero := strings.HasPrefix(s, "0")
	if n := digits(); n == 0 || (zero && n > 1) {
		return false
	}
	if strings.HasPrefix(s, ".") {
		s = s[1:]
		if digits() == 0 {
			return false
		}
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		s = trimSign(s[1:])
		if digits() == 0 {
			return false
		}
	}
	return s == ""
}

func trimSign(s string) string {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[1:]
	}
	return s
}

// string consumes a quoted string. It refuses what is not UTF-8, and NUL, which
// no database takes.
func (s *scanner) string() (string, error) {
	if err := s.take('"', "a string"); err != nil {
		return "", err
	}
	start := s.pos
	for s.pos < len(s.data) {
		switch c := s.data[s.pos]; {
		case c == '"':
			text := s.data[start:s.pos]
			if !utf8.Valid(text) {
				return "", s.malformed("the string is not UTF-8")
			}
			s.pos++
			return string(text), nil
		case c == '\\':
			return s.escaped(start)
		case c < ' ':
			return "", s.malformed("a string holds a control character")
		}
		s.pos++
	}
	return "", s.malformed("a string is not closed")
}

// escaped reads the rest of a string that has an escape at the scanner's position.
func (s *scanner) escaped(start int) (string, error) {
	out := append(make([]byte, 0, 2*(s.pos-start)+16), s.data[start:s.pos]...)
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return "", s.malformed("the string is not UTF-8")
			}
			s.pos++
			return string(out), nil
		case c < ' ':
			return "", s.malformed("a string holds a control character")
		case c != '\\':
			out = append(out, c)
			s.pos++
			continue
		}
		r, err := s.escape()
		if err != nil {
			return "", err
		}
		out = utf8.AppendRune(out, r)
	}
	return "", s.malformed("a string is not closed")
}

var escapes = map[byte]rune{
	'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t',
}

// escape consumes a backslash and what belongs to it.
func (s *scanner) escape() (rune, error) {
	if s.pos+1 >= len(s.data) {
		s.pos = len(s.data)
		return 0, s.malformed("a string is not closed")
	}
	c := s.data[s.pos+1]
	if r, ok := escapes[c]; ok {
		s.pos += 2
		return r, nil
	}
	if c != 'u' {
		return 0, s.malformed("unknown escape")
	}
	r, ok := s.unicode(s.pos)
	switch {
	case !ok:
		return 0, s.malformed("an escape \\u needs four hexadecimal digits")
	case r == 0:
		return 0, s.malformed("a string holds NUL")
	}
	s.pos += 6
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
	if low, ok := s.unicode(s.pos); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			s.pos += 6
			return pair, nil
		}
	}
	return utf8.RuneError, nil
}

// unicode reads \uXXXX at a position.
func (s *scanner) unicode(at int) (rune, bool) {
	if at+6 > len(s.data) || s.data[at] != '\\' || s.data[at+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(s.data[at+2:at+6]), 16, 16)
	return rune(n), err == nil
}
