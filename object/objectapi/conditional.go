package objectapi

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/object"
)

// unmet returns 304 or 412 when the request's conditions do not hold for o, and
// 0 when they do.
func unmet(h http.Header, o object.Object) int {
	when := modified(o).Add(time.Second - time.Nanosecond).Truncate(time.Second)
	if match := h.Get("If-Match"); match != "" {
		if !names(match, o.ETag) {
			return http.StatusPreconditionFailed
		}
	} else if t, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && when.After(t) {
		return http.StatusPreconditionFailed
	}
	if none := h.Get("If-None-Match"); none != "" {
		if names(none, o.ETag) {
			return http.StatusNotModified
		}
	} else if t, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil && !when.After(t) {
		return http.StatusNotModified
	}
	return 0
}

// names reports whether a list of tags, quoted or not, has the tag or a star.
func names(list, tag string) bool {
	for t := range strings.SplitSeq(list, ",") {
		t = strings.Trim(strings.TrimPrefix(strings.TrimSpace(t), "W/"), `"`)
		if t == "*" || t == tag {
			return true
		}
	}
	return false
}

// part reads the Range header for a body of size bytes. What is malformed, or
// asks for several ranges, is ignored; ok is false when nothing of it is there.
func part(h http.Header, o object.Object) (r object.Range, partial, ok bool) {
	text, found := strings.CutPrefix(h.Get("Range"), "bytes=")
	first, last, dash := strings.Cut(text, "-")
	if cond := h.Get("If-Range"); !found || !dash || cond != "" && !names(cond, o.ETag) {
		return object.Range{}, false, true
	}
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	switch {
	case first == "" && err2 == nil && to >= 0: // the last so many bytes
		if to == 0 || o.Size == 0 {
			return object.Range{}, true, false
		}
		n := min(to, o.Size)
		return object.Range{Offset: o.Size - n, Length: n}, true, true
	case err1 != nil || from < 0 || last != "" && (err2 != nil || to < from):
		return object.Range{}, false, true
	case from >= o.Size:
		return object.Range{}, true, false
	case last == "":
		to = o.Size - 1
	}
	return object.Range{Offset: from, Length: min(to, o.Size-1) - from + 1}, true, true
}
