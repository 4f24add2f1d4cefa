package volume

import "context"

// Reconcile compares the rows with what each backend keeps, and logs what only
// one of them knows. It removes nothing: bytes that nobody knows may be an
// operator's rescue, and rows without bytes are for their owner to delete.
func (m *Manager) Reconcile(ctx context.Context) error {
	for name, d := range m.backends {
		// The backend first: a volume made in between is then in the rows, and one
		// that is being made is not missed.
		kept, err := d.List(ctx)
		if err != nil {
			m.log.WarnContext(ctx, "volume backend cannot be listed", "backend", name, "error", err)
			continue
		}
		rows, err := rowsOf(ctx, m.db.Read(), name)
		if err != nil {
			return err
		}
		there := make(map[ID]bool, len(kept))
		for _, id := range kept {
			there[id] = true
			if _, known := rows[id]; !known {
				m.log.WarnContext(ctx, "volume backend keeps what no row knows", "backend", name, "volume", id)
			}
		}
		for id, status := range rows {
			if status == Available && !there[id] {
				m.log.ErrorContext(ctx, "volume is missing on its backend", "backend", name, "volume", id)
			}
		}
	}
	return nil
}
