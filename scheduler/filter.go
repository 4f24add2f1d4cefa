package scheduler

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bits-and-blooms/bitset"
)

// A Search is one question: what is asked, of which hosts.
type Search struct {
	Spec  PlaceSpec
	Now   time.Time
	Wants []Want // the resources of Spec
	*View
}

// A Want is how much of a class is asked, and how much of it each host has.
type Want struct {
	Class  Class
	Amount int64
	Column
}

// A Filter strikes the hosts that must not take a consumer. Filters run one
// after the other; none sees what an earlier one struck.
type Filter interface {
	// Strike clears the hosts that must not take it from left.
	Strike(s *Search, left *bitset.BitSet)
	// Reason says what is wrong with the hosts that Strike cleared: "disabled".
	Reason(s *Search, struck *bitset.BitSet) string
}

// Keep returns a Filter that keeps the hosts for which keep is true; host is
// the position in s. The reason completes "3 hosts: 2 …".
func Keep(reason string, keep func(s *Search, host int) bool) Filter {
	return keepFunc{reason, keep}
}

type keepFunc struct {
	reason string
	keep   func(s *Search, host int) bool
}

func (f keepFunc) Strike(s *Search, left *bitset.BitSet) {
	for i, ok := left.NextSet(0); ok; i, ok = left.NextSet(i + 1) {
		if !f.keep(s, int(i)) {
			left.Clear(i)
		}
	}
}

func (f keepFunc) Reason(*Search, *bitset.BitSet) string { return f.reason }

// filters returns the filters of one search: those that apply to its spec, the
// cheap ones first, then the integrator's.
func filters(s *Search, deadAfter time.Duration, extra []Filter) []Filter {
	out := []Filter{enabled{}, alive{deadAfter}}
	if s.Spec.AvailabilityZone != "" {
		out = append(out, inZone{})
	}
	if s.Spec.Host != "" {
		out = append(out, onlyHost{})
	}
	if len(s.Spec.Exclude) > 0 {
		out = append(out, excluded{})
	}
	for _, t := range s.Spec.Required {
		out = append(out, trait{t, true})
	}
	for _, t := range s.Spec.Forbidden {
		out = append(out, trait{t, false})
	}
	for i := range s.Wants {
		out = append(out, room{&s.Wants[i]})
	}
	return append(out, extra...)
}

type enabled struct{}

func (enabled) Strike(s *Search, left *bitset.BitSet) { left.InPlaceIntersection(s.Enabled) }

func (enabled) Reason(*Search, *bitset.BitSet) string { return "disabled" }

// alive strikes hosts that have not reported for so long that they may be down.
type alive struct{ deadAfter time.Duration }

func (a alive) Strike(s *Search, left *bitset.BitSet) {
	limit := s.Now.Add(-a.deadAfter)
	for i, ok := left.NextSet(0); ok; i, ok = left.NextSet(i + 1) {
		if s.Seen[i].Before(limit) {
			left.Clear(i)
		}
	}
}

func (a alive) Reason(*Search, *bitset.BitSet) string {
	return fmt.Sprintf("silent for %s", a.deadAfter)
}

type inZone struct{}

func (inZone) Strike(s *Search, left *bitset.BitSet) { keepSet(left, s.Zones[s.Spec.AvailabilityZone]) }

func (inZone) Reason(s *Search, _ *bitset.BitSet) string {
	return "outside zone " + s.Spec.AvailabilityZone
}

type onlyHost struct{}

func (onlyHost) Strike(s *Search, left *bitset.BitSet) {
	at, ok := s.at[IDOf(s.Spec.Host)]
	keep := ok && left.Test(uint(at))
	left.ClearAll()
	if keep {
		left.Set(uint(at))
	}
}

func (onlyHost) Reason(s *Search, _ *bitset.BitSet) string { return "not " + s.Spec.Host }

type excluded struct{}

func (excluded) Strike(s *Search, left *bitset.BitSet) {
	for _, name := range s.Spec.Exclude {
		if at, ok := s.at[IDOf(name)]; ok {
			left.Clear(uint(at))
		}
	}
}

func (excluded) Reason(*Search, *bitset.BitSet) string { return "excluded" }

type trait struct {
	name   string
	wanted bool
}

func (t trait) Strike(s *Search, left *bitset.BitSet) {
	has := s.Traits[t.name]
	if t.wanted {
		keepSet(left, has)
	} else if has != nil {
		left.InPlaceDifference(has)
	}
}

func (t trait) Reason(*Search, *bitset.BitSet) string {
	if t.wanted {
		return "lack trait " + t.name
	}
	return "have trait " + t.name
}

// room strikes hosts with less free than is wanted of one class.
type room struct{ want *Want }

func (r room) Strike(_ *Search, left *bitset.BitSet) {
	free, amount := r.want.Free, r.want.Amount
	if free == nil {
		left.ClearAll()
		return
	}
	for i, ok := left.NextSet(0); ok; i, ok = left.NextSet(i + 1) {
		if free[i] < amount {
			left.Clear(i)
		}
	}
}

func (r room) Reason(_ *Search, struck *bitset.BitSet) string {
	free := int64(0)
	if r.want.Free != nil {
		free = most(r.want.Free, struck)
	}
	return fmt.Sprintf("lack %s (need %s, most free %s)",
		noun(r.want.Class), quantity(r.want.Class, r.want.Amount), quantity(r.want.Class, free))
}

// keepSet clears from left what is not in set; a nil set is empty.
func keepSet(left, set *bitset.BitSet) {
	if set == nil {
		left.ClearAll()
		return
	}
	left.InPlaceIntersection(set)
}

func noun(c Class) string {
	switch c {
	case VCPU:
		return "vCPUs"
	case MemoryMB:
		return "memory"
	case DiskGB:
		return "disk"
	}
	return string(c)
}

func quantity(c Class, n int64) string {
	switch {
	case c == MemoryMB && n >= 1024:
		text := fmt.Sprintf("%.1f", float64(n)/1024)
		return strings.TrimSuffix(text, ".0") + " GiB"
	case c == MemoryMB:
		return fmt.Sprintf("%d MiB", n)
	case c == DiskGB:
		return fmt.Sprintf("%d GiB", n)
	}
	return fmt.Sprint(n)
}

// newSearch resolves what spec wants to columns of v.
func newSearch(spec PlaceSpec, v *View, now time.Time) *Search {
	s := &Search{Spec: spec, Now: now, View: v}
	for class, amount := range spec.Resources {
		if amount > 0 {
			s.Wants = append(s.Wants, Want{class, amount, v.Classes[class]})
		}
	}
	slices.SortFunc(s.Wants, func(a, b Want) int { return strings.Compare(string(a.Class), string(b.Class)) })
	return s
}

var (
	_ Filter = keepFunc{}
	_ Filter = enabled{}
	_ Filter = alive{}
	_ Filter = inZone{}
	_ Filter = onlyHost{}
	_ Filter = excluded{}
	_ Filter = trait{}
	_ Filter = room{}
)
