package db

import (
	"database/sql/driver"
	"strconv"
	"strings"
)

// Literals below these lengths stay in conditions: they are the words of a schema,
// such as the statuses that a partial index names, and the planner must see them.
const (
	minString = 16
	minDigits = 2
)

// maxValues is how many values are lifted out of a statement. One with more is
// seldom sent twice, and SQLite takes 32,766.
const maxValues = 1000

// lift appends query to text with a placeholder for each value in it, and returns
// the values: statements that differ in values only become one. It reports false
// for what is not one statement of data without placeholders.
//
// The tokens are those of https://www.sqlite.org/lang_expr.html and
// https://www.sqlite.org/lang_keywords.html.
func lift(text []byte, query string) ([]byte, []driver.NamedValue, bool) {
	verb, _, _ := strings.Cut(query, " ")
	if !isData(verb) {
		return text, nil, false
	}
	stored := verb == "INSERT" || verb == "UPDATE" // whether what comes is stored, and no condition
	var values []driver.NamedValue
	add := func(v driver.Value) {
		values = append(values, driver.NamedValue{Ordinal: len(values) + 1, Value: v})
		text = append(text, '?')
	}
	for i := 0; i < len(query); {
		c := query[i]
		start := i
		switch {
		case c == '\'':
			end, escaped := quoted(query, i)
			if end < 0 {
				return text, nil, false
			}
			i = end
			if !stored && end-start-2 < minString {
				break
			}
			s := query[start+1 : end-1]
			if escaped {
				s = strings.ReplaceAll(s, "''", "'")
			}
			add(s)
			continue
		case c == '"' || c == '`':
			if i, _ = quoted(query, i); i < 0 {
				return text, nil, false
			}
		case isWord(c): // a name, a number, or the prefix of a blob
			for i < len(query) && (isWord(query[i]) || query[i] == '.' && isDigit(c)) {
				i++
			}
			switch word := query[start:i]; {
			case word == "WHERE", word == "SELECT", word == "ON":
				stored = false
			case isDigit(c) && (stored || i-start >= minDigits) && (start == 0 || query[start-1] != '.'):
				if n, err := strconv.ParseInt(word, 10, 64); err == nil {
					add(n)
					continue
				}
			}
			if i < len(query) && query[i] == '\'' { // x'00'
				if i, _ = quoted(query, i); i < 0 {
					return text, nil, false
				}
			}
		case c == ';', c == '?', c == '[', c == ':', c == '@', c == '$', strings.HasPrefix(query[i:], "--"), strings.HasPrefix(query[i:], "/*"):
			return text, nil, false
		default:
			i++
		}
		text = append(text, query[start:i]...)
	}
	return text, values, len(values) <= maxValues
}

// isData reports whether a statement that begins so reads or writes rows.
func isData(verb string) bool {
	switch verb {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH":
		return true
	}
	return false
}

// quoted returns where the quoted token that begins at i ends, or -1, and whether a
// doubled quote is in it.
func quoted(s string, i int) (end int, escaped bool) {
	quote := s[i]
	for i++; ; {
		n := strings.IndexByte(s[i:], quote)
		if n < 0 {
			return -1, escaped
		}
		if i += n + 1; i == len(s) || s[i] != quote {
			return i, escaped
		}
		escaped, i = true, i+1
	}
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isWord(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}
