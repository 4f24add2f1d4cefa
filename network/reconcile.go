package network

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/db"
)

// Reconcile gives every host of this process its whole View again, computed anew,
// which mends whatever drifted: on the host, or in what this process remembers of
// the tables. It does not wait: each host has its own pace. Hosts elsewhere ask for
// theirs; the ports of those that are silent are called down until they do.
func (m *Manager) Reconcile(ctx context.Context) error {
	if err := m.sight(ctx, m.local...); err != nil {
		return err
	}
	m.poke(m.local, change{whole: true}, "")
	var n int64
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = silence(ctx, tx, m.silentBefore())
		return err
	})
	if n > 0 {
		m.log.WarnContext(ctx, "hosts are silent, and the ports on them are down", "ports", n)
	}
	return err
}
