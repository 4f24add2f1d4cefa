package computeapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

const (
	metadataKept  = 5 * time.Second // a guest reads its tree within one boot
	metadataGuest = 1000            // guests whose trees are kept at once
)

// Metadata returns what answers guests at 169.254.169.254: the files of
// compute.GuestData below /openstack, and the older tree of EC2 beside it. Each
// guest sees its own only, by the address that the network vouches for.
func Metadata(guests compute.Guests) network.MetadataHandler {
	m := &metadata{guests: guests, trees: map[network.Guest]cachedTree{}}
	return m.serve
}

type metadata struct {
	guests compute.Guests

	mu    sync.Mutex
	trees map[network.Guest]cachedTree
}

type cachedTree struct {
	tree  tree
	until time.Time
}

func (m *metadata) serve(from network.Guest, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "metadata can only be read", http.StatusMethodNotAllowed)
		return
	}
	t, err := m.tree(from, r)
	switch {
	case errors.Is(err, fault.NotFound):
		http.Error(w, "no server has this address", http.StatusNotFound)
		return
	case err != nil:
		w.Header().Set("Retry-After", "1")
		http.Error(w, "metadata is not available now", http.StatusServiceUnavailable)
		return
	}
	content, ok := t[strings.Trim(path.Clean("/"+r.URL.Path), "/")]
	if !ok {
		http.Error(w, "there is no such metadata", http.StatusNotFound)
		return
	}
	kind := "text/plain; charset=utf-8"
	if strings.HasSuffix(r.URL.Path, ".json") {
		kind = "application/json"
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodGet {
		_, _ = w.Write(content) //nolint:gosec // the guest's own data, and no browser reads it
	}
}

func (m *metadata) tree(from network.Guest, r *http.Request) (tree, error) {
	m.mu.Lock()
	cached, ok := m.trees[from]
	m.mu.Unlock()
	if ok && time.Now().Before(cached.until) {
		return cached.tree, nil
	}
	ctx := identity.With(r.Context(), identity.System("compute.metadata"))
	data, err := m.guests.GuestData(ctx, compute.GuestAddress{NetworkID: from.Network, IP: from.Address.String()})
	if err != nil {
		return nil, err
	}
	t := newTree(data)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.trees) >= metadataGuest {
		clear(m.trees)
	}
	m.trees[from] = cachedTree{t, time.Now().Add(metadataKept)}
	return t, nil
}

// A tree holds contents by path. A directory's content lists its entries.
type tree map[string][]byte

// ec2Versions are the dates of the older format that clients ask for by name.
var ec2Versions = []string{"1.0", "2007-01-19", "2007-10-10", "2008-02-01", "2008-09-01", "2009-04-04", "latest"}

// described is what the older tree needs of meta_data.json.
type described struct {
	Name   string            `json:"name"`
	Zone   string            `json:"availability_zone"`
	Index  int               `json:"launch_index"`
	Public map[string]string `json:"public_keys"`
}

func newTree(data compute.GuestData) tree {
	t := tree{}
	for name, content := range data.Files {
		t[name] = content
	}
	var d described
	// What does not parse leaves the older tree poorer; the newer one is whole.
	_ = json.Unmarshal(data.Files["openstack/latest/meta_data.json"], &d)
	for _, version := range ec2Versions {
		t.addEC2(version, data, d)
	}
	t.list()
	return t
}

func (t tree) addEC2(version string, data compute.GuestData, d described) {
	id := string(data.ServerID)
	if len(id) > 8 {
		id = id[len(id)-8:]
	}
	meta := version + "/meta-data/"
	for name, value := range map[string]string{
		"ami-launch-index": strconv.Itoa(d.Index), "hostname": data.Hostname, "local-hostname": data.Hostname, "public-hostname": data.Hostname,
		"instance-id": "i-" + id, "instance-action": "none", "local-ipv4": data.Address, "public-ipv4": "",
		"placement/availability-zone": d.Zone,
	} {
		t[meta+name] = []byte(value)
	}
	if data.PublicKey != "" {
		t[meta+"public-keys/0/openssh-key"] = []byte(strings.TrimSpace(data.PublicKey) + "\n")
		for name := range d.Public {
			t[meta+"public-keys"] = []byte("0=" + name)
		}
	}
	if user, ok := data.Files["openstack/latest/user_data"]; ok {
		t[version+"/user-data"] = user
	}
}

// list adds the directories. Those of the older format end their names with a slash.
func (t tree) list() {
	entries := map[string][]string{}
	for name := range t {
		for name != "." {
			dir, base := path.Dir(name), path.Base(name)
			if !slices.Contains(entries[dir], base) {
				entries[dir] = append(entries[dir], base)
			}
			name = dir
		}
	}
	for dir, names := range entries {
		slices.Sort(names)
		if dir == "." {
			t[""] = []byte(strings.Join(names, "\n"))
			continue
		}
		if _, given := t[dir]; given {
			continue
		}
		if !strings.HasPrefix(dir, "openstack") {
			for i, name := range names {
				if _, isDir := entries[dir+"/"+name]; isDir {
					names[i] += "/"
				}
			}
		}
		t[dir] = []byte(strings.Join(names, "\n"))
	}
}
