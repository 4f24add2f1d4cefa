package scheduler

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkDecide is the choice among 10,000 hosts, without the claim.
func BenchmarkDecide(b *testing.B) {
	now := time.Now()
	hosts := make([]Host, 10_000)
	for i := range hosts {
		name := fmt.Sprintf("host-%05d", i)
		n := int64(i)
		hosts[i] = Host{
			ID: IDOf(name), Name: name, AvailabilityZone: fmt.Sprint("az", i%3), Enabled: i%50 > 0, SeenAt: now,
			Traits: []string{"HW_CPU_X86_AVX2", fmt.Sprint("CUSTOM_RACK_", i%40)},
			Inventories: []Inventory{
				{Class: VCPU, Capacity: 256, Used: n % 200},
				{Class: MemoryMB, Capacity: 524288, Used: (n * 7919) % 500000},
				{Class: DiskGB, Capacity: 4000, Used: n % 3000},
			},
		}
	}
	var x index
	x.replace(hosts, now)
	need := Resources{VCPU: 4, MemoryMB: 8192, DiskGB: 80}
	specs := map[string]PlaceSpec{
		"spread":      {Resources: need},
		"pack":        {Resources: need, Strategy: Pack},
		"zone+traits": {Resources: need, AvailabilityZone: "az1", Required: []string{"HW_CPU_X86_AVX2"}, Forbidden: []string{"CUSTOM_RACK_7"}},
	}
	how := rules{deadAfter: time.Minute, strategy: Spread}
	for name, spec := range specs {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				id, _, ok := x.pick(spec, now, how)
				if !ok {
					b.Fatal("nothing fits")
				}
				x.give(id, spec.Resources)
			}
		})
	}
}
