package compute

import (
	"context"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// Reconcile compares each host's guests with the servers it should run: a server
// whose guest changed by itself takes over the guest's state, and guests that no
// server knows, or servers without a guest, are logged. It also forgets what was
// asked of servers that are long gone.
func (m *Manager) Reconcile(ctx context.Context) error {
	ctx = identity.With(ctx, identity.System("compute.reconcile"))
	names, err := m.hostNames(ctx)
	if err != nil {
		return err
	}
	for _, host := range names {
		if err := m.reconcileHost(ctx, host); err != nil {
			m.log.WarnContext(ctx, "host cannot be compared with its servers", "host", host, "error", err)
		}
	}
	const kept = 30 * 24 * time.Hour
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return pruneActions(ctx, tx, db.Now().Add(-kept)) })
}

func (m *Manager) reconcileHost(ctx context.Context, host string) error {
	d, err := m.driver(host)
	if err != nil {
		return err
	}
	guests, err := d.Guests(ctx)
	if err != nil {
		return err
	}
	open, err := flow.Open(ctx, m.db.Read())
	if err != nil {
		return err
	}
	servers, err := hostedServers(ctx, m.db.Read(), host)
	if err != nil {
		return err
	}
	addDoing(open, pointers(servers))
	there := map[ServerID]GuestState{}
	for _, g := range guests {
		there[g.ID] = g
	}
	for _, s := range servers {
		if _, ok := there[s.ID]; !ok && s.Doing.Flow == "" && s.Status != Failed {
			m.log.ErrorContext(ctx, "server has no guest", "server", s.ID, "host", host, "status", s.Status)
		}
		delete(there, s.ID)
	}
	for id := range there {
		if s, err := m.load(ctx, id); err != nil || s.Doing.Flow == "" {
			m.log.WarnContext(ctx, "guest belongs to no server of its host", "guest", id, "host", host)
		}
	}
	return m.ReportGuests(ctx, GuestReport{Host: host, Guests: guests})
}
