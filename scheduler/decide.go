package scheduler

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/bits-and-blooms/bitset"
)

// same is the difference of weights below which chance decides: schedulers that
// see the same hosts must not all run for the same one.
const same = 1e-9

// choose returns the best host that passes every filter.
func choose(s *Search, filters []Filter, weighers []Weigher) (host int, ok bool) {
	left := everyone(s)
	for _, f := range filters {
		f.Strike(s, left)
	}
	best, ties := math.Inf(-1), 0
	for n, more := left.NextSet(0); more; n, more = left.NextSet(n + 1) {
		weight := 0.0
		for _, w := range weighers {
			weight += w(s, int(n))
		}
		switch {
		case !ok || weight > best+same:
			host, best, ties, ok = int(n), weight, 1, true
		case weight > best-same:
			ties++
			if rand.IntN(ties) == 0 {
				host = int(n)
			}
		}
	}
	return host, ok
}

// explain says why no host passes: "5 hosts: 3 lack memory (need 8 GiB, most
// free 6 GiB), 2 disabled". Each host counts for the first filter that strikes it.
func explain(s *Search, filters []Filter) string {
	if s.Len() == 0 {
		return "no host has reported"
	}
	type cause struct {
		hosts uint
		text  string
	}
	var causes []cause
	left := everyone(s)
	for _, f := range filters {
		struck := left.Clone()
		f.Strike(s, left)
		struck.InPlaceDifference(left)
		if n := struck.Count(); n > 0 {
			causes = append(causes, cause{n, f.Reason(s, struck)})
		}
	}
	slices.SortStableFunc(causes, func(a, b cause) int { return cmp.Compare(b.hosts, a.hosts) })
	texts := make([]string, len(causes))
	for i, c := range causes {
		texts[i] = fmt.Sprintf("%d %s", c.hosts, c.text)
	}
	hosts := "hosts"
	if s.Len() == 1 {
		hosts = "host"
	}
	return fmt.Sprintf("%d %s: %s", s.Len(), hosts, strings.Join(texts, ", "))
}

func everyone(s *Search) *bitset.BitSet {
	n := uint(s.Len())
	return bitset.New(n).FlipRange(0, n)
}
