package dialect

import (
	"net/http"
	"strconv"
	"strings"
)

// codesSince is the first minor version whose errors have a code.
const codesSince = 23

// Listed writes {"errors": [{"status", "title", "detail", "code", "request_id"}]},
// as placement does. From version 1.23 each error has a code; codes names it for
// kinds and reasons, and it is placement.undefined_code otherwise. A missing
// token is told as identity would.
func Listed(codes map[error]string) Dialect {
	return func(h http.Header, p Problem) []byte {
		if p.Status == http.StatusUnauthorized {
			return Titled(h, p)
		}
		type item struct {
			Status     int    `json:"status"`
			Title      string `json:"title"`
			Detail     string `json:"detail"`
			Code       string `json:"code,omitempty"`
			RequestID  string `json:"request_id"`
			MinVersion string `json:"min_version,omitempty"`
			MaxVersion string `json:"max_version,omitempty"`
		}
		e := item{Status: p.Status, Title: p.Title(), Detail: p.Message, RequestID: p.RequestID}
		if p.Status == http.StatusNotAcceptable {
			e.MinVersion, e.MaxVersion = p.Min, p.Max
		}
		if minor(p.Version) >= codesSince {
			e.Code = "placement.undefined_code"
			if c, ok := codes[p.Reason.Kind]; ok {
				e.Code = c
			}
			if c, ok := codes[p.Reason]; ok {
				e.Code = c
			}
		}
		return asJSON(h, map[string][]item{"errors": {e}})
	}
}

func minor(version string) int {
	_, after, _ := strings.Cut(version, ".")
	n, _ := strconv.Atoi(after)
	return n
}
