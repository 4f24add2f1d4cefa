//go:build libvirt

package libvirt

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

const (
	consoleLimit = 2 << 20   // a log that is longer is cut,
	consoleKept  = 256 << 10 // to its last part, in a file beside it
	olderSuffix  = ".0"      // as virtlogd calls it, where that does the cutting
)

// ConsoleLog implements compute.Driver. It reads files: the log can be had while
// libvirt is away or the guest is being worked on.
func (d *Driver) ConsoleLog(_ context.Context, id compute.ServerID, limit int) ([]byte, error) {
	if !valid(id) || !exists(d.files.of(id)) {
		return nil, fault.NotFound.Errorf("server %q is not on this host", id)
	}
	path := filepath.Join(d.files.of(id), consoleFile)
	log, err := tail(path, limit)
	if err == nil && len(log) < limit {
		var older []byte
		older, err = tail(path+olderSuffix, limit-len(log))
		log = append(older, log...)
	}
	return log, storage(err, "reading the console log of server %s", id)
}

// tail returns the end of a file, nothing when there is none.
func tail(path string, limit int) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	start := max(0, info.Size()-int64(limit))
	return io.ReadAll(io.NewSectionReader(f, start, info.Size()-start))
}

// trimConsoles keeps guests that talk without end from filling the host's disk.
// QEMU appends, so that a file can be emptied under it.
func (d *Driver) trimConsoles() {
	ids, _ := d.files.list()
	for _, id := range ids {
		path := filepath.Join(d.files.of(id), consoleFile)
		info, err := os.Stat(path)
		if err != nil || info.Size() < consoleLimit {
			continue
		}
		end, err := tail(path, consoleKept)
		if err == nil {
			err = errors.Join(os.WriteFile(path+olderSuffix, end, 0o600), os.Truncate(path, 0))
		}
		if err != nil {
			d.config.Log.Warn("console log", "server", id, "error", err)
		}
	}
}
