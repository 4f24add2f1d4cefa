package compute

import (
	"context"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/scheduler"
)

// hostNames returns every host that has reported, and those of this process.
func (m *Manager) hostNames(ctx context.Context) ([]string, error) {
	all, err := m.allHosts(ctx)
	names := make([]string, len(all))
	for i, h := range all {
		names[i] = h.Name
	}
	return names, err
}

func (m *Manager) allHosts(ctx context.Context) ([]scheduler.Host, error) {
	return page.Collect(func(q page.Query) (page.Of[scheduler.Host], error) {
		return m.scheduler.Hosts(asService(ctx), scheduler.HostQuery{Query: q})
	})
}

// zoneCache remembers in which zone each host is: every boot asks, and it hardly changes.
type zoneCache struct {
	mu    sync.Mutex
	read  time.Time
	zones map[string]string
}

// zones returns the availability zone of each host by its name, not older than
// ten seconds. It must not be changed.
func (m *Manager) zones(ctx context.Context) (map[string]string, error) {
	c := &m.zoneCache
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.read) < 10*time.Second && len(c.zones) > 0 {
		return c.zones, nil
	}
	hosts, err := m.allHosts(ctx)
	if err != nil {
		return nil, err
	}
	zones := make(map[string]string, len(hosts))
	for _, h := range hosts {
		zones[h.Name] = h.AvailabilityZone
	}
	c.zones, c.read = zones, time.Now()
	return zones, nil
}

// silentAfter is how long a host may not report before it counts as down.
const silentAfter = 3 * time.Minute

// Hypervisors implements Service.
func (m *Manager) Hypervisors(ctx context.Context, q HypervisorQuery) ([]Hypervisor, error) {
	if err := identity.Allow(ctx, "host:list", nil); err != nil {
		return nil, err
	}
	hosts, err := m.allHosts(ctx)
	if err != nil {
		return nil, err
	}
	servers, err := serversOnHosts(ctx, m.db.Read())
	if err != nil {
		return nil, err
	}
	var out []Hypervisor
	for _, h := range hosts {
		if q.Name != "" && q.Name != h.Name {
			continue
		}
		y := Hypervisor{
			Name: h.Name, AvailabilityZone: h.AvailabilityZone, Enabled: h.Enabled, DisabledReason: h.DisabledReason,
			Up: time.Since(h.SeenAt) < silentAfter, SeenAt: h.SeenAt, Servers: servers[h.Name],
		}
		for _, i := range h.Inventories {
			switch i.Class {
			case scheduler.VCPU:
				y.VCPUs, y.VCPUsUsed = int(i.Total), int(i.Used)
			case scheduler.MemoryMB:
				y.MemoryMiB, y.MemoryMiBUsed = int(i.Total), int(i.Used)
			case scheduler.DiskGB:
				y.DiskGiB, y.DiskGiBUsed = int(i.Total), int(i.Used)
			}
		}
		out = append(out, y)
	}
	return out, nil
}
