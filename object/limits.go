package object

import (
	"maps"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// What a caller may ask for at most. A face may publish them.
const (
	MaxListing       = 10_000  // entries of one listing
	MaxObject        = 5 << 30 // bytes of an object that is not large
	MaxContainerName = 256     // bytes
	MaxObjectName    = 1024    // bytes
	MaxMetaName      = 128     // bytes
	MaxMetaValue     = 256     // bytes
	MaxMetaCount     = 90      // items
	MaxMetaSize      = 4096    // bytes of names and values together
	MaxSegments      = 1000    // of a static large object
	MaxDynamic       = 50_000  // segments of a dynamic large object that is read
)

// Keys of metadata that mean something.
const (
	metaQuotaBytes = "Quota-Bytes"
	metaQuotaCount = "Quota-Count"
	metaKey        = "Temp-Url-Key"
	metaKey2       = "Temp-Url-Key-2"
)

func checkContainer(n Name) error {
	switch {
	case len(n) > MaxContainerName:
		return fault.Invalid.Errorf("container name length of %d longer than %d", len(n), MaxContainerName)
	case n == "" || strings.Contains(string(n), "/") || !plain(n):
		return fault.Invalid.Errorf("container name %q must be UTF-8 text without a slash", string(n))
	}
	return nil
}

func checkObject(n Name) error {
	switch {
	case len(n) > MaxObjectName:
		return fault.Invalid.Errorf("object name length of %d longer than %d", len(n), MaxObjectName)
	case n == "" || !plain(n):
		return fault.Invalid.Errorf("object name %q must be UTF-8 text", string(n))
	}
	return nil
}

func plain(n Name) bool {
	return utf8.ValidString(string(n)) && !strings.Contains(string(n), "\x00")
}

// merge returns m changed by p, within the limits.
func (m Metadata) merge(p Patch) (Metadata, error) {
	out := maps.Clone(m)
	if out == nil {
		out = Metadata{}
	}
	for k, v := range p {
		if v == "" {
			if len(k) > MaxMetaName {
				return nil, errMetaName(k)
			}
			delete(out, k)
			continue
		}
		if k == metaQuotaBytes || k == metaQuotaCount {
			if n, err := strconv.ParseInt(v, 10, 64); err != nil || n < 0 {
				return nil, fault.Invalid.Errorf("invalid %s quota %q: give a number", strings.ToLower(strings.TrimPrefix(k, "Quota-")), v)
			}
		}
		out[k] = v
	}
	return out, out.check()
}

// check reports what of m is beyond the limits.
func (m Metadata) check() error {
	size := 0
	for k, v := range m {
		switch {
		case k == "":
			return fault.Invalid.Errorf("metadata name cannot be empty")
		case len(k) > MaxMetaName:
			return errMetaName(k)
		case len(v) > MaxMetaValue:
			return fault.Invalid.Errorf("metadata value longer than %d: %s", MaxMetaValue, k)
		case !plain(Name(v)):
			return fault.Invalid.Errorf("metadata must be valid UTF-8: %s", k)
		}
		size += len(k) + len(v)
	}
	switch {
	case len(m) > MaxMetaCount:
		return fault.Invalid.Errorf("too many metadata items; max %d", MaxMetaCount)
	case size > MaxMetaSize:
		return fault.Invalid.Errorf("total metadata too large; max %d", MaxMetaSize)
	}
	return nil
}

func errMetaName(k string) error {
	return fault.Invalid.Errorf("metadata name too long: %.150s", k)
}

// limit returns a limit that metadata sets, or false when it sets none.
func (m Metadata) limit(key string) (int64, bool) {
	n, err := strconv.ParseInt(m[key], 10, 64)
	return n, err == nil
}

// check reports what of p is wrong.
func (p Properties) check() error {
	for what, v := range map[string]string{"content type": p.ContentType, "content encoding": p.Encoding, "content disposition": p.Disposition, "manifest": p.Manifest} {
		if len(v) > MaxObjectName+MaxContainerName || !plain(Name(v)) || strings.ContainsAny(v, "\r\n") {
			return fault.Invalid.Errorf("the %s is not fit to be kept", what)
		}
	}
	if p.Manifest != "" {
		container, prefix, _ := strings.Cut(p.Manifest, "/")
		if container == "" || prefix == "" || strings.ContainsAny(prefix, "?&") {
			return fault.Invalid.Errorf("the manifest %q must be container/prefix", p.Manifest)
		}
	}
	if p.DeleteAt < 0 {
		return fault.Invalid.Errorf("the time to delete at is in the past")
	}
	return p.Metadata.check()
}
