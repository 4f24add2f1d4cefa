package image

import (
	"context"
	"encoding/json"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// What proofs need to see, and to bring about.

func (m *Manager) DeleteFlow() *flow.Flow[Image] { return m.deleteFlow() }

// OldTicket returns a ticket that has run out.
func (m *Manager) OldTicket(id ID) (string, error) {
	text, err := json.Marshal(stub{TicketSpec{ID: id}, time.Now().Unix() - 1})
	return m.seal.sign(text), err
}

// Expire makes every upload look as if its process had died.
func Expire(ctx context.Context, d *db.DB) error {
	return d.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.NewUpdate().Model((*upload)(nil)).Where("1 = 1").Set("expires_at = ?", db.Now().Add(-time.Second)).Exec(ctx)
		return err
	})
}
