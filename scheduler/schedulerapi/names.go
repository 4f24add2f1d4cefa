package schedulerapi

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/scheduler"
)

type class struct {
	Name  scheduler.Class `json:"name"`
	Links []rest.Link     `json:"links"`
}

func newClass(r *rest.Request, name scheduler.Class) class {
	return class{name, []rest.Link{{Rel: "self", Href: r.URL("/resource_classes", string(name))}}}
}

// allClasses returns the classes that hosts have, and those they always may have.
func (s handlers) allClasses(r *rest.Request) (map[scheduler.Class]bool, error) {
	all := map[scheduler.Class]bool{scheduler.VCPU: true, scheduler.MemoryMB: true, scheduler.DiskGB: true}
	err := s.eachHost(r, scheduler.HostQuery{}, func(h scheduler.Host) {
		for _, i := range h.Inventories {
			all[i.Class] = true
		}
	})
	return all, err
}

func (s handlers) classes(r *rest.Request) (rest.Response, error) {
	all, err := s.allClasses(r)
	var list []class
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, newClass(r, name))
	}
	return reply(r, map[string]any{"resource_classes": list}, time.Now()), err
}

func (s handlers) class(r *rest.Request) (rest.Response, error) {
	all, err := s.allClasses(r)
	if err != nil {
		return rest.Response{}, err
	}
	name := scheduler.Class(r.Param("name"))
	if !all[name] {
		return rest.Response{}, fault.NotFound.Errorf("No such resource class: %s", name)
	}
	return reply(r, newClass(r, name), time.Now()), nil
}

func (s handlers) allTraits(r *rest.Request) (map[string]bool, error) {
	all := map[string]bool{}
	err := s.eachHost(r, scheduler.HostQuery{}, func(h scheduler.Host) {
		for _, t := range h.Traits {
			all[t] = true
		}
	})
	return all, err
}

// traits lists the traits of all hosts; a trait exists when a host has it. The
// name parameter is startswith:PREFIX or in:NAME,NAME.
func (s handlers) traits(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	filter, associated := q.String("name"), q.Bool("associated", true)
	if err := q.NoMore(); err != nil {
		return rest.Response{}, err
	}
	prefix, byPrefix := strings.CutPrefix(filter, "startswith:")
	names, byName := strings.CutPrefix(filter, "in:")
	if filter != "" && !byPrefix && !byName {
		return rest.Response{}, fault.Invalid.Errorf("name must be startswith:PREFIX or in:NAME,NAME")
	}
	all, err := s.allTraits(r)
	list := []string{}
	for _, t := range slices.Sorted(maps.Keys(all)) {
		if associated && (!byPrefix || strings.HasPrefix(t, prefix)) && (!byName || slices.Contains(strings.Split(names, ","), t)) {
			list = append(list, t)
		}
	}
	return reply(r, map[string]any{"traits": list}, time.Now()), err
}

func (s handlers) trait(r *rest.Request) (rest.Response, error) {
	all, err := s.allTraits(r)
	if err == nil && !all[r.Param("name")] {
		err = fault.NotFound.Errorf("No such trait: %s", r.Param("name"))
	}
	return rest.Empty().Status(http.StatusNoContent), err
}
