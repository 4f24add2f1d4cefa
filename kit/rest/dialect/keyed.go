package dialect

import "net/http"

// keys are the names that the statuses have in Keyed bodies.
var keys = map[int]string{
	http.StatusBadRequest:            "badRequest",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden",
	http.StatusNotFound:              "itemNotFound",
	http.StatusMethodNotAllowed:      "badMethod",
	http.StatusConflict:              "conflictingRequest",
	http.StatusRequestEntityTooLarge: "overLimit",
	http.StatusUnsupportedMediaType:  "badMediaType",
	http.StatusTooManyRequests:       "overLimit",
	http.StatusNotImplemented:        "notImplemented",
	http.StatusServiceUnavailable:    "serviceUnavailable",
}

// Keyed writes {"itemNotFound": {"code": 404, "message": "…"}}, as compute
// (Nova) and block storage (Cinder) do. Over a limit it says when to try again.
func Keyed(h http.Header, p Problem) []byte {
	type body struct {
		Code       int    `json:"code"`
		Message    string `json:"message"`
		RetryAfter string `json:"retryAfter,omitempty"`
	}
	key, ok := keys[p.Status]
	if !ok {
		key = "computeFault"
	}
	b := body{Code: p.Status, Message: p.Message}
	if key == "overLimit" {
		b.RetryAfter = "0"
		h.Set("Retry-After", b.RetryAfter)
	}
	return asJSON(h, map[string]body{key: b})
}

var _ Dialect = Keyed
