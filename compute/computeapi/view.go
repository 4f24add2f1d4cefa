package computeapi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/rest"
)

// A view writes servers into wire structs. What many servers of a list share, such
// as their flavor, is made once.
type view struct {
	servers, serverMarks, flavors, images string // what links begin with

	flavorLinks map[string]flavorLink
	flavorCopy  map[string]*flavorCopy
	imageLinks  map[string]any
	hostIDs     map[[2]string]string

	floating map[string][]string // addresses by port
	hosts    map[string]string   // statuses by name, for administrators
	groups   []named             // of the one server that is shown
}

func newView(r *rest.Request) *view {
	return &view{
		servers: r.URL("/v2.1/servers/"), serverMarks: r.URL("/servers/"), flavors: r.URL("/flavors/"), images: r.URL("/images/"),
		flavorLinks: map[string]flavorLink{}, flavorCopy: map[string]*flavorCopy{}, imageLinks: map[string]any{}, hostIDs: map[[2]string]string{},
	}
}

// operator reports whether the caller sees where servers run.
func operator(r *rest.Request) bool {
	return identity.Allow(r.Context(), "server:show-host", nil) == nil
}

func (v *view) links(id string) links {
	return links{{Rel: "self", Href: v.servers + id}, {Rel: "bookmark", Href: v.serverMarks + id}}
}

func (v *view) brief(s *compute.Server) serverBrief {
	return serverBrief{ID: string(s.ID), Name: s.Name, Links: v.links(string(s.ID))}
}

var noProgress int

func (v *view) core(s *compute.Server, out *serverCore) {
	*out = serverCore{
		ID: string(s.ID), Name: s.Name, Status: lookOf(s).status, ProjectID: s.ProjectID, UserID: s.UserID, Metadata: s.Metadata,
		HostID: v.hostID(s.ProjectID, s.Host), Image: v.image(s.ImageID), Flavor: v.flavorLink(s.FlavorID), FlavorCopy: v.copyOf(&s.Flavor),
		Created: s.CreatedAt, Updated: s.UpdatedAt, Links: v.links(string(s.ID)), DiskConfig: "MANUAL",
		Locked: s.Locked, Description: text(&s.Description), Tags: s.Tags, AccessIPv4: s.AccessIPv4, AccessIPv6: s.AccessIPv6,
	}
	if s.Locked {
		out.LockedReason = text(&s.LockedReason)
	}
	if progressing[out.Status] {
		out.Progress = &noProgress
	}
	if s.Fault != nil && s.Status == compute.Failed {
		out.Fault = &serverFault{Code: s.Fault.Kind.Status(), Created: s.Fault.At, Message: s.Fault.Message}
	}
}

func (v *view) detail(s *compute.Server, out *serverDetail) {
	v.core(s, &out.serverCore)
	l := lookOf(s)
	out.Addresses = v.addresses(s)
	out.KeyName, out.Zone, out.Hostname = text(&s.KeyName), s.AvailabilityZone, s.Hostname
	if s.ConfigDrive {
		out.ConfigDrive = "True"
	}
	out.LaunchedAt = s.LaunchedAt
	out.TaskState, out.VMState, out.PowerState = taskOf(s.Doing), l.vmState, l.power
	out.SecurityGroups = v.groups
	if v.groups == nil {
		out.SecurityGroups = groupsAsked(s)
	}
	if len(s.Disks) > 0 {
		out.Volumes = make([]serverVolume, len(s.Disks))
		for i, d := range s.Disks {
			out.Volumes[i] = serverVolume{d.VolumeID, d.DeleteOnTermination}
		}
	}
}

func (v *view) admin(s *compute.Server, out *serverAdmin) {
	v.detail(s, &out.serverDetail)
	if out.Fault != nil {
		out.Fault.Details = s.Fault.Details
	}
	out.serverHost = serverHost{
		Host: text(&s.Host), Hypervisor: text(&s.Host), InstanceName: "instance-" + string(s.ID), HostStatus: v.hosts[s.Host],
		ReservationID: s.ReservationID, LaunchIndex: s.LaunchIndex, OldHostname: s.Hostname,
		RootDevice: "/dev/vda", UserData: text(&s.UserData),
	}
}

// text returns s, or nil when it is empty.
func text(s *string) *string {
	if *s == "" {
		return nil
	}
	return s
}

var defaultGroup = []named{{"default"}}

// groupsAsked returns the security groups as the server's creator named them.
func groupsAsked(s *compute.Server) []named {
	if len(s.SecurityGroups) == 0 {
		if len(s.NICs) == 0 {
			return nil
		}
		return defaultGroup
	}
	list := make([]named, len(s.SecurityGroups))
	for i, name := range s.SecurityGroups {
		list[i].Name = name
	}
	return list
}

// hostID lets the owner of servers tell whether two share a host, and nothing else.
func (v *view) hostID(project, host string) string {
	if host == "" {
		return ""
	}
	key := [2]string{project, host}
	id, ok := v.hostIDs[key]
	if !ok {
		sum := sha256.Sum224([]byte(project + host))
		id = hex.EncodeToString(sum[:])
		v.hostIDs[key] = id
	}
	return id
}

func (v *view) image(id string) any {
	if id == "" {
		return ""
	}
	link, ok := v.imageLinks[id]
	if !ok {
		link = imageLink{id, [1]rest.Link{{Rel: "bookmark", Href: v.images + id}}}
		v.imageLinks[id] = link
	}
	return link
}

func (v *view) flavorLink(id string) flavorLink {
	link, ok := v.flavorLinks[id]
	if !ok {
		link = flavorLink{id, [1]rest.Link{{Rel: "bookmark", Href: v.flavors + id}}}
		v.flavorLinks[id] = link
	}
	return link
}

func (v *view) copyOf(f *compute.Flavor) *flavorCopy {
	// An id may have been given to another flavor since, and specs change.
	if c := v.flavorCopy[f.ID]; c != nil && c.same(f) {
		return c
	}
	c := &flavorCopy{f.Name, f.VCPUs, f.MemoryMiB, f.RootGiB, f.EphemeralGiB, f.SwapMiB, f.Specs}
	v.flavorCopy[f.ID] = c
	return c
}

func (c *flavorCopy) same(f *compute.Flavor) bool {
	return c.Name == f.Name && c.VCPUs == f.VCPUs && c.MemoryMiB == f.MemoryMiB && c.RootGiB == f.RootGiB &&
		c.Ephemeral == f.EphemeralGiB && c.SwapMiB == f.SwapMiB && len(c.Specs) == 0 && len(f.Specs) == 0
}

// addresses lists a server's addresses by network.
func (v *view) addresses(s *compute.Server) map[string][]address {
	all := make(map[string][]address, len(s.NICs))
	for _, n := range s.NICs {
		list := all[n.Network]
		for _, a := range n.Addresses {
			if !a.Floating || v.floating == nil {
				list = append(list, newAddress(a.IP, n.MAC, a.Floating))
			}
		}
		for _, ip := range v.floating[n.PortID] {
			list = append(list, newAddress(ip, n.MAC, true))
		}
		if len(list) > 0 {
			all[n.Network] = list
		}
	}
	return all
}

func newAddress(ip, mac string, floating bool) address {
	a := address{bareAddress{4, ip}, "fixed", mac}
	if strings.Contains(ip, ":") {
		a.Version = 6
	}
	if floating {
		a.Type = "floating"
	}
	return a
}

func bare(all map[string][]address) map[string][]bareAddress {
	out := make(map[string][]bareAddress, len(all))
	for network, list := range all {
		for _, a := range list {
			out[network] = append(out[network], a.bareAddress)
		}
	}
	return out
}

// validIP reports whether s is an address of a version, 4 or 6.
func validIP(s string, version int) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == "" && a.Is4() == (version == 4)
}
