package network

import (
	"context"

	"github.com/nacre-cloud/nacre/kit/page"
)

// Service is what other domains and the HTTP face call. Every method checks the
// caller in its context: what belongs to another project is fault.NotFound,
// what the caller may see but not do is fault.Forbidden. Calls are idempotent by
// id. Lists hold what the caller may see: what its project owns, what is shared,
// and everything for whoever may read all projects.
type Service interface {
	Networks
	Subnets
	SubnetPools
	Ports
	Bindings
	SecurityGroups
	Routers
	FloatingIPs
	Tagging
	Quotas
}

// Networks are the calls about networks.
type Networks interface {
	CreateNetwork(ctx context.Context, s Spec) (Network, error)
	Network(ctx context.Context, id ID) (Network, error)
	Networks(ctx context.Context, q Query) (page.Of[Network], error)
	UpdateNetwork(ctx context.Context, p Patch) (Network, error)
	// DeleteNetwork deletes a network with its subnets. With ports on it, it is ErrInUse.
	DeleteNetwork(ctx context.Context, id ID) error
}

// Subnets are the calls about subnets.
type Subnets interface {
	// CreateSubnet adds a range to a network. One that overlaps another of it is fault.Invalid.
	CreateSubnet(ctx context.Context, s SubnetSpec) (Subnet, error)
	Subnet(ctx context.Context, id SubnetID) (Subnet, error)
	Subnets(ctx context.Context, q Query) (page.Of[Subnet], error)
	UpdateSubnet(ctx context.Context, p SubnetPatch) (Subnet, error)
	// DeleteSubnet deletes a subnet. With addresses in use, it is ErrInUse.
	DeleteSubnet(ctx context.Context, id SubnetID) error
}

// SubnetPools are the calls about subnet pools.
type SubnetPools interface {
	CreateSubnetPool(ctx context.Context, s SubnetPoolSpec) (SubnetPool, error)
	SubnetPool(ctx context.Context, id SubnetPoolID) (SubnetPool, error)
	SubnetPools(ctx context.Context, q Query) (page.Of[SubnetPool], error)
	UpdateSubnetPool(ctx context.Context, p SubnetPoolPatch) (SubnetPool, error)
	// DeleteSubnetPool deletes a subnet pool. One that subnets are of is ErrInUse.
	DeleteSubnetPool(ctx context.Context, id SubnetPoolID) error
}

// Ports are the calls about ports.
type Ports interface {
	// CreatePort plugs nothing in yet: it chooses addresses and a MAC. Without a free
	// address it is ErrNoAddress, with one that is taken ErrAddressInUse.
	CreatePort(ctx context.Context, s PortSpec) (Port, error)
	Port(ctx context.Context, id PortID) (Port, error)
	Ports(ctx context.Context, q Query) (page.Of[Port], error)
	UpdatePort(ctx context.Context, p PortPatch) (Port, error)
	// DeletePort deletes a port wherever it is plugged in. One that a router or a
	// floating IP made is ErrInUse.
	DeletePort(ctx context.Context, id PortID) error
}

// Bindings are the calls that plug ports into hosts. All but the first are for
// other services and administrators.
type Bindings interface {
	// AvailabilityZones returns the zones that networks and routers may ask for.
	AvailabilityZones(ctx context.Context) ([]string, error)
	// Bind plugs a port into a host and returns when the host carries it: then the
	// device TapName is there. A host that never reported, or is silent, is ErrNoHost;
	// one that cannot do it now is fault.Unavailable, and the port stays bound. One that
	// is another device's is fault.Conflict.
	Bind(ctx context.Context, s BindSpec) (Port, error)
	// Unbind takes a port from its server and out of its host, which follows soon after.
	// A port that is another server's stays so, and is no error.
	Unbind(ctx context.Context, s UnbindSpec) error
	// HostView returns everything that a host should carry.
	HostView(ctx context.Context, host string) (View, error)
	// PortByAddress returns the plugged in port that holds an address on a network: who asks for metadata.
	PortByAddress(ctx context.Context, g Guest) (Port, error)

	// ReportHost says that a host is there, and has it told what it should carry, soon
	// after. Hosts repeat it every minute; the first report makes a host known.
	ReportHost(ctx context.Context, host string) error
	// Hosts returns every host that carries networks, by name.
	Hosts(ctx context.Context) ([]HostState, error)
	// DeleteHost forgets a host, until it reports again. One with ports is ErrInUse, one
	// that is gone no error.
	DeleteHost(ctx context.Context, host string) error
}

// SecurityGroups are the calls about security groups and their rules.
type SecurityGroups interface {
	CreateSecurityGroup(ctx context.Context, s SecurityGroupSpec) (SecurityGroup, error)
	SecurityGroup(ctx context.Context, id SecurityGroupID) (SecurityGroup, error)
	// SecurityGroups returns a page of groups, and makes the caller's default group where it is missing.
	SecurityGroups(ctx context.Context, q Query) (page.Of[SecurityGroup], error)
	UpdateSecurityGroup(ctx context.Context, p SecurityGroupPatch) (SecurityGroup, error)
	// DeleteSecurityGroup deletes a group. One that a port has is ErrInUse.
	DeleteSecurityGroup(ctx context.Context, id SecurityGroupID) error
	// CreateRule adds a rule. One that the group has already is ErrRuleExists.
	CreateRule(ctx context.Context, r Rule) (Rule, error)
	Rule(ctx context.Context, id RuleID) (Rule, error)
	Rules(ctx context.Context, q Query) (page.Of[Rule], error)
	DeleteRule(ctx context.Context, id RuleID) error
}

// Routers are the calls about routers.
type Routers interface {
	CreateRouter(ctx context.Context, s RouterSpec) (Router, error)
	Router(ctx context.Context, id RouterID) (Router, error)
	Routers(ctx context.Context, q Query) (page.Of[Router], error)
	UpdateRouter(ctx context.Context, p RouterPatch) (Router, error)
	// DeleteRouter deletes a router and its gateway. With interfaces, it is ErrInUse.
	DeleteRouter(ctx context.Context, id RouterID) error
	// AddInterface joins a subnet to a router and returns the router's port there.
	AddInterface(ctx context.Context, s InterfaceSpec) (Port, error)
	// RemoveInterface is its opposite. Floating IPs that need it are ErrInUse.
	RemoveInterface(ctx context.Context, s InterfaceSpec) (Port, error)
	// ChangeRoutes adds and removes single routes.
	ChangeRoutes(ctx context.Context, s RoutesSpec) (Router, error)
}

// FloatingIPs are the calls about floating IPs.
type FloatingIPs interface {
	// CreateFloatingIP takes an address of an external network. Without a free one it is ErrNoAddress.
	CreateFloatingIP(ctx context.Context, s FloatingIPSpec) (FloatingIP, error)
	FloatingIP(ctx context.Context, id FloatingID) (FloatingIP, error)
	FloatingIPs(ctx context.Context, q Query) (page.Of[FloatingIP], error)
	// UpdateFloatingIP makes it stand for another port, or for none. A port that no
	// router leads to is ErrUnreachable, one that has a floating IP is fault.Conflict.
	UpdateFloatingIP(ctx context.Context, p FloatingIPPatch) (FloatingIP, error)
	DeleteFloatingIP(ctx context.Context, id FloatingID) error
}

// Tagging are the calls about the tags of things.
type Tagging interface {
	// Tags returns the tags of a thing, sorted.
	Tags(ctx context.Context, t Tagged) ([]string, error)
	// SetTags replaces the tags of a thing and returns them, sorted.
	SetTags(ctx context.Context, t Tagged) ([]string, error)
	// ChangeTags adds and removes single tags and returns all that there are then, sorted.
	ChangeTags(ctx context.Context, p TagPatch) ([]string, error)
}

// Quotas are the calls about what a project may use.
type Quotas interface {
	// Quota returns the limits and the use of a project, and the limits of one
	// that has none of its own.
	Quota(ctx context.Context, project string) (Quota, error)
	// Quotas returns the projects that have limits of their own, without their use.
	Quotas(ctx context.Context) ([]Quota, error)
	// SetQuota changes limits; without any, it restores the defaults.
	SetQuota(ctx context.Context, p QuotaPatch) (Quota, error)
}
