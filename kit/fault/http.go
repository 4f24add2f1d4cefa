package fault

import "net/http"

// statuses is the one table from kind to HTTP status. A face whose protocol
// differs (a quota is 403 for compute and 413 for volumes) overrides single rows.
var statuses = map[Kind]int{
	Invalid:         http.StatusBadRequest,
	Unauthenticated: http.StatusUnauthorized,
	Forbidden:       http.StatusForbidden,
	NotFound:        http.StatusNotFound,
	Conflict:        http.StatusConflict,
	OverQuota:       http.StatusRequestEntityTooLarge,
	Exhausted:       http.StatusConflict,
	Unsupported:     http.StatusNotImplemented,
	Unavailable:     http.StatusServiceUnavailable,
	Internal:        http.StatusInternalServerError,
}

// Status returns the HTTP status that stands for k.
func (k Kind) Status() int {
	if s, ok := statuses[k]; ok {
		return s
	}
	return http.StatusInternalServerError
}
