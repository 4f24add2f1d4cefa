package db

// Waiting returns how many transactions wait for their turn on an SQLite database.
func (d *DB) Waiting() int {
	d.writer.mu.Lock()
	defer d.writer.mu.Unlock()
	return len(d.writer.queue)
}

// Lift is lift.
func Lift(query string) (text string, values []any, ok bool) {
	t, named, ok := lift(nil, query)
	for _, v := range named {
		values = append(values, v.Value)
	}
	return string(t), values, ok
}
