// Package network gives servers networks, addresses and rules about who may
// reach whom.
//
// A network is a wire; its subnets are the ranges of addresses on it; a port is
// where something is plugged in, and holds addresses, a MAC and security groups. A
// router joins subnets and leads outside, and a floating IP is an outside address that stands
// for a port's. The HTTP face and other domains call Service; the process that
// owns the tables provides it as a Manager, every other one as a
// networkrpc.Client. Hosts are added by listing a Driver with AddHost, in the
// Manager's process or in one with Agents, which makes the host known.
//
// Nothing here is a flow. Every call is one short transaction, and what hosts
// must do about it is not remembered as a step: each host is given the whole
// View of what it should carry, computed from the tables, after every change and
// every minute. Nothing outside the database ever has to be undone. Only Bind
// waits for a host, since a guest must not start before its wire is there. Several
// Managers may share the tables: Views are numbered, and a host refuses an older one.
//
// Addresses are chosen inside the transaction that inserts the port, and a
// unique index decides: two ports of a network never have the same one. OpenStack
// calls this service Neutron.
package network

import (
	"net/netip"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity"
)

// Attributes are what every thing of this domain has.
type Attributes struct {
	ProjectID   string // empty: it belongs to no project and only administrators see it
	Name        string
	Description string
	Tags        []string `bun:"type:text"`
	Revision    int64    // grows with every change
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Owner returns the project that the thing belongs to.
func (a Attributes) Owner() string { return a.ProjectID }

// ID names a network. A caller that creates a thing of this domain may choose
// its id, a UUID in lower case, and may then create it again without harm.
type ID string

// A Network is a wire that ports are plugged into.
type Network struct {
	bun.BaseModel `bun:"table:networks"`

	ID ID `bun:",pk"`
	Attributes
	AdminUp      bool
	Shared       bool   // every project may plug ports into it
	External     bool   // leads outside: gateways and floating IPs are on it, and every project sees it
	MTU          int    // bytes
	PortSecurity bool   // what new ports have
	Physical     string // the bridge of the operator it stands for, by the name that hosts know; may be empty

	Subnets []SubnetID `bun:"-"` // oldest first
}

// VisibleTo reports that everybody sees shared and external networks.
func (n Network) VisibleTo(identity.Caller) bool { return n.Shared || n.External }

// SubnetID names a subnet.
type SubnetID string

// A Subnet is a range of addresses on a network.
type Subnet struct {
	bun.BaseModel `bun:"table:network_subnets"`

	ID SubnetID `bun:",pk"`
	Attributes
	NetworkID   ID
	CIDR        netip.Prefix
	Gateway     Addr         // zero: none
	Pools       []Pool       `bun:"type:text"` // where addresses are chosen from
	DNS         []netip.Addr `bun:"type:text"`
	Routes      []Route      `bun:"type:text"` // handed to guests
	DHCP        bool
	DHCPAddress Addr     // what answers DHCP on hosts; zero without DHCP, and with IPv6
	AddressMode IPv6Mode // how guests get their IPv6 addresses
	RAMode      IPv6Mode // what routers announce

	SubnetPoolID SubnetPoolID // that CIDR was cut out of; empty: none

	Shared bool `bun:",scanonly"` // as its network is
}

// VisibleTo reports that everybody sees the subnets of shared networks.
func (s Subnet) VisibleTo(identity.Caller) bool { return s.Shared }

// Is4 reports whether s is IPv4.
func (s Subnet) Is4() bool { return s.CIDR.Addr().Is4() }

// An IPv6Mode is how guests of an IPv6 subnet are told their addresses. Empty: not at all.
type IPv6Mode string

// Modes. With SLAAC and Stateless an address is made of the port's MAC.
const (
	SLAAC     IPv6Mode = "slaac"
	Stateful  IPv6Mode = "dhcpv6-stateful"
	Stateless IPv6Mode = "dhcpv6-stateless"
)

// A Pool is a range of addresses, both ends included.
type Pool struct{ First, Last netip.Addr }

// SubnetPoolID names a subnet pool.
type SubnetPoolID string

// A SubnetPool is a set of addresses that subnets are cut out of, none twice.
type SubnetPool struct {
	bun.BaseModel `bun:"table:network_subnet_pools"`

	ID SubnetPoolID `bun:",pk"`
	Attributes
	Prefixes         []netip.Prefix `bun:"type:text"` // sorted, as few as possible, all of one IP version
	MinBits, MaxBits int            // of the prefix of a subnet
	DefaultBits      int
	Quota            int64 // what each project may have: addresses, or ranges of 64 bits with IPv6; quota.Unlimited: all
	Shared           bool  // every project may use it
}

// Is4 reports whether p is IPv4.
func (p SubnetPool) Is4() bool { return len(p.Prefixes) > 0 && p.Prefixes[0].Addr().Is4() }

// VisibleTo reports that everybody sees shared subnet pools.
func (p SubnetPool) VisibleTo(identity.Caller) bool { return p.Shared }

// PortID names a port.
type PortID string

// A Port is where a server, a router or something else is plugged into a network.
type Port struct {
	bun.BaseModel `bun:"table:network_ports"`

	ID PortID `bun:",pk"`
	Attributes
	NetworkID    ID
	MAC          string // "fa:16:3e:00:00:01"
	AdminUp      bool
	Status       Status
	DeviceID     string        // the server, router or floating IP that it belongs to
	DeviceOwner  string        // what that is: "compute:nova", or one of the Owner constants
	RouterID     RouterID      // whose interface or gateway it is, whatever DeviceID says; empty: no router's
	Host         string        // where it is plugged in; empty: nowhere
	Hostname     string        // what DHCP tells the guest it is called
	VNICType     string        // "normal"
	PortSecurity bool          // whether spoofing is prevented and groups apply
	Pairs        []AddressPair `bun:"type:text"`

	Addresses []FixedIP         `bun:"-"` // IPv4 first
	Groups    []SecurityGroupID `bun:"-"` // sorted
}

// Owners of ports that this domain makes.
const (
	OwnerInterface = "network:router_interface"
	OwnerGateway   = "network:router_gateway"
	OwnerFloating  = "network:floatingip"
	OwnerServer    = "compute:nova" // what a bound port has unless it says otherwise
)

// Status says whether traffic flows.
type Status string

// Statuses.
const (
	Active Status = "ACTIVE"
	Down   Status = "DOWN"
	Failed Status = "ERROR"
)

// A FixedIP is an address that a port holds.
type FixedIP struct {
	SubnetID SubnetID
	Address  netip.Addr
}

// SecurityGroupID names a security group.
type SecurityGroupID string

// A SecurityGroup is a set of rules for ports. What no rule allows is dropped.
type SecurityGroup struct {
	bun.BaseModel `bun:"table:network_groups"`

	ID SecurityGroupID `bun:",pk"`
	Attributes
	Default bool // its project's, which ports have that ask for none

	Rules []Rule `bun:"-"`
}

// DefaultGroup is the name of the security group that every project has.
const DefaultGroup = "default"

// RuleID names a rule of a security group.
type RuleID string

// A Rule allows traffic of one kind.
type Rule struct {
	bun.BaseModel `bun:"table:network_rules"`

	ID          RuleID `bun:",pk"`
	GroupID     SecurityGroupID
	ProjectID   string
	Description string
	Ingress     bool   // to the port, else from it
	IPv6        bool   `bun:"ipv6"` // else IPv4
	Protocol    string // a name such as "tcp", or a number from 0 to 255; empty: any
	// Min and Max bound the destination port, or are type and code of ICMP; nil: any.
	Min, Max    *int
	Remote      Prefix          // the other side; zero: anybody
	RemoteGroup SecurityGroupID // whose members are the other side, if not empty
	Revision    int64
	CreatedAt   time.Time
}

// Owner returns the project that r belongs to.
func (r Rule) Owner() string { return r.ProjectID }

// RouterID names a router.
type RouterID string

// A Router joins subnets, and leads outside when it has a gateway.
type Router struct {
	bun.BaseModel `bun:"table:network_routers"`

	ID RouterID `bun:",pk"`
	Attributes
	AdminUp bool
	Routes  []Route `bun:"type:text"`

	GatewayNetworkID ID     // external; empty: no gateway
	GatewayPortID    PortID // its port there
	SNAT             bool   // what leaves has the gateway's address

	GatewayAddresses []FixedIP `bun:"-"`
}

// FloatingID names a floating IP.
type FloatingID string

// A FloatingIP is an outside address that stands for one of a port.
type FloatingIP struct {
	bun.BaseModel `bun:"table:network_floating"`

	ID FloatingID `bun:",pk"`
	Attributes
	NetworkID    ID // external
	Address      netip.Addr
	HolderID     PortID   // the port that holds Address
	PortID       PortID   // whom it stands for; empty: nobody
	FixedAddress Addr     // of that port
	RouterID     RouterID // on the way to it
	DNSName      string
	DNSDomain    string
}

// Status returns Active while the address stands for a port.
func (f FloatingIP) Status() Status {
	if f.PortID == "" {
		return Down
	}
	return Active
}
