package dns

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// hosts is a directory with one hosts file per server.
type hosts string

func (h hosts) write(r Record) error {
	path, part := h.paths(r.ServerID)
	err := os.WriteFile(part, []byte(r.Address+" "+r.Name+"\n"), 0o644) //nolint:gosec // dnsmasq is another user
	if err == nil {
		err = os.Rename(part, path)
	}
	return fault.Unavailable.Wrap(err, "publish %s", r.Name)
}

func (h hosts) erase(id compute.ServerID) error {
	path, part := h.paths(id)
	for _, p := range []string{path, part} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Unavailable.Wrap(err, "withdraw the name of server %s", id)
		}
	}
	return nil
}

// paths returns the file of a server, and where it is written first: dnsmasq
// reads no hidden files.
func (h hosts) paths(id compute.ServerID) (path, part string) {
	return filepath.Join(string(h), string(id)), filepath.Join(string(h), "."+string(id))
}
