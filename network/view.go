package network

import (
	"net/netip"
	"slices"
	"strings"
)

// View is everything one host should carry, in plain values that cross the bus as JSON.
// Order never matters. The zero View is an empty host.
type View struct {
	// Generation numbers the Views of a host: a higher one is newer. Drivers need not look at it; see Ordered.
	Generation int64 `json:",omitempty"`

	Networks []HostNetwork
	Groups   []HostGroup
	Ports    []HostPort
	Routers  []HostRouter
}

// HostNetwork is one layer-2 segment. Addresses of two networks may overlap.
type HostNetwork struct {
	ID  string
	MTU int // bytes; 0 means 1500

	// External networks lead outside: routers have their gateways on them. Where the host has no
	// bridge for Physical it makes an isolated one and takes the subnets' gateway addresses itself.
	External bool
	// Physical names a bridge that the host's operator made; a driver's configuration maps it.
	Physical string

	Subnets []HostSubnet
}

// HostSubnet is one range of addresses on a network.
type HostSubnet struct {
	ID      string
	CIDR    netip.Prefix
	Gateway netip.Addr // zero: none

	// DHCP is the address that answers DHCP and routes to metadata; the domain keeps it out of
	// the pools. Every host of a network may use the same one. Zero: no DHCP and no metadata.
	DHCP   netip.Addr
	DNS    []netip.Addr // none: the driver's fallback
	Routes []Route      // handed to guests beside the default route
}

// Route is a static route.
type Route struct {
	Destination netip.Prefix
	NextHop     netip.Addr
}

// HostPort is one guest NIC on this host.
type HostPort struct {
	ID       string
	Network  string // id of a network of the View
	MAC      string // fa:16:3e:00:00:01
	Tap      string // device that the hypervisor opens; see TapName
	Hostname string // DHCP option 12; may be empty

	Addresses []netip.Addr
	Pairs     []AddressPair // further senders that are let through

	Down      bool // administratively down: the device is there and carries nothing
	Unguarded bool // port security off: neither anti-spoofing nor security groups
	Rules     []HostRule
}

// AddressPair is a sender that a port may speak for besides itself.
type AddressPair struct {
	Address netip.Prefix
	MAC     string // empty: the port's own
}

// HostRule lets traffic of one kind through. What no rule lets through is dropped; answers
// to what was let through pass without a rule.
type HostRule struct {
	Ingress bool  // towards the guest, else from it
	IPv6    bool  // else IPv4
	Proto   uint8 // IP protocol number; 0 means any

	// From and To bound the destination port of TCP, UDP, UDP-Lite, SCTP and DCCP (0, 0: any).
	From, To uint16
	// ICMPType and ICMPCode narrow ICMP and ICMPv6; nil means any.
	ICMPType, ICMPCode *uint8

	// Remote bounds the other side; zero and no Group means anybody.
	Remote netip.Prefix
	Group  string // id of a group of the View whose addresses are the other side
}

// HostGroup is the addresses of a security group's members, wherever they are. Rules name the group,
// so that a new member changes one set and not every port.
type HostGroup struct {
	ID        string
	Addresses []netip.Prefix
}

// HostRouter forwards between networks of the View, and outside.
type HostRouter struct {
	ID         string
	Interfaces []HostInterface
	Gateway    *HostGateway // nil: no way outside
	Routes     []Route
	Floating   []HostFloating // need a Gateway
}

// HostInterface is a router's foot in a network.
type HostInterface struct {
	Port      string // id of the router's port
	Network   string // id of a network of the View
	MAC       string
	Addresses []netip.Prefix // address and length of its subnet: 10.0.0.1/24
}

// HostGateway is a router's foot in an external network.
type HostGateway struct {
	HostInterface
	NextHop netip.Addr // default route; zero: none
	SNAT    bool       // leave with the gateway's address; else addresses inside are routed as they are
}

// HostFloating is an outside address that stands for one inside.
type HostFloating struct {
	ID      string
	Address netip.Addr // outside
	Fixed   netip.Addr // inside
}

// Clone returns a copy that shares nothing with v.
func (v View) Clone() View {
	v.Networks = cloneEach(v.Networks, func(n *HostNetwork) {
		n.Subnets = cloneEach(n.Subnets, func(s *HostSubnet) {
			s.DNS, s.Routes = slices.Clone(s.DNS), slices.Clone(s.Routes)
		})
	})
	v.Groups = cloneEach(v.Groups, func(g *HostGroup) { g.Addresses = slices.Clone(g.Addresses) })
	v.Ports = cloneEach(v.Ports, func(p *HostPort) {
		p.Addresses, p.Pairs = slices.Clone(p.Addresses), slices.Clone(p.Pairs)
		p.Rules = cloneEach(p.Rules, func(r *HostRule) { r.ICMPType, r.ICMPCode = clonePointer(r.ICMPType), clonePointer(r.ICMPCode) })
	})
	v.Routers = cloneEach(v.Routers, func(r *HostRouter) {
		r.Interfaces = cloneEach(r.Interfaces, func(i *HostInterface) { i.Addresses = slices.Clone(i.Addresses) })
		if r.Gateway = clonePointer(r.Gateway); r.Gateway != nil {
			r.Gateway.Addresses = slices.Clone(r.Gateway.Addresses)
		}
		r.Routes, r.Floating = slices.Clone(r.Routes), slices.Clone(r.Floating)
	})
	return v
}

func cloneEach[T any](things []T, inside func(*T)) []T {
	out := slices.Clone(things)
	for i := range out {
		inside(&out[i])
	}
	return out
}

func clonePointer[T any](p *T) *T {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

// TapName returns the device name of a port: "tap" and the last 11 hexadecimal digits of its id.
// The head of a UUIDv7 is a clock, and ports made together would share it.
func TapName(port string) string { return "tap" + Tail(port) }

// Tail returns at most the last 11 characters of an id without its dashes, for names of devices,
// which may have 15.
func Tail(id string) string {
	id = strings.ReplaceAll(id, "-", "")
	return id[max(0, len(id)-11):]
}
