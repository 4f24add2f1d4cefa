package identity

import (
	"encoding/json"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// Longest texts, in characters; of an Extra in bytes of JSON.
const (
	maxShortName   = 64 // domains, projects and groups
	maxName        = 255
	maxDescription = 64 << 10
	maxExtra       = 64 << 10
	maxTags        = 80
)

// texts are what people write about a thing.
type texts struct {
	what, name, description string
	longest                 int // characters of the name
	extra                   Extra
}

// check refuses texts that are missing or too long.
func check(t texts) error {
	if strings.TrimSpace(t.name) == "" {
		return fault.Invalid.Errorf("a %s needs a name", t.what)
	}
	if n := utf8.RuneCountInString(t.name); n > t.longest {
		return fault.Invalid.Errorf("the name of a %s has at most %d characters, not %d", t.what, t.longest, n)
	}
	if !utf8.ValidString(t.name+t.description) || strings.ContainsRune(t.name+t.description, 0) {
		return fault.Invalid.Errorf("the name or description of a %s is not text", t.what)
	}
	if n := len(t.description); n > maxDescription {
		return fault.Invalid.Errorf("the description of a %s has at most %d bytes, not %d", t.what, maxDescription, n)
	}
	if text, err := json.Marshal(t.extra); err != nil || len(text) > maxExtra {
		return fault.Invalid.Errorf("the other attributes of a %s take more than %d bytes", t.what, maxExtra)
	}
	return nil
}

func checkTags(tags []string) error {
	if len(tags) > maxTags {
		return fault.Invalid.Errorf("a project has at most %d tags, not %d", maxTags, len(tags))
	}
	for _, tag := range tags {
		if tag == "" || utf8.RuneCountInString(tag) > maxName || strings.ContainsAny(tag, ",/\x00") {
			return fault.Invalid.Errorf("tag %q: a tag has 1 to %d characters, none of them a comma or a slash", tag, maxName)
		}
	}
	return nil
}

// with returns e changed by a patch, in which nil removes.
func (e Extra) with(patch Extra) Extra {
	if len(patch) == 0 {
		return e
	}
	out := maps.Clone(e)
	if out == nil {
		out = Extra{}
	}
	for k, v := range patch {
		if v == nil {
			delete(out, k)
			continue
		}
		out[k] = v
	}
	return out
}
