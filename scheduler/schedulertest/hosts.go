package schedulertest

import (
	"testing"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/scheduler"
)

func (s *suite) disable(t *testing.T, name string) {
	t.Helper()
	off, why := false, "maintenance"
	if _, err := s.UpdateHost(s.ctx, scheduler.HostPatch{ID: scheduler.IDOf(name), Enabled: &off, DisabledReason: &why}); err != nil {
		t.Fatal(err)
	}
}

func reports(t *testing.T, s *suite) {
	r := Report("h1", 4, 4096, 40)
	r.Traits = []string{"B", "A", "B"}
	for range 2 {
		s.report(t, r)
	}
	spec := Spec(4, 1024, 10)
	s.place(t, spec)
	first, err := s.Host(s.ctx, scheduler.IDOf("h1"))
	if err != nil {
		t.Fatal(err)
	}
	want(t, first.Generation, int64(1))
	want(t, first.Traits, []string{"A", "B"})
	s.report(t, scheduler.HostReport{Name: "h1", AvailabilityZone: "z2", Inventories: []scheduler.Inventory{
		{Class: scheduler.VCPU, Total: 2}, {Class: scheduler.MemoryMB, Total: 9000},
	}})
	want(t, s.used(t, "h1"), "DISK_GB 10/0, MEMORY_MB 1024/9000, VCPU 4/2")
	second, err := s.Host(s.ctx, scheduler.IDOf("h1"))
	if err != nil || second.Generation <= first.Generation || second.AvailabilityZone != "z2" || second.SeenAt.Before(first.SeenAt) {
		t.Error(second, err)
	}
	_, err = s.Place(s.ctx, Spec(1, 1, 0))
	wantFault(t, err, scheduler.ErrNoRoom)
	if err := s.Release(s.ctx, spec.ID); err != nil {
		t.Error(err)
	}
	s.place(t, Spec(2, 1, 0))
}

func disabled(t *testing.T, s *suite) {
	s.report(t, Report("h1", 4, 4096, 40))
	spec := Spec(1, 1, 1)
	s.place(t, spec)
	s.disable(t, "h1")
	s.report(t, Report("h1", 8, 4096, 40))
	_, err := s.Place(s.ctx, Spec(1, 1, 1))
	wantFault(t, err, scheduler.ErrNoRoom)
	want(t, s.place(t, spec).HostName, "h1")
	on := true
	h, err := s.UpdateHost(s.ctx, scheduler.HostPatch{ID: scheduler.IDOf("h1"), Enabled: &on})
	if err != nil || !h.Enabled || h.DisabledReason != "" {
		t.Error(h, err)
	}
	s.place(t, Spec(1, 1, 1))
	_, err = s.UpdateHost(s.ctx, scheduler.HostPatch{ID: "none", Enabled: &on})
	wantFault(t, err, fault.NotFound)
}

func deleteHost(t *testing.T, s *suite) {
	id := scheduler.IDOf("h1")
	s.report(t, Report("h1", 4, 4096, 40))
	spec := Spec(1, 1, 1)
	s.place(t, spec)
	wantFault(t, s.DeleteHost(s.ctx, id), fault.Conflict)
	if err := s.Release(s.ctx, spec.ID); err != nil {
		t.Error(err)
	}
	for range 2 {
		if err := s.DeleteHost(s.ctx, id); err != nil {
			t.Error(err)
		}
	}
	_, err := s.Host(s.ctx, id)
	wantFault(t, err, fault.NotFound)
	_, err = s.Place(s.ctx, spec)
	wantFault(t, err, scheduler.ErrNoRoom)
}

func lists(t *testing.T, s *suite) {
	for _, name := range []string{"h2", "h1", "h3"} {
		s.report(t, Report(name, 4, 4096, 40))
	}
	var names []string
	for q := (scheduler.HostQuery{Query: page.Query{Limit: 2}}); ; {
		p, err := s.Hosts(s.ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range p.Items {
			names = append(names, h.Name)
			want(t, len(h.Inventories), 3)
		}
		if q.Marker = p.Next; q.Marker == "" {
			break
		}
	}
	want(t, names, []string{"h1", "h2", "h3"})
	byName, err := s.Hosts(s.ctx, scheduler.HostQuery{Name: "h2"})
	if err != nil || len(byName.Items) != 1 {
		t.Error(byName, err)
	}
	mine, other := Spec(1, 1, 1), Spec(1, 1, 1)
	mine.Host, other.Host, other.ProjectID = "h1", "h1", "p2"
	s.place(t, mine)
	s.place(t, other)
	all, err := s.Placements(s.ctx, scheduler.PlacementQuery{HostID: scheduler.IDOf("h1")})
	if err != nil || len(all.Items) != 2 {
		t.Error(all, err)
	}
	one, err := s.Placements(s.ctx, scheduler.PlacementQuery{ProjectID: "p2"})
	if err != nil || len(one.Items) != 1 || one.Items[0].ConsumerID != other.ID {
		t.Error(one, err)
	}
}

func badInput(t *testing.T, s *suite) {
	noID, negative, odd := Spec(1, 1, 1), Spec(-1, 1, 1), Spec(1, 1, 1)
	noID.ID, odd.Strategy = "", "guess"
	for _, spec := range []scheduler.PlaceSpec{noID, negative, odd} {
		_, err := s.Place(s.ctx, spec)
		wantFault(t, err, fault.Invalid)
	}
	unnamed, short, twice := Report("", 1, 1, 1), Report("h1", -1, 1, 1), Report("h1", 1, 1, 1)
	twice.Inventories = append(twice.Inventories, twice.Inventories[0])
	for _, r := range []scheduler.HostReport{unnamed, short, twice} {
		wantFault(t, s.ReportHost(s.ctx, r), fault.Invalid)
	}
}

func callers(t *testing.T, s *suite) {
	user := identity.With(t.Context(), identity.Caller{UserID: "user", ProjectID: "p1", Roles: identity.Expand(identity.RoleManager)})
	_, err := s.Place(user, Spec(1, 1, 1))
	wantFault(t, err, fault.Forbidden)
	_, err = s.Hosts(user, scheduler.HostQuery{})
	wantFault(t, err, fault.Forbidden)
	wantFault(t, s.ReportHost(user, Report("h1", 1, 1, 1)), fault.Forbidden)
	wantFault(t, s.Release(user, "c"), fault.Forbidden)
	_, err = s.Place(t.Context(), Spec(1, 1, 1))
	wantFault(t, err, fault.Unauthenticated)
}
