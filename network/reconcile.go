package network

import "context"

// Reconcile gives every host its whole view again, computed anew, which mends
// whatever drifted: on the host, or in what this process remembers of the tables.
// It does not wait: each host has its own pace.
func (m *Manager) Reconcile(context.Context) error {
	for _, h := range m.hosts {
		h.poke(change{whole: true})
	}
	return nil
}
