package network

import "github.com/nacre-cloud/nacre/kit/fault"

// Reasons that callers tell apart.
var (
	// ErrNoAddress: no subnet that fits has a free address.
	ErrNoAddress = fault.Exhausted.Reason("network.no-address")
	// ErrNoPrefix: the subnet pool has no such range left.
	ErrNoPrefix = fault.Exhausted.Reason("network.no-prefix")
	// ErrAddressInUse: another port has the address that was asked for.
	ErrAddressInUse = fault.Conflict.Reason("network.address-in-use")
	// ErrMACInUse: another port of the network has the MAC that was asked for.
	ErrMACInUse = fault.Conflict.Reason("network.mac-in-use")
	// ErrInvalidAddress: the address is not one of the subnet, or the subnet not one of the network.
	ErrInvalidAddress = fault.Invalid.Reason("network.invalid-address")
	// ErrInUse: something needs the thing that should go.
	ErrInUse = fault.Conflict.Reason("network.in-use")
	// ErrGatewayInPool: a subnet's gateway is in one of its pools.
	ErrGatewayInPool = fault.Conflict.Reason("network.gateway-in-pool")
	// ErrRuleExists: the security group has this rule already.
	ErrRuleExists = fault.Conflict.Reason("network.rule-exists")
	// ErrUnreachable: no router leads from the external network to the port.
	ErrUnreachable = fault.NotFound.Reason("network.unreachable")
	// ErrNoHost: no host of this name carries networks, or it has been silent for long. It may yet report.
	ErrNoHost = fault.Unavailable.Reason("network.no-host")
	// ErrStale: the host was given a newer View already.
	ErrStale = fault.Conflict.Reason("network.stale")
	// ErrRevision: the thing has another revision than the change is for.
	ErrRevision = fault.Conflict.Reason("network.revision")
)
