package dialect

import "net/http"

// Text writes the message as plain text, as object storage (Swift) does.
func Text(h http.Header, p Problem) []byte {
	h.Set("Content-Type", "text/plain; charset=UTF-8")
	return append([]byte(p.Message), '\n')
}

var _ Dialect = Text
