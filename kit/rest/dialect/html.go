package dialect

import (
	"fmt"
	"html"
	"net/http"
)

// HTML writes a small page with the status as its title, as image (Glance)
// does; clients strip the tags and show what remains.
func HTML(h http.Header, p Problem) []byte {
	h.Set("Content-Type", "text/html; charset=UTF-8")
	return fmt.Appendf(nil, "<html>\n <head>\n  <title>%[1]d %[2]s</title>\n </head>\n"+
		" <body>\n  <h1>%[1]d %[2]s</h1>\n  %[3]s<br /><br />\n </body>\n</html>",
		p.Status, p.Title(), html.EscapeString(p.Message))
}

var _ Dialect = HTML
