package identity

// Busy makes every login wait for its turn until the returned function is called.
func (m *Manager) Busy() (ready func()) {
	for range cap(m.hasher.slots) {
		m.hasher.slots <- struct{}{}
	}
	return func() {
		for range cap(m.hasher.slots) {
			m.hasher.leave()
		}
	}
}
