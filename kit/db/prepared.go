package db

import (
	"container/list"
	"context"
	"database/sql/driver"
)

// maxPrepared is how many statements a connection keeps prepared. One takes some
// 10 KiB; a cloud that boots servers uses a hundred.
const maxPrepared = 160

// A connector opens connections to SQLite that prepare a statement once. bun
// writes values into the text of a statement, so that no two are alike and SQLite
// would parse and plan each anew, which costs more than to run it.
type connector struct {
	driver driver.Driver
	name   string
}

// Connect implements driver.Connector.
func (c connector) Connect(context.Context) (driver.Conn, error) {
	inner, err := c.driver.Open(c.name)
	if err != nil {
		return nil, err
	}
	return &conn{sqliteConn: inner.(sqliteConn), idle: map[string]*list.Element{}}, nil
}

// Driver implements driver.Connector.
func (c connector) Driver() driver.Driver { return c.driver }

// sqliteConn is what database/sql asks of a connection.
type sqliteConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// A conn is a connection and its prepared statements. database/sql lets one
// goroutine at a time use it.
type conn struct {
	sqliteConn
	idle   map[string]*list.Element // of *prepared, by text
	recent list.List                // the same, used last first
	text   []byte                   // of the statement at hand
}

// prepared is a statement that is not in use.
type prepared struct {
	driver.Stmt
	text string
}

// ExecContext implements driver.ExecerContext.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	s, values, err := c.prepare(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	defer c.keep(s)
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, values)
}

// QueryContext implements driver.QueryerContext.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	s, values, err := c.prepare(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, values)
	if err != nil {
		c.keep(s)
		return nil, err
	}
	return &resultRows{rows.(sqliteRows), c, s}, nil
}

// Close implements driver.Conn.
func (c *conn) Close() error {
	for e := c.recent.Front(); e != nil; e = e.Next() {
		_ = e.Value.(*prepared).Close() // the connection closes all the same
	}
	return c.sqliteConn.Close()
}

// prepare takes the values out of query and returns the statement to run them
// with, or nil for a query that is run as it is. A statement is in use until keep.
func (c *conn) prepare(ctx context.Context, query string, args []driver.NamedValue) (*prepared, []driver.NamedValue, error) {
	if len(args) > 0 {
		return nil, nil, nil
	}
	text, values, ok := lift(c.text[:0], query)
	c.text = text
	if !ok {
		return nil, nil, nil
	}
	if e, ok := c.idle[string(text)]; ok {
		s := c.recent.Remove(e).(*prepared)
		delete(c.idle, s.text)
		return s, values, nil
	}
	s, err := c.PrepareContext(ctx, string(text))
	if err != nil {
		return nil, nil, err
	}
	return &prepared{s, string(text)}, values, nil
}

// keep makes s ready for its next use, and closes the one that was not used for longest.
func (c *conn) keep(s *prepared) {
	if _, twin := c.idle[s.text]; twin {
		_ = s.Close() // its result was read while the other was made
		return
	}
	c.idle[s.text] = c.recent.PushFront(s)
	if c.recent.Len() > maxPrepared {
		old := c.recent.Remove(c.recent.Back()).(*prepared)
		delete(c.idle, old.text)
		_ = old.Close()
	}
}

// sqliteRows is what database/sql asks of a result.
type sqliteRows interface {
	driver.Rows
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypeNullable
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// resultRows keep their statement from being used until they are closed.
type resultRows struct {
	sqliteRows
	conn      *conn
	statement *prepared
}

// Close implements driver.Rows.
func (r *resultRows) Close() error {
	err := r.sqliteRows.Close()
	if r.statement != nil {
		r.conn.keep(r.statement)
		r.statement = nil
	}
	return err
}
