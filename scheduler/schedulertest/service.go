// Package schedulertest is the conformance suite of scheduler.Service.
package schedulertest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/scheduler"
)

// TestService proves a Service. Each call of newService returns an empty one.
func TestService(t *testing.T, newService func(t *testing.T) scheduler.Service) {
	tests := map[string]func(t *testing.T, s *suite){
		"placing takes room, releasing gives it back": placeRelease,
		"placing twice is placing once":               placeTwice,
		"filters":                                     filters,
		"spread and pack":                             strategies,
		"the reasons are for services to pass on":     reasons,
		"the last room goes to one":                   lastRoom,
		"a host is what it last reported":             reports,
		"disabled hosts get nothing new":              disabled,
		"deleting a host":                             deleteHost,
		"lists":                                       lists,
		"bad input":                                   badInput,
		"users may not":                               callers,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, &suite{newService(t), Operator(t.Context())}) })
	}
}

// Operator returns ctx with a caller who may do everything.
func Operator(ctx context.Context) context.Context {
	return identity.With(ctx, identity.System("schedulertest"))
}

// Member returns ctx with compute acting for a user of project.
func Member(ctx context.Context, project string) context.Context {
	c := identity.Caller{UserID: "user", ProjectID: project, Roles: identity.Expand(identity.RoleMember)}
	return identity.AsService(identity.With(ctx, c), "compute")
}

// Report returns what a host with this room reports.
func Report(name string, vcpus, memory, disk int64) scheduler.HostReport {
	return scheduler.HostReport{Name: name, AvailabilityZone: "nova", Inventories: []scheduler.Inventory{
		{Class: scheduler.VCPU, Total: vcpus},
		{Class: scheduler.MemoryMB, Total: memory},
		{Class: scheduler.DiskGB, Total: disk},
	}}
}

// Spec returns a spec for a new consumer.
func Spec(vcpus, memory, disk int64) scheduler.PlaceSpec {
	return scheduler.PlaceSpec{
		ID: scheduler.ConsumerID(uuid.Must(uuid.NewV7()).String()), ProjectID: "p1",
		Resources: scheduler.Resources{scheduler.VCPU: vcpus, scheduler.MemoryMB: memory, scheduler.DiskGB: disk},
	}
}

type suite struct {
	scheduler.Service
	ctx context.Context
}

func (s *suite) report(t *testing.T, r scheduler.HostReport) {
	t.Helper()
	if err := s.ReportHost(s.ctx, r); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) place(t *testing.T, spec scheduler.PlaceSpec) scheduler.Placement {
	t.Helper()
	p, err := s.Place(s.ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *suite) used(t *testing.T, host string) string {
	t.Helper()
	h, err := s.Host(s.ctx, scheduler.IDOf(host))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, i := range h.Inventories {
		out = append(out, fmt.Sprintf("%s %d/%d", i.Class, i.Used, i.Capacity))
	}
	return strings.Join(out, ", ")
}

func want(t *testing.T, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func wantFault(t *testing.T, err error, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got %v, want %v", err, kind)
	}
}

func placeRelease(t *testing.T, s *suite) {
	s.report(t, Report("h1", 4, 4096, 40))
	p := s.place(t, Spec(1, 1024, 10))
	want(t, p.HostName, "h1")
	want(t, s.used(t, "h1"), "DISK_GB 10/40, MEMORY_MB 1024/4096, VCPU 1/4")
	got, err := s.Placement(s.ctx, p.ConsumerID)
	if err != nil || got.HostID != scheduler.IDOf("h1") || got.Resources[scheduler.MemoryMB] != 1024 || got.ProjectID != "p1" {
		t.Error(got, err)
	}
	for range 2 {
		if err := s.Release(s.ctx, p.ConsumerID); err != nil {
			t.Error(err)
		}
		want(t, s.used(t, "h1"), "DISK_GB 0/40, MEMORY_MB 0/4096, VCPU 0/4")
	}
	_, err = s.Placement(s.ctx, p.ConsumerID)
	wantFault(t, err, fault.NotFound)
}

func placeTwice(t *testing.T, s *suite) {
	s.report(t, Report("h1", 2, 4096, 40))
	spec := Spec(2, 1024, 10)
	for range 3 {
		want(t, s.place(t, spec).HostName, "h1")
	}
	s.report(t, Report("h2", 2, 4096, 40))
	want(t, s.place(t, spec).HostName, "h1")
	want(t, s.used(t, "h1"), "DISK_GB 10/40, MEMORY_MB 1024/4096, VCPU 2/2")
	want(t, s.used(t, "h2"), "DISK_GB 0/40, MEMORY_MB 0/4096, VCPU 0/2")
}

func filters(t *testing.T, s *suite) {
	small, large, far := Report("small", 2, 2048, 20), Report("large", 8, 8192, 80), Report("far", 4, 4096, 40)
	large.Traits = []string{"HW_CPU_X86_AVX", "CUSTOM_FAST"}
	far.AvailabilityZone = "far"
	far.Inventories[0].Ratio = 4
	far.Inventories[1].Reserved = 1024
	far.Inventories = append(far.Inventories, scheduler.Inventory{Class: "CUSTOM_GPU", Total: 1})
	for _, r := range []scheduler.HostReport{small, large, far} {
		s.report(t, r)
	}
	tests := []struct {
		name string
		edit func(*scheduler.PlaceSpec)
		want string
	}{
		{"room", func(p *scheduler.PlaceSpec) { p.Resources[scheduler.MemoryMB] = 8000 }, "large"},
		{"overcommit", func(p *scheduler.PlaceSpec) { p.Resources[scheduler.VCPU] = 16 }, "far"},
		{"above overcommit", func(p *scheduler.PlaceSpec) { p.Resources[scheduler.VCPU] = 17 }, ""},
		{"what is reserved", func(p *scheduler.PlaceSpec) { p.AvailabilityZone, p.Resources[scheduler.MemoryMB] = "far", 4000 }, ""},
		{"a class few have", func(p *scheduler.PlaceSpec) { p.Resources["CUSTOM_GPU"] = 1 }, "far"},
		{"a class nobody has", func(p *scheduler.PlaceSpec) { p.Resources["CUSTOM_NONE"] = 1 }, ""},
		{"zone", func(p *scheduler.PlaceSpec) { p.AvailabilityZone = "far" }, "far"},
		{"no such zone", func(p *scheduler.PlaceSpec) { p.AvailabilityZone = "mars" }, ""},
		{"required traits", func(p *scheduler.PlaceSpec) { p.Required = []string{"CUSTOM_FAST", "HW_CPU_X86_AVX"} }, "large"},
		{"a trait nobody has", func(p *scheduler.PlaceSpec) { p.Required = []string{"CUSTOM_FAST", "CUSTOM_ODD"} }, ""},
		{"forbidden traits", func(p *scheduler.PlaceSpec) { p.AvailabilityZone, p.Forbidden = "nova", []string{"CUSTOM_FAST"} }, "small"},
		{"one host", func(p *scheduler.PlaceSpec) { p.Host = "small" }, "small"},
		{"one host that is not there", func(p *scheduler.PlaceSpec) { p.Host = "none" }, ""},
		{"excluded", func(p *scheduler.PlaceSpec) { p.Exclude = []string{"small", "far", "none"} }, "large"},
		{"nothing wanted", func(p *scheduler.PlaceSpec) { p.Host, p.Resources = "small", nil }, "small"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec := Spec(1, 128, 1)
			tt.edit(&spec)
			p, err := s.Place(s.ctx, spec)
			if tt.want == "" {
				wantFault(t, err, scheduler.ErrNoRoom)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want(t, p.HostName, tt.want)
			if err := s.Release(s.ctx, spec.ID); err != nil {
				t.Error(err)
			}
		})
	}
}

func strategies(t *testing.T, s *suite) {
	for _, name := range []string{"h1", "h2", "h3"} {
		s.report(t, Report(name, 8, 8192, 80))
	}
	count := func(strategy scheduler.Strategy, n int) map[string]int {
		hosts := map[string]int{}
		for range n {
			spec := Spec(1, 1024, 10)
			spec.Strategy = strategy
			hosts[s.place(t, spec).HostName]++
		}
		return hosts
	}
	want(t, count(scheduler.Spread, 6), map[string]int{"h1": 2, "h2": 2, "h3": 2})
	if got := count(scheduler.Pack, 6); len(got) != 1 {
		t.Errorf("packed on %v", got)
	}
}

func reasons(t *testing.T, s *suite) {
	for i, memory := range []int64{2048, 6144, 4096, 16384, 16384} {
		s.report(t, Report(fmt.Sprint("h", i), 8, memory, 80))
		if i > 2 {
			s.disable(t, fmt.Sprint("h", i))
		}
	}
	for who, ctx := range map[string]context.Context{"an administrator": s.ctx, "a service": Member(t.Context(), "p1")} {
		_, err := s.Place(ctx, Spec(1, 8192, 1))
		wantFault(t, err, scheduler.ErrNoRoom)
		wantFault(t, err, fault.Exhausted)
		if text := "5 hosts: 3 lack memory (need 8 GiB, most free 6 GiB), 2 disabled"; !strings.Contains(err.Error(), text) {
			t.Errorf("%s hears %q, want %q", who, err, text)
		}
	}
}

func lastRoom(t *testing.T, s *suite) {
	s.report(t, Report("h1", 3, 4096, 40))
	s.report(t, Report("h2", 2, 4096, 40))
	var wg sync.WaitGroup
	var mu sync.Mutex
	hosts := map[string]int{}
	for range 20 {
		wg.Go(func() {
			p, err := s.Place(s.ctx, Spec(1, 64, 1))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				wantFault(t, err, scheduler.ErrNoRoom)
				hosts["none"]++
				return
			}
			hosts[p.HostName]++
		})
	}
	wg.Wait()
	want(t, hosts, map[string]int{"h1": 3, "h2": 2, "none": 15})
}
