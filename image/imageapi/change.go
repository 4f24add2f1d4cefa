package imageapi

import (
	"slices"
	"strings"

	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// A change collects what a request says about the members of an image.
type change struct{ image.Patch }

// readOnly are the members that only we may say.
var readOnly = []string{
	"created_at", "updated_at", "status", "checksum", "size", "virtual_size", "direct_url", "self", "file",
	"schema", "id", "os_hash_algo", "os_hash_value", "stores", "locations",
}

// reserved are members that the API keeps for itself.
var reserved = []string{"location", "deleted", "deleted_at"}

// base are the members that every image has and that may be set.
var base = []string{
	"name", "visibility", "protected", "os_hidden", "disk_format", "container_format", "min_disk", "min_ram", "owner", "tags",
}

// settable refuses the members that a client may not touch.
func settable(name string) error {
	switch {
	case slices.Contains(readOnly, name):
		return fault.Forbidden.Errorf("attribute %q is read-only", name)
	case slices.Contains(reserved, name), strings.HasPrefix(name, "os_glance_"):
		return fault.Forbidden.Errorf("attribute %q is reserved", name)
	}
	return nil
}

// assign notes that the member called name shall have a value.
func (c *change) assign(name string, value any) error {
	if err := settable(name); err != nil {
		return err
	}
	switch name {
	case "name":
		return text(name, value, &c.Name)
	case "disk_format":
		return text(name, value, &c.DiskFormat)
	case "container_format":
		return text(name, value, &c.ContainerFormat)
	case "owner":
		return text(name, value, &c.ProjectID)
	case "visibility":
		return text(name, value, &c.Visibility)
	case "protected":
		return flag(name, value, &c.Protected)
	case "os_hidden":
		return flag(name, value, &c.Hidden)
	case "min_disk":
		return number(name, value, &c.MinDiskGiB)
	case "min_ram":
		return number(name, value, &c.MinMemoryMiB)
	case "tags":
		return texts(name, value, &c.Tags)
	}
	var s *string
	if value != nil {
		if err := text(name, value, &s); err != nil {
			return err
		}
	}
	c.property(name, s)
	return nil
}

// property sets one, or removes it when value is nil.
func (c *change) property(name string, value *string) {
	if c.Properties == nil {
		c.Properties = map[string]*string{}
	}
	c.Properties[name] = value
}

// spec returns the image that the change makes of nothing.
func (c *change) spec() image.CreateSpec {
	s := image.CreateSpec{
		Name: or(c.Name), Visibility: or(c.Visibility), Protected: or(c.Protected), Hidden: or(c.Hidden),
		DiskFormat: or(c.DiskFormat), ContainerFormat: or(c.ContainerFormat), MinDiskGiB: or(c.MinDiskGiB),
		MinMemoryMiB: or(c.MinMemoryMiB), ProjectID: or(c.ProjectID), Tags: c.Tags,
	}
	for name, value := range c.Properties {
		if value == nil {
			continue
		}
		if s.Properties == nil {
			s.Properties = map[string]string{}
		}
		s.Properties[name] = *value
	}
	return s
}

// or returns what p points at, or nothing.
func or[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func text[S ~string](name string, value any, to **S) error {
	s, ok := value.(string)
	if !ok && value != nil {
		return fault.Invalid.Errorf("%s must be a string", name)
	}
	v := S(s)
	*to = &v
	return nil
}

func flag(name string, value any, to **bool) error {
	b, ok := value.(bool)
	if !ok {
		return fault.Invalid.Errorf("%s must be true or false", name)
	}
	*to = &b
	return nil
}

func number(name string, value any, to **int) error {
	f, ok := value.(float64)
	n := int(f)
	if !ok || float64(n) != f {
		return fault.Invalid.Errorf("%s must be a whole number", name)
	}
	*to = &n
	return nil
}

func texts(name string, value any, to *[]string) error {
	list, ok := value.([]any)
	out := make([]string, len(list))
	for i := range list {
		s, isText := list[i].(string)
		out[i], ok = s, ok && isText
	}
	if !ok {
		return fault.Invalid.Errorf("%s must be a list of strings", name)
	}
	*to = out
	return nil
}
