package db

import (
	"context"
	"database/sql/driver"
	"errors"
	"io/fs"
	"os"
	"sync"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// A private connector opens connections to a file that is made for its owner
// alone: SQLite would let everybody read the hashes of passwords. The files
// beside it take its mode.
type private struct {
	driver.Connector
	path string
}

// making is held while a file is made. Closing it later would take away the
// locks that SQLite has on it in this process.
var making sync.Mutex

// Connect implements driver.Connector.
func (p private) Connect(ctx context.Context) (driver.Conn, error) {
	if err := p.touch(); err != nil {
		return nil, err
	}
	return p.Connector.Connect(ctx)
}

func (p private) touch() error {
	making.Lock()
	defer making.Unlock()
	if _, err := os.Stat(p.path); err == nil {
		return nil
	}
	f, err := os.OpenFile(p.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil // another process was faster
	}
	if err != nil {
		return fault.Unavailable.Wrap(err, "make the database")
	}
	return f.Close()
}
