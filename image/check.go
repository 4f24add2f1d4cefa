package image

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/nacre-cloud/nacre/image/inspect"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Limits of what a user may write about an image.
const (
	maxText       = 255 // characters of a name, a tag or a property's name
	maxValue      = 65535
	maxAll        = 256 << 10 // bytes of all properties and tags together
	maxProperties = 128
	maxTags       = 128
	maxMembers    = 128
	maxMinimum    = 1<<31 - 1
)

// ContainerFormats lists what an image's bytes may be wrapped in.
var ContainerFormats = []string{"bare", "ami", "ari", "aki", "ovf", "ova", "docker", "compressed"}

// visibilities lists what an image may be set to.
var visibilities = []Visibility{Private, Shared, Community, Public}

func check(i Image) error {
	switch {
	case !word(string(i.ID), maxText):
		return fault.Invalid.Errorf("image id %.40q: it has 1 to %d characters", i.ID, maxText)
	case utf8.RuneCountInString(i.Name) > maxText || !text(i.Name):
		return fault.Invalid.Errorf("the name of an image has at most %d characters", maxText)
	case i.DiskFormat != "" && !slices.Contains(inspect.Formats, inspect.Format(i.DiskFormat)):
		return fault.Invalid.Errorf("disk format %.40q is not known; use one of %v", i.DiskFormat, inspect.Formats)
	case i.ContainerFormat != "" && !slices.Contains(ContainerFormats, i.ContainerFormat):
		return fault.Invalid.Errorf("container format %.40q is not known; use one of %v", i.ContainerFormat, ContainerFormats)
	case !slices.Contains(visibilities, i.Visibility):
		return fault.Invalid.Errorf("visibility %.40q is not known; use one of %v", i.Visibility, visibilities)
	case i.MinDiskGiB < 0 || i.MinMemoryMiB < 0 || i.MinDiskGiB > maxMinimum || i.MinMemoryMiB > maxMinimum:
		return fault.Invalid.Errorf("the least disk and memory of an image are from 0 to %d", maxMinimum)
	case !word(i.ProjectID, maxText):
		return fault.Invalid.Errorf("the owner of an image is a project")
	}
	return checkExtras(i)
}

func checkExtras(i Image) error {
	if len(i.Properties) > maxProperties {
		return fault.OverQuota.Errorf("an image has at most %d properties, not %d", maxProperties, len(i.Properties))
	}
	if len(i.Tags) > maxTags {
		return fault.OverQuota.Errorf("an image has at most %d tags, not %d", maxTags, len(i.Tags))
	}
	size := 0
	for k, v := range i.Properties {
		if !word(k, maxText) || len(v) > maxValue || !text(v) {
			return fault.Invalid.Errorf("property %.40q: its name has 1 to %d characters, its value at most %d bytes", k, maxText, maxValue)
		}
		size += len(k) + len(v)
	}
	for _, t := range i.Tags {
		if !word(t, maxText) {
			return fault.Invalid.Errorf("tag %.40q: a tag has 1 to %d characters", t, maxText)
		}
		size += len(t)
	}
	if size > maxAll {
		return fault.Invalid.Errorf("the properties and tags of an image take at most %d bytes together", maxAll)
	}
	return nil
}

// word reports whether s says something, in at most n characters.
func word(s string, n int) bool {
	return s != "" && utf8.RuneCountInString(s) <= n && text(s)
}

// text reports whether every database takes s.
func text(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

// tidy sorts tags and removes repetitions.
func tidy(tags []string) []string { return slices.Compact(slices.Sorted(slices.Values(tags))) }
