// Package bridge carries networks on a Linux host with what the kernel has: a bridge per network, a tap per
// port, a namespace per network for DHCP and metadata, a namespace per router, and nftables.
//
// It speaks netlink only and runs no command. It needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN in its
// network namespace) and works in the namespace of the thread that calls Open, be it the machine's or
// one that stands for a host.
//
// Everything it makes can be found without a database: bridges and taps carry an alias with their
// owner and id, other devices begin with Config.Prefix, namespaces are called <prefix>-<inode of the host's
// namespace>-<net|router>-<id>, and the host has the tables "bridge <prefix>" and, without conntrack in the bridge family, "inet <prefix>".
// A driver that stops leaves it all in place: guests keep their connections, and only DHCP and metadata pause until the
// next Open and Apply.
//
// Connections are tracked where bridged frames are filtered (nf_conntrack_bridge) when the kernel can; else br_netfilter
// tracks them as IP, and a bit of the packet mark carries "established" back to the bridge. It is
// switched on for our bridges alone. A host whose own FORWARD chain drops by default (Docker) then
// drops bridged packets too. Each network has a conntrack zone of its own, so addresses may overlap.
//
// Not there yet: IPv6 is filtered by security groups and guarded against spoofing, but routers and DHCP speak IPv4
// only, and nobody sends router advertisements. A network lives on one host. On an external network without a bridge
// of the operator the host itself may reach ports unfiltered.
package bridge

import (
	"net/netip"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

// Config says how a host carries networks. The zero Config works.
type Config struct {
	// Prefix begins the names of devices, namespaces and tables; 2 or 3 small letters, by default "nc".
	// Two drivers in one namespace need two.
	Prefix string
	// Bridges maps HostNetwork.Physical to a bridge that the operator made. It is used, never
	// changed or removed, and gets no address.
	Bridges map[string]string
	// DNS is handed to guests whose subnet names no server.
	DNS []netip.Addr
	// Lease is how long a DHCP lease lasts; by default a day.
	Lease time.Duration
	// Recheck is the age at which an unchanged router or DHCP namespace is compared with the
	// kernel again; by default five minutes. Devices and rules are compared at each Apply.
	Recheck time.Duration
	// Metadata answers 169.254.169.254. Nil: connections are refused.
	Metadata network.MetadataHandler
	// TapOwner is the user who may open taps, beside root.
	TapOwner uint32
}

func (c Config) withDefaults() (Config, error) {
	if c.Prefix == "" {
		c.Prefix = "nc"
	}
	if c.Lease == 0 {
		c.Lease = 24 * time.Hour
	}
	if c.Recheck == 0 {
		c.Recheck = 5 * time.Minute
	}
	if len(c.Prefix) < 2 || len(c.Prefix) > 3 || strings.Trim(c.Prefix, "abcdefghijklmnopqrstuvwxyz") != "" || c.Prefix == "tap" {
		return c, fault.Invalid.Errorf("bridge prefix %q: 2 or 3 small letters, and not \"tap\"", c.Prefix)
	}
	return c, nil
}

// device names a device of ours: the prefix, what it is, and the tail of its id. 15 bytes at most.
func (c Config) device(what byte, id string) string {
	return c.Prefix + string(what) + network.Tail(id)
}

// What a device is.
const (
	aBridge = 'b'
	aServer = 'd' // host's end of the way to the DHCP namespace
	aLeg    = 'r' // host's end of the way to a router
)
