package dialect

import "net/http"

// Titled writes {"error": {"code": 404, "message": "…", "title": "Not Found"}},
// as identity (Keystone) does. A path that is no call is an HTML page.
func Titled(h http.Header, p Problem) []byte {
	if p.Unrouted {
		return HTML(h, p)
	}
	type body struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Title   string `json:"title"`
	}
	return asJSON(h, map[string]body{"error": {p.Status, p.Message, p.Title()}})
}

var _ Dialect = Titled
