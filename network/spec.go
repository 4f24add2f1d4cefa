package network

import (
	"net/netip"
	"time"

	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// A Query asks for things that the caller may see.
type Query struct {
	page.Query
	// Where bounds attributes to values, any of which will do. An attribute that
	// the thing does not have is fault.Invalid. Names are those of the HTTP face:
	// "name", "network_id", "device_id", "router:external".
	Where map[string][]string
	// Tags must all be there; one of AnyTags must; NotTags must not all be there; none of NoneOfTags may.
	Tags, AnyTags, NotTags, NoneOfTags []string
	ChangedSince                       time.Time // zero: whenever
}

// A Base is what every spec says about the new thing.
type Base struct {
	ProjectID   string // for another project; empty: the caller's own
	Name        string
	Description string
	Tags        []string
}

// A BasePatch changes what every thing has. Nil fields stay as they are.
type BasePatch struct {
	Name        *string
	Description *string
	// IfRevision refuses the change (ErrRevision) unless the thing has this revision.
	IfRevision *int64
}

// A Spec says which network to create.
type Spec struct {
	ID ID // made when empty
	Base
	AdminDown    bool
	Shared       bool   // needs an administrator, as the next three do
	External     bool   //
	Physical     string //
	MTU          int    // bytes; 0: the largest
	PortSecurity *bool  // nil: yes
}

// A Patch changes a network. Nil fields stay as they are.
type Patch struct {
	ID ID
	BasePatch
	AdminUp      *bool
	Shared       *bool
	External     *bool
	MTU          *int
	PortSecurity *bool
}

// A SubnetSpec says which subnet to create.
type SubnetSpec struct {
	ID SubnetID // made when empty
	Base
	NetworkID    ID
	CIDR         netip.Prefix // zero: one is chosen out of the subnet pool
	SubnetPoolID SubnetPoolID // empty: none
	Bits         int          // of the prefix that is chosen; 0: the pool's default
	Gateway      *netip.Addr  // nil: the first address; zero: none
	Pools        []Pool       // nil: all but the gateway
	DNS          []netip.Addr
	Routes       []Route
	NoDHCP       bool
	AddressMode  IPv6Mode
	RAMode       IPv6Mode
}

// A SubnetPatch changes a subnet. Nil fields stay as they are, empty ones become so.
type SubnetPatch struct {
	ID SubnetID
	BasePatch
	Gateway *netip.Addr // zero: none
	Pools   []Pool
	DNS     *[]netip.Addr
	Routes  *[]Route
	DHCP    *bool
}

// A SubnetPoolSpec says which subnet pool to create.
type SubnetPoolSpec struct {
	ID SubnetPoolID // made when empty
	Base
	Prefixes    []netip.Prefix
	MinBits     int    // 0: 8, or 64 with IPv6
	MaxBits     int    // 0: 32, or 128 with IPv6
	DefaultBits int    // 0: MinBits
	Quota       *int64 // see SubnetPool; nil: all
	Shared      bool   // needs an administrator
}

// A SubnetPoolPatch changes a subnet pool. Nil fields stay as they are; of its
// prefixes none may go.
type SubnetPoolPatch struct {
	ID SubnetPoolID
	BasePatch
	Prefixes                      []netip.Prefix
	MinBits, MaxBits, DefaultBits *int
	Quota                         *int64
}

// A PortSpec says which port to create.
type PortSpec struct {
	ID PortID // made when empty
	Base
	NetworkID ID
	MAC       string // made when empty
	AdminDown bool
	// Addresses that it shall have; with a zero Address one of that subnet is
	// chosen. Nil: one of each IP version. Empty: none.
	Addresses    *[]FixedIP
	Groups       *[]SecurityGroupID // nil: the default one
	Pairs        []AddressPair
	PortSecurity *bool // nil: as the network says
	DeviceID     string
	DeviceOwner  string
	Hostname     string
	VNICType     string // empty: "normal"
	Host         string // where to plug it in at once, as Bind does
}

// A PortPatch changes a port. Nil fields stay as they are.
type PortPatch struct {
	ID PortID
	BasePatch
	MAC          *string
	AdminUp      *bool
	Addresses    *[]FixedIP
	Groups       *[]SecurityGroupID
	Pairs        *[]AddressPair
	PortSecurity *bool
	DeviceID     *string
	DeviceOwner  *string
	Hostname     *string
	VNICType     *string
	Host         *string // as Bind, or Unbind when empty
}

// A BindSpec says where to plug a port in.
type BindSpec struct {
	Port     PortID
	Host     string
	ServerID string // becomes the device; empty: it stays what it is
	Hostname string // what DHCP tells the guest; empty: it stays what it is
}

// An UnbindSpec says which port to take out of its host.
type UnbindSpec struct {
	Port     PortID
	ServerID string // only if it is this server's; empty: whoever's it is
}

// A SecurityGroupSpec says which security group to create.
type SecurityGroupSpec struct {
	ID SecurityGroupID // made when empty
	Base
}

// A SecurityGroupPatch changes a security group. Nil fields stay as they are.
type SecurityGroupPatch struct {
	ID SecurityGroupID
	BasePatch
}

// A Gateway says how a router leads outside.
type Gateway struct {
	NetworkID ID        // empty: not at all
	SNAT      *bool     // nil: yes, or as it is
	Addresses []FixedIP // nil: chosen
}

// A RouterSpec says which router to create.
type RouterSpec struct {
	ID RouterID // made when empty
	Base
	AdminDown bool
	Gateway   Gateway
}

// A RouterPatch changes a router. Nil fields stay as they are.
type RouterPatch struct {
	ID RouterID
	BasePatch
	AdminUp *bool
	Gateway *Gateway
	Routes  *[]Route
}

// An InterfaceSpec names a router's place on a subnet: by the subnet, or by a
// port in it, or by both.
type InterfaceSpec struct {
	Router RouterID
	Subnet SubnetID
	Port   PortID
}

// A RoutesSpec says which routes a router shall have besides, and which no more.
type RoutesSpec struct {
	Router      RouterID
	Add, Remove []Route
}

// A FloatingIPSpec says which floating IP to create.
type FloatingIPSpec struct {
	ID FloatingID // made when empty
	Base
	NetworkID    ID
	SubnetID     SubnetID   // empty: any of the network
	Address      netip.Addr // zero: chosen; else needs an administrator
	PortID       PortID     // whom it stands for; may be empty
	FixedAddress netip.Addr // of that port; zero: its only IPv4 address
	DNSName      string
	DNSDomain    string
}

// A FloatingIPPatch changes a floating IP. Nil fields stay as they are.
type FloatingIPPatch struct {
	ID FloatingID
	BasePatch
	PortID       *PortID // empty: it stands for nobody
	FixedAddress netip.Addr
}

// Tagged is a thing and its tags.
type Tagged struct {
	Kind string // "networks", "subnets", "ports", "routers", "subnetpools", "floatingips", "security-groups"
	ID   string
	Tags []string
}

// A TagPatch adds single tags to a thing and takes others from it.
type TagPatch struct {
	Kind, ID    string // as in Tagged
	Add, Remove []string
}

// Resources of a project's quota.
const (
	ResourceNetworks = "network"
	ResourceSubnets  = "subnet"
	ResourcePorts    = "port"
	ResourceRouters  = "router"
	ResourceFloating = "floatingip"
	ResourceGroups   = "security_group"
	ResourceRules    = "security_group_rule"
	ResourcePools    = "subnetpool"
	ResourceSharing  = "rbac_policy" // for clients that ask; nothing counts against it
)

type (
	// A Quota is what a project may use and uses.
	Quota = quota.Quota
	// A QuotaPatch changes the limits of a project.
	QuotaPatch = quota.Patch
)
