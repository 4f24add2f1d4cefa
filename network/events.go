package network

import "net/netip"

// Created says that a network was made.
type Created struct {
	ID        ID
	ProjectID string
}

// Name returns the event's topic.
func (Created) Name() string { return "network.created.v1" }

// Deleted says that a network is gone.
type Deleted struct {
	ID        ID
	ProjectID string
}

// Name returns the event's topic.
func (Deleted) Name() string { return "network.deleted.v1" }

// PortCreated says that a port was made.
type PortCreated struct {
	ID        PortID
	NetworkID ID
	ProjectID string
}

// Name returns the event's topic.
func (PortCreated) Name() string { return "network.port.created.v1" }

// PortDeleted says that a port is gone, and what it was plugged into.
type PortDeleted struct {
	ID        PortID
	NetworkID ID
	ProjectID string
	DeviceID  string
}

// Name returns the event's topic.
func (PortDeleted) Name() string { return "network.port.deleted.v1" }

// PortReachable says at which addresses a device's port is reached from now on.
type PortReachable struct {
	ID       PortID
	DeviceID string
	Fixed    []FixedIP
	Floating []FloatingAddress
}

// A FloatingAddress is an outside address and the fixed one that it stands for.
type FloatingAddress struct{ Outside, Fixed netip.Addr }

// Name returns the event's topic.
func (PortReachable) Name() string { return "network.port.reachable.v1" }

// RouterCreated says that a router was made.
type RouterCreated struct {
	ID        RouterID
	ProjectID string
}

// Name returns the event's topic.
func (RouterCreated) Name() string { return "network.router.created.v1" }

// RouterDeleted says that a router is gone.
type RouterDeleted struct {
	ID        RouterID
	ProjectID string
}

// Name returns the event's topic.
func (RouterDeleted) Name() string { return "network.router.deleted.v1" }

// FloatingIPCreated says that a project holds an outside address.
type FloatingIPCreated struct {
	ID        FloatingID
	ProjectID string
	Address   string
}

// Name returns the event's topic.
func (FloatingIPCreated) Name() string { return "network.floatingip.created.v1" }

// FloatingIPDeleted says that a project gave an outside address back.
type FloatingIPDeleted struct {
	ID        FloatingID
	ProjectID string
	Address   string
}

// Name returns the event's topic.
func (FloatingIPDeleted) Name() string { return "network.floatingip.deleted.v1" }
