package dialect

import "net/http"

// Flat writes {"code": 404, "title": "Not Found", "description": "…"}, as
// metric storage (Gnocchi) does.
func Flat(h http.Header, p Problem) []byte {
	type body struct {
		Code        int    `json:"code"`
		Title       string `json:"title"`
		Description string `json:"description"`
	}
	return asJSON(h, body{p.Status, p.Title(), p.Message})
}

var _ Dialect = Flat
