package scheduler

import (
	"math"
	"slices"
	"time"

	"github.com/bits-and-blooms/bitset"
)

// A View shows hosts in columns: a host is a position below Len in each of
// them. Filters and weighers read it; it must not be changed or kept.
type View struct {
	Name    []string
	Enabled *bitset.BitSet
	Seen    []time.Time               // last report
	Zones   map[string]*bitset.BitSet // by availability zone
	Traits  map[string]*bitset.BitSet // by trait
	Classes map[Class]Column

	ids []HostID
	at  map[HostID]int
}

// A Column is how much of one class each host has. Where a host lacks the
// class both are 0.
type Column struct {
	Free     []int64
	Capacity []int64
}

func newView(size int) *View {
	return &View{
		Enabled: bitset.New(uint(size)),
		Zones:   map[string]*bitset.BitSet{},
		Traits:  map[string]*bitset.BitSet{},
		Classes: map[Class]Column{},
		at:      make(map[HostID]int, size),
	}
}

// Len returns the number of hosts.
func (v *View) Len() int { return len(v.Name) }

// put adds h, or replaces what was known of it.
func (v *View) put(h Host) {
	i, known := v.at[h.ID]
	if !known {
		i = v.Len()
		v.at[h.ID] = i
		v.ids = append(v.ids, h.ID)
		v.Name = append(v.Name, h.Name)
		v.Seen = append(v.Seen, h.SeenAt)
	}
	n := uint(i)
	v.Seen[i] = h.SeenAt
	v.Enabled.SetTo(n, h.Enabled)
	for _, set := range v.Zones {
		set.Clear(n)
	}
	for _, set := range v.Traits {
		set.Clear(n)
	}
	setOf(v.Zones, h.AvailabilityZone).Set(n)
	for _, t := range h.Traits {
		setOf(v.Traits, t).Set(n)
	}
	v.stock(i, h.Inventories)
}

// stock replaces what host i has.
func (v *View) stock(i int, inventories []Inventory) {
	for _, inv := range inventories {
		if _, ok := v.Classes[inv.Class]; !ok {
			v.Classes[inv.Class] = Column{}
		}
	}
	for class, c := range v.Classes {
		if short := v.Len() - len(c.Free); short > 0 {
			c.Free = append(c.Free, make([]int64, short)...)
			c.Capacity = append(c.Capacity, make([]int64, short)...)
			v.Classes[class] = c
		}
		c.Free[i], c.Capacity[i] = 0, 0
		if at := slices.IndexFunc(inventories, func(inv Inventory) bool { return inv.Class == class }); at >= 0 {
			c.Free[i] = inventories[at].Capacity - inventories[at].Used
			c.Capacity[i] = inventories[at].Capacity
		}
	}
}

// take moves resources from host i's free room; negative gives them back.
func (v *View) take(i int, r Resources, sign int64) {
	for class, amount := range r {
		if c, ok := v.Classes[class]; ok {
			c.Free[i] -= sign * amount
		}
	}
}

func setOf(sets map[string]*bitset.BitSet, name string) *bitset.BitSet {
	s := sets[name]
	if s == nil {
		s = bitset.New(0)
		sets[name] = s
	}
	return s
}

// most returns the largest value of column among hosts.
func most(column []int64, hosts *bitset.BitSet) int64 {
	best := int64(math.MinInt64)
	for i, ok := hosts.NextSet(0); ok; i, ok = hosts.NextSet(i + 1) {
		best = max(best, column[i])
	}
	return max(0, best)
}
