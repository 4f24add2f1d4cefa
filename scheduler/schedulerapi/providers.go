package schedulerapi

import (
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/scheduler"
)

type provider struct {
	UUID       scheduler.HostID  `json:"uuid"`
	Name       string            `json:"name"`
	Generation int64             `json:"generation"`
	Parent     *scheduler.HostID `json:"parent_provider_uuid" since:"1.14"`
	Root       scheduler.HostID  `json:"root_provider_uuid" since:"1.14"`
	Links      []rest.Link       `json:"links"`
}

// providerLinks are what a provider links to, and since when.
var providerLinks = []struct{ rel, since string }{
	{"inventories", "1.0"}, {"usages", "1.0"}, {"aggregates", "1.1"}, {"traits", "1.6"}, {"allocations", "1.11"},
}

func newProvider(r *rest.Request, h scheduler.Host) provider {
	self := r.URL("/resource_providers", string(h.ID))
	links := []rest.Link{{Rel: "self", Href: self}}
	for _, l := range providerLinks {
		if r.Since(l.since) {
			links = append(links, rest.Link{Rel: l.rel, Href: self + "/" + l.rel})
		}
	}
	return provider{UUID: h.ID, Name: h.Name, Generation: h.Generation, Root: h.ID, Links: links}
}

func (s handlers) providers(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	name, id, tree := q.String("name"), q.UUID("uuid"), ""
	if r.Since("1.14") {
		tree = q.UUID("in_tree")
	}
	if err := q.NoMore(); err != nil {
		return rest.Response{}, err
	}
	list := []provider{}
	err := s.eachHost(r, scheduler.HostQuery{Name: name}, func(h scheduler.Host) {
		if (id == "" || id == string(h.ID)) && (tree == "" || tree == string(h.ID)) {
			list = append(list, newProvider(r, h))
		}
	})
	return reply(r, map[string]any{"resource_providers": list}, time.Now()), err
}

// eachHost calls f with every host that q selects.
func (s handlers) eachHost(r *rest.Request, q scheduler.HostQuery, f func(scheduler.Host)) error {
	all := page.All(func(p page.Query) (page.Of[scheduler.Host], error) {
		q.Query = p
		return s.Hosts(r.Context(), q)
	})
	for h, err := range all {
		if err != nil {
			return err
		}
		f(h)
	}
	return nil
}

// host returns the host that the path names.
func (s handlers) host(r *rest.Request) (scheduler.Host, error) {
	id := r.Param("uuid")
	h, err := s.Host(r.Context(), scheduler.HostID(id))
	if fault.Of(err) == fault.NotFound {
		return h, fault.NotFound.Errorf("No resource provider with uuid %s found", id)
	}
	return h, err
}

func (s handlers) provider(r *rest.Request) (rest.Response, error) {
	h, err := s.host(r)
	return reply(r, newProvider(r, h), h.CreatedAt), err
}

type stock struct {
	Total    int64   `json:"total"`
	Reserved int64   `json:"reserved"`
	MinUnit  int64   `json:"min_unit"`
	MaxUnit  int64   `json:"max_unit"`
	StepSize int64   `json:"step_size"`
	Ratio    float64 `json:"allocation_ratio"`
}

func newStock(i scheduler.Inventory) stock {
	return stock{Total: i.Total, Reserved: i.Reserved, MinUnit: 1, MaxUnit: max(1, i.Capacity), StepSize: 1, Ratio: i.Ratio}
}

func (s handlers) inventories(r *rest.Request) (rest.Response, error) {
	h, err := s.host(r)
	all := map[scheduler.Class]stock{}
	for _, i := range h.Inventories {
		all[i.Class] = newStock(i)
	}
	return reply(r, map[string]any{"inventories": all, "resource_provider_generation": h.Generation}, h.SeenAt), err
}

func (s handlers) inventory(r *rest.Request) (rest.Response, error) {
	h, err := s.host(r)
	if err != nil {
		return rest.Response{}, err
	}
	for _, i := range h.Inventories {
		if string(i.Class) == r.Param("class") {
			type one struct {
				stock
				Generation int64 `json:"resource_provider_generation"`
			}
			return reply(r, one{newStock(i), h.Generation}, h.SeenAt), nil
		}
	}
	return rest.Response{}, fault.NotFound.Errorf("No inventory of class %s for %s", r.Param("class"), h.ID)
}

func (s handlers) usages(r *rest.Request) (rest.Response, error) {
	h, err := s.host(r)
	all := scheduler.Resources{}
	for _, i := range h.Inventories {
		all[i.Class] = i.Used
	}
	return reply(r, map[string]any{"usages": all, "resource_provider_generation": h.Generation}, time.Now()), err
}

type aggregates struct {
	Aggregates []string `json:"aggregates"`
	Generation int64    `json:"resource_provider_generation" since:"1.19"`
}

func (s handlers) aggregates(r *rest.Request) (rest.Response, error) {
	h, err := s.host(r)
	return reply(r, aggregates{[]string{}, h.Generation}, h.SeenAt), err
}

func (s handlers) hostTraits(r *rest.Request) (rest.Response, error) {
	h, err := s.host(r)
	traits := append([]string{}, h.Traits...)
	return reply(r, map[string]any{"traits": traits, "resource_provider_generation": h.Generation}, h.SeenAt), err
}
