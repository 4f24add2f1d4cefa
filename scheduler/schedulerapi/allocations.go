package schedulerapi

import (
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/scheduler"
)

type allocation struct {
	Generation int64               `json:"generation,omitempty"` // of the host, where it is known
	Resources  scheduler.Resources `json:"resources"`
}

type allocations struct {
	Allocations map[string]allocation `json:"allocations"`
	ProjectID   string                `json:"project_id" since:"1.12"`
	UserID      string                `json:"user_id" since:"1.12"`
	Generation  int64                 `json:"consumer_generation" since:"1.28"`
	Type        string                `json:"consumer_type" since:"1.38"`
}

// server is the type of every consumer.
const server = "INSTANCE"

func (s handlers) allocations(r *rest.Request) (rest.Response, error) {
	p, err := s.Placement(r.Context(), scheduler.ConsumerID(r.Param("consumer")))
	if fault.Of(err) == fault.NotFound {
		return reply(r, map[string]any{"allocations": map[string]any{}}, time.Now()), nil
	}
	if err != nil {
		return rest.Response{}, err
	}
	h, err := s.Host(r.Context(), p.HostID)
	return reply(r, allocations{
		Allocations: map[string]allocation{string(p.HostID): {h.Generation, p.Resources}},
		ProjectID:   p.ProjectID, UserID: p.UserID, Generation: 1, Type: server,
	}, p.CreatedAt), err
}

// eachPlacement calls f with every placement that q selects.
func (s handlers) eachPlacement(r *rest.Request, q scheduler.PlacementQuery, f func(scheduler.Placement)) error {
	all := page.All(func(p page.Query) (page.Of[scheduler.Placement], error) {
		q.Query = p
		return s.Placements(r.Context(), q)
	})
	for item, err := range all {
		if err != nil {
			return err
		}
		f(item)
	}
	return nil
}

func (s handlers) hostAllocations(r *rest.Request) (rest.Response, error) {
	h, err := s.host(r)
	if err != nil {
		return rest.Response{}, err
	}
	type held struct {
		Resources  scheduler.Resources `json:"resources"`
		Generation int64               `json:"consumer_generation" since:"1.28"`
	}
	all := map[scheduler.ConsumerID]held{}
	err = s.eachPlacement(r, scheduler.PlacementQuery{HostID: h.ID}, func(p scheduler.Placement) {
		all[p.ConsumerID] = held{p.Resources, 1}
	})
	return reply(r, map[string]any{"allocations": all, "resource_provider_generation": h.Generation}, time.Now()), err
}

// projectUsages adds up what a project holds; from version 1.38 by type of consumer.
func (s handlers) projectUsages(r *rest.Request) (rest.Response, error) {
	q := r.Query()
	project, user, kind := q.String("project_id"), q.String("user_id"), ""
	if r.Since("1.38") {
		kind = q.String("consumer_type")
	}
	if err := q.NoMore(); err != nil {
		return rest.Response{}, err
	}
	if project == "" {
		return rest.Response{}, fault.Invalid.Errorf("project_id is required")
	}
	sum, consumers := map[string]int64{}, int64(0)
	err := s.eachPlacement(r, scheduler.PlacementQuery{ProjectID: project}, func(p scheduler.Placement) {
		if user != "" && user != p.UserID {
			return
		}
		consumers++
		for class, amount := range p.Resources {
			sum[string(class)] += amount
		}
	})
	if !r.Since("1.38") {
		return reply(r, map[string]any{"usages": sum}, time.Now()), err
	}
	byType := map[string]any{}
	sum["consumer_count"] = consumers
	switch {
	case consumers == 0:
	case kind == "all":
		byType["all"] = sum
	case kind == "" || kind == server:
		byType[server] = sum
	}
	return reply(r, map[string]any{"usages": byType}, time.Now()), err
}
