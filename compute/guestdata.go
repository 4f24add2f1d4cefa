package compute

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

// GuestData is what a server may know about itself: the files of its config
// drive, which the metadata address serves under the same paths.
type GuestData struct {
	ServerID  ServerID
	Hostname  string
	PublicKey string
	Address   string // the first fixed one
	Files     map[string][]byte
}

// metadataVersions are the dates of the OpenStack metadata format that clients
// ask for by name; each is served alike.
var metadataVersions = []string{
	"2012-08-10", "2013-04-04", "2013-10-17", "2015-10-15", "2016-06-30", "2016-10-06", "2017-02-22", "2018-08-27", "2020-10-14", "latest",
}

// GuestData implements Service.
func (m *Manager) GuestData(ctx context.Context, a GuestAddress) (GuestData, error) {
	if err := identity.Allow(ctx, "server:guest", nil); err != nil {
		return GuestData{}, err
	}
	ip, err := netip.ParseAddr(a.IP)
	if err != nil {
		return GuestData{}, fault.Invalid.Errorf("%.64q is not an address", a.IP)
	}
	port, err := m.networks.PortByAddress(ctx, network.Guest{Network: a.NetworkID, Address: ip})
	if err != nil {
		return GuestData{}, err
	}
	s, err := loadServer(ctx, m.db.Read(), ServerID(port.DeviceID))
	if err != nil {
		return GuestData{}, err
	}
	// Whoever owns a port may write any server's id into it.
	if !slices.ContainsFunc(s.NICs, func(n ServerNIC) bool { return n.PortID == string(port.ID) }) {
		return GuestData{}, fault.NotFound.Errorf("port %s with address %s is not plugged into server %s", port.ID, ip, s.ID)
	}
	if err := m.completeNICs(ctx, s.NICs); err != nil {
		return GuestData{}, err
	}
	return guestData(s, secrets{})
}

// completeNICs asks the network for what a row does not say of its ports until its
// server has booted.
func (m *Manager) completeNICs(ctx context.Context, nics []ServerNIC) error {
	for i, n := range nics {
		if n.MAC != "" {
			continue
		}
		port, err := m.networks.Port(asService(ctx), network.PortID(n.PortID))
		if err != nil {
			return err
		}
		nics[i] = n.plugged(port)
	}
	return nil
}

// secrets are what only the config drive tells, and no row keeps.
type secrets struct {
	AdminPassword string         `json:",omitempty"`
	Files         []InjectedFile `json:",omitempty"`
}

// guestData writes the files in the format of OpenStack's metadata service (see
// "Metadata service" in Nova's user guide).
func guestData(s Server, secret secrets) (GuestData, error) {
	keys := map[string]string{}
	meta := map[string]any{
		"uuid": s.ID, "name": s.Name, "hostname": s.Hostname, "project_id": s.ProjectID,
		"availability_zone": s.AvailabilityZone, "launch_index": s.LaunchIndex, "meta": orEmpty(s.Metadata), "devices": []any{},
	}
	if s.PublicKey != "" {
		keys[s.KeyName] = s.PublicKey
		meta["public_keys"] = keys
		meta["keys"] = []map[string]string{{"name": s.KeyName, "type": keyType(s.PublicKey), "data": s.PublicKey}}
	}
	if secret.AdminPassword != "" {
		meta["admin_pass"] = secret.AdminPassword
	}
	g := GuestData{ServerID: s.ID, Hostname: s.Hostname, PublicKey: s.PublicKey, Files: map[string][]byte{}}
	if files := g.inject(secret.Files); len(files) > 0 {
		meta["files"] = files
	}
	user, err := base64.StdEncoding.DecodeString(s.UserData)
	if err != nil {
		return GuestData{}, fault.Internal.Wrap(err, "user data of server %s", s.ID)
	}
	metaText, metaErr := json.Marshal(meta)
	netText, netErr := json.Marshal(networkData(s))
	if err := errors.Join(metaErr, netErr); err != nil {
		return GuestData{}, fault.Internal.Wrap(err, "metadata of server %s", s.ID)
	}
	if i := slices.IndexFunc(s.NICs, func(n ServerNIC) bool { return len(n.Addresses) > 0 }); i >= 0 {
		g.Address = s.NICs[i].Addresses[0].IP
	}
	for _, v := range metadataVersions {
		dir := "openstack/" + v + "/"
		g.Files[dir+"meta_data.json"] = metaText
		g.Files[dir+"network_data.json"] = netText
		g.Files[dir+"vendor_data.json"] = []byte("{}")
		if len(user) > 0 {
			g.Files[dir+"user_data"] = user
		}
	}
	return g, nil
}

// inject adds the contents of files, and returns how meta_data.json points to them.
func (g GuestData) inject(files []InjectedFile) (list []map[string]string) {
	for i, f := range files {
		content := fmt.Sprintf("/content/%04d", i)
		g.Files["openstack"+content] = f.Content
		list = append(list, map[string]string{"path": f.Path, "content_path": content})
	}
	return list
}

func orEmpty(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// networkData describes the server's interfaces, each of which learns its
// addresses by DHCP.
func networkData(s Server) map[string]any {
	links, networks := []any{}, []any{}
	for _, n := range s.NICs {
		tap := network.TapName(n.PortID)
		links = append(links, map[string]any{
			"id": tap, "vif_id": n.PortID, "type": "bridge", "mtu": n.MTU, "ethernet_mac_address": n.MAC,
		})
		for _, a := range n.Addresses {
			kind := "ipv4_dhcp"
			if strings.Contains(a.IP, ":") {
				kind = "ipv6_dhcp"
			}
			if !a.Floating {
				networks = append(networks, map[string]any{"id": "network" + tap, "link": tap, "type": kind, "network_id": n.NetworkID})
			}
		}
	}
	return map[string]any{"links": links, "networks": networks, "services": []any{}}
}
