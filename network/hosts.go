package network

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// A HostState is a host that carries networks, as it reported.
type HostState struct {
	bun.BaseModel `bun:"table:network_hosts" json:"-"`

	Name       string    `bun:",pk"`
	Generation int64     // of the View that was computed for it last
	SeenAt     time.Time // of the last report
	CreatedAt  time.Time // of the first

	Up bool `bun:"-"` // it reported lately
}

// ReportHost implements Service.
func (m *Manager) ReportHost(ctx context.Context, host string) error {
	if err := identity.Allow(ctx, "network:host:report", nil); err != nil {
		return err
	}
	if host == "" || len(host) > maxText {
		return fault.Invalid.Errorf("the name of a host has from 1 to %d characters", maxText)
	}
	if err := m.sight(ctx, host); err != nil {
		return err
	}
	if a := m.applier(host); a != nil {
		a.poke(change{whole: true})
	}
	return nil
}

// sight notes that hosts are there.
func (m *Manager) sight(ctx context.Context, hosts ...string) error {
	if len(hosts) == 0 {
		return nil
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return touchHosts(ctx, tx, hosts, db.Now()) })
}

// Hosts implements Service.
func (m *Manager) Hosts(ctx context.Context) ([]HostState, error) {
	if err := identity.Allow(ctx, "network:host:list", nil); err != nil {
		return nil, err
	}
	all, err := listHosts(ctx, m.db.Read())
	since := m.silentBefore()
	for i := range all {
		all[i].Up = !all[i].SeenAt.Before(since)
	}
	return all, err
}

// DeleteHost implements Service.
func (m *Manager) DeleteHost(ctx context.Context, host string) error {
	if err := identity.Allow(ctx, "network:host:delete", nil); err != nil {
		return err
	}
	if slices.Contains(m.local, host) {
		return ErrInUse.Errorf("host %s is in the control plane's own process: take it from its list first", host)
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return deleteHost(ctx, tx, host) })
}

// silentBefore returns when a host must have reported to count as up. A process
// that has just started cannot tell: perhaps nobody was there to hear the reports.
func (m *Manager) silentBefore() time.Time {
	now := db.Now()
	if now.Sub(m.began) < m.config.DeadAfter {
		return time.Time{}
	}
	return now.Add(-m.config.DeadAfter)
}

// routerHost returns the name of the host that carries the routers.
func (m *Manager) routerHost(ctx context.Context) (string, error) {
	if m.config.RouterHost != "" {
		return m.config.RouterHost, nil
	}
	return oldestHost(ctx, m.db.Read())
}

// applier returns what tells a host, in this process or in another, or nil where
// nothing here reaches it.
func (m *Manager) applier(host string) *applier {
	m.mu.Lock()
	defer m.mu.Unlock()
	a := m.appliers[host]
	if a == nil && m.remote != nil && m.running {
		a = newApplier(m, Host{Name: host, Driver: m.remote(host)})
		m.appliers[host] = a
		a.start()
	}
	return a
}

// mustCarry refuses a host that nothing can be plugged into now.
func (m *Manager) mustCarry(ctx context.Context, host string) error {
	a := m.applier(host)
	if a == nil {
		return noHost(host)
	}
	if a.local {
		return nil
	}
	up, err := hostSeen(ctx, m.db.Read(), host, m.silentBefore())
	if err == nil && !up {
		err = noHost(host)
	}
	return err
}

func noHost(host string) error {
	return ErrNoHost.Errorf("host %q carries no networks now: none of this name has reported lately; see that its process runs, and lists it with network.AddHost", host)
}

// poke tells hosts what may be different now, and returns the attempt of own.
func (m *Manager) poke(hosts []string, c change, own string) (at *attempt) {
	for _, host := range slices.Compact(slices.Sorted(slices.Values(hosts))) {
		if a := m.applier(host); a != nil && host != "" {
			if next := a.poke(c); host == own {
				at = next
			}
		}
	}
	return at
}

// portChanged tells the hosts that a port concerns: those it is or was plugged
// into, and those whose rules ask who is in its groups. It returns the attempt of
// the host that the port is plugged into.
func (m *Manager) portChanged(ctx context.Context, p Port, was Port) (own *attempt) {
	if p.Host == "" && was.Host == "" {
		return nil
	}
	hosts := m.find(ctx, func(ctx context.Context, idb bun.IDB) ([]string, error) {
		return followers(ctx, idb, slices.Concat(p.Groups, was.Groups))
	})
	return m.poke(append(hosts, p.Host, was.Host), change{ports: []PortID{p.ID}}, p.Host)
}

// groupChanged tells the hosts whose rules depend on the group.
func (m *Manager) groupChanged(ctx context.Context, g SecurityGroupID) {
	hosts := m.find(ctx, func(ctx context.Context, idb bun.IDB) ([]string, error) {
		return followers(ctx, idb, []SecurityGroupID{g})
	})
	m.poke(hosts, change{whole: true}, "")
}

// networkChanged tells the hosts that carry the network.
func (m *Manager) networkChanged(ctx context.Context, id ID) {
	hosts := m.find(ctx, func(ctx context.Context, idb bun.IDB) ([]string, error) { return hostsOn(ctx, idb, id) })
	m.poke(hosts, change{topology: true}, "")
	m.routersChanged(ctx)
}

// routersChanged tells the host that carries the routers.
func (m *Manager) routersChanged(ctx context.Context) {
	hosts := m.find(ctx, func(ctx context.Context, _ bun.IDB) ([]string, error) {
		host, err := m.routerHost(ctx)
		return []string{host}, err
	})
	m.poke(hosts, change{topology: true}, "")
}

// find looks for the hosts that a change concerns, which is committed: also when
// its caller is gone. What it does not find is told within a minute.
func (m *Manager) find(ctx context.Context, look func(context.Context, bun.IDB) ([]string, error)) []string {
	ctx = context.WithoutCancel(ctx)
	hosts, err := look(ctx, m.db.Read())
	if err != nil {
		m.log.WarnContext(ctx, "hosts that a change concerns hear of it with their next report", "error", err)
	}
	return hosts
}
