package scheduler

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var someTraits = []string{"A", "B", "C"}

// someHosts draws hosts of all kinds: full, small, disabled, silent, without a class.
func someHosts(t *rapid.T, now time.Time) []Host {
	hosts := make([]Host, rapid.IntRange(0, 20).Draw(t, "hosts"))
	for i := range hosts {
		name := fmt.Sprint("h", i)
		h := Host{
			ID: IDOf(name), Name: name,
			AvailabilityZone: rapid.SampledFrom([]string{"z1", "z2"}).Draw(t, "zone"),
			Enabled:          rapid.IntRange(0, 3).Draw(t, "enabled") > 0,
			SeenAt:           now.Add(-time.Duration(rapid.IntRange(0, 5).Draw(t, "silent")) * time.Minute),
			Traits:           rapid.SliceOfDistinct(rapid.SampledFrom(someTraits), rapid.ID).Draw(t, "traits"),
		}
		for _, class := range []Class{VCPU, MemoryMB, "CUSTOM_GPU"} {
			if capacity := rapid.Int64Range(0, 8).Draw(t, string(class)); capacity > 0 {
				used := rapid.Int64Range(0, capacity).Draw(t, "used")
				h.Inventories = append(h.Inventories, Inventory{Class: class, Capacity: capacity, Used: used})
			}
		}
		hosts[i] = h
	}
	return hosts
}

func someSpec(t *rapid.T) PlaceSpec {
	spec := PlaceSpec{
		AvailabilityZone: rapid.SampledFrom([]string{"", "", "z1", "z3"}).Draw(t, "zone"),
		Host:             rapid.SampledFrom([]string{"", "", "", "h1", "none"}).Draw(t, "host"),
		Strategy:         rapid.SampledFrom([]Strategy{Spread, Pack}).Draw(t, "strategy"),
		Exclude:          rapid.SliceOfN(rapid.SampledFrom([]string{"h0", "h1", "h2", "none"}), 0, 2).Draw(t, "exclude"),
		Required:         rapid.SliceOfN(rapid.SampledFrom(append(someTraits, "D")), 0, 1).Draw(t, "required"),
		Resources: Resources{
			VCPU:         rapid.Int64Range(0, 4).Draw(t, "vcpu"),
			MemoryMB:     rapid.Int64Range(0, 4).Draw(t, "memory"),
			"CUSTOM_GPU": rapid.Int64Range(0, 1).Draw(t, "gpu"),
		},
	}
	if len(spec.Required) == 0 {
		spec.Forbidden = rapid.SliceOfN(rapid.SampledFrom(someTraits), 0, 2).Draw(t, "forbidden")
	}
	return spec
}

// fits says in plain words, host by host, what the columns say in bits.
func fits(h Host, spec PlaceSpec, now time.Time, deadAfter time.Duration) bool {
	has := func(trait string) bool { return slices.Contains(h.Traits, trait) }
	return h.Enabled && now.Sub(h.SeenAt) <= deadAfter &&
		(spec.AvailabilityZone == "" || spec.AvailabilityZone == h.AvailabilityZone) &&
		(spec.Host == "" || spec.Host == h.Name) &&
		!slices.Contains(spec.Exclude, h.Name) &&
		!slices.ContainsFunc(spec.Required, func(t string) bool { return !has(t) }) &&
		!slices.ContainsFunc(spec.Forbidden, has) &&
		left(h, spec) >= 0
}

// left is the share of its scarcest class that h would have left; below 0 it does not fit.
func left(h Host, spec PlaceSpec) float64 {
	share := 1.0
	for class, amount := range spec.Resources {
		if amount == 0 {
			continue
		}
		i := slices.IndexFunc(h.Inventories, func(i Inventory) bool { return i.Class == class })
		if i < 0 {
			return -1
		}
		inv := h.Inventories[i]
		if inv.Capacity-inv.Used < amount {
			return -1
		}
		share = min(share, float64(inv.Capacity-inv.Used-amount)/float64(inv.Capacity))
	}
	return share
}

func TestChooseFindsTheBestOfThoseThatFit(t *testing.T) {
	const deadAfter = 3 * time.Minute
	rapid.Check(t, func(t *rapid.T) {
		now := time.Now()
		hosts, spec := someHosts(t, now), someSpec(t)
		view := newView(0)
		for _, h := range hosts {
			view.put(Host{ID: h.ID, Name: h.Name, AvailabilityZone: "old", Enabled: true, Traits: someTraits, Inventories: []Inventory{{Class: VCPU, Capacity: 9}}})
			view.put(h)
		}
		s := newSearch(spec, view, now)
		got, ok := choose(s, filters(s, deadAfter, nil), rules{}.weighers(spec))

		best, found := 0.0, false
		for _, h := range hosts {
			if !fits(h, spec, now, deadAfter) {
				continue
			}
			weight := strategyWeight(h, spec)
			if !found || weight > best {
				best, found = weight, true
			}
		}
		if ok != found {
			t.Fatalf("chose %v, but a host that fits exists: %v", ok, found)
		}
		if ok && !fits(hosts[got], spec, now, deadAfter) {
			t.Fatalf("chose %+v, which does not fit", hosts[got])
		}
		if ok && strategyWeight(hosts[got], spec) < best-same {
			t.Fatalf("chose weight %g, the best is %g", strategyWeight(hosts[got], spec), best)
		}
		if !ok && len(hosts) > 0 && explain(s, filters(s, deadAfter, nil)) == "" {
			t.Fatal("no reason")
		}
	})
}

func strategyWeight(h Host, spec PlaceSpec) float64 {
	if spec.Strategy == Pack {
		return 1 - left(h, spec)
	}
	return left(h, spec)
}

func TestExplain(t *testing.T) {
	now := time.Now()
	host := func(name string, edit func(*Host)) Host {
		h := Host{ID: IDOf(name), Name: name, AvailabilityZone: "z1", Enabled: true, SeenAt: now, Inventories: []Inventory{
			{Class: VCPU, Capacity: 4}, {Class: MemoryMB, Capacity: 6000}, {Class: DiskGB, Capacity: 100},
		}}
		edit(&h)
		return h
	}
	fine := func(*Host) {}
	ask := PlaceSpec{Resources: Resources{VCPU: 1, MemoryMB: 8192, DiskGB: 10}}
	tests := []struct {
		name  string
		spec  PlaceSpec
		hosts []Host
		want  string
	}{
		{"no hosts", ask, nil, "no host has reported"},
		{"one", ask, []Host{host("a", fine)}, "1 host: 1 lack memory (need 8 GiB, most free 5.9 GiB)"},
		{"most first", ask, []Host{
			host("a", func(h *Host) { h.Enabled = false }),
			host("b", fine), host("c", func(h *Host) { h.Inventories[1].Capacity = 1000 }),
		}, "3 hosts: 2 lack memory (need 8 GiB, most free 5.9 GiB), 1 disabled"},
		{
			"below a gibibyte",
			PlaceSpec{Resources: Resources{MemoryMB: 512}},
			[]Host{host("a", func(h *Host) { h.Inventories[1].Used = 5700 })},
			"1 host: 1 lack memory (need 512 MiB, most free 300 MiB)",
		},
		{
			"overfull is none",
			PlaceSpec{Resources: Resources{VCPU: 2}},
			[]Host{host("a", func(h *Host) { h.Inventories[0].Used = 9 })},
			"1 host: 1 lack vCPUs (need 2, most free 0)",
		},
		{"zone and traits", PlaceSpec{AvailabilityZone: "z1", Required: []string{"X"}, Forbidden: []string{"Y"}}, []Host{
			host("a", func(h *Host) { h.AvailabilityZone = "z2" }), host("b", fine), host("c", func(h *Host) { h.Traits = []string{"X", "Y"} }),
		}, "3 hosts: 1 outside zone z1, 1 lack trait X, 1 have trait Y"},
		{"silent", ask, []Host{host("a", func(h *Host) { h.SeenAt = now.Add(-time.Hour) })}, "1 host: 1 silent for 3m0s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			view := newView(0)
			for _, h := range tt.hosts {
				view.put(h)
			}
			s := newSearch(tt.spec, view, now)
			if got := explain(s, filters(s, 3*time.Minute, nil)); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestOwnFiltersAndWeighers(t *testing.T) {
	view := newView(0)
	for _, name := range []string{"a", "bb", "ccc"} {
		view.put(Host{ID: IDOf(name), Name: name, Enabled: true, SeenAt: time.Now()})
	}
	s := newSearch(PlaceSpec{}, view, time.Now())
	short := Keep("have long names", func(s *Search, host int) bool { return len(s.Name[host]) < 3 })
	longest := func(s *Search, host int) float64 { return float64(len(s.Name[host])) }
	how := rules{strategy: Spread, extra: []Weigher{longest}}
	host, ok := choose(s, filters(s, time.Minute, []Filter{short}), how.weighers(s.Spec))
	if !ok || view.Name[host] != "bb" {
		t.Error(host, ok)
	}
}
