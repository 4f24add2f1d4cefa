package network

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// ofNetwork reports that p says it is part of its network, as routers' ports are.
func (p Port) ofNetwork() bool { return strings.HasPrefix(p.DeviceOwner, "network:") }

// mayBecome allows the caller to make p of a port that was another, or of none, with the
// addresses that it wants.
func mayBecome(ctx context.Context, idb bun.IDB, was, p Port, want *[]FixedIP) error {
	if err := mayOwn(ctx, was, p); err != nil {
		return err
	}
	if choice := p.choice(was, want); choice != "" {
		return trusted(ctx, idb, p.NetworkID, choice)
	}
	return nil
}

// choice returns what a port shall have that only those may choose who own its network, for
// it takes from others there or lets them be deceived; empty: nothing.
func (p Port) choice(was Port, want *[]FixedIP) string {
	switch {
	case p.MAC != was.MAC:
		return "a MAC address"
	case was.PortSecurity && !p.PortSecurity:
		return "to have no port security"
	case slices.ContainsFunc(p.Pairs, func(a AddressPair) bool { return !slices.Contains(was.Pairs, a) }):
		return "allowed address pairs"
	case want != nil && slices.ContainsFunc(*want, func(w FixedIP) bool { return w.Address.IsValid() && !was.has(w.Address) }):
		return "a fixed address"
	}
	return ""
}

func (p Port) has(a netip.Addr) bool {
	return slices.ContainsFunc(p.Addresses, func(f FixedIP) bool { return f.Address == a })
}

// trusted allows the caller a choice that is up to those who own a network, also where it
// is shared.
func trusted(ctx context.Context, idb bun.IDB, id ID, choice string) error {
	n, err := loadNetworkRow(ctx, idb, id)
	if err != nil {
		return err
	}
	err = identity.Allow(ctx, "network:port:trusted", n)
	if kind := fault.Of(err); err != nil && (kind == fault.NotFound || kind == fault.Forbidden) {
		err = fault.Forbidden.Errorf("on network %s only its owner and administrators choose %s; leave it out", id, choice)
	}
	return err
}

// mayOwn allows the caller to make a port that was one device's another's. Users say whose
// a port is until it is plugged in, and never that it is a router's.
func mayOwn(ctx context.Context, was, p Port) error {
	if p.DeviceID == was.DeviceID && p.DeviceOwner == was.DeviceOwner {
		return nil
	}
	if was.RouterID == "" && was.Host == "" && !was.ofNetwork() && !p.ofNetwork() {
		return nil
	}
	if err := identity.Allow(ctx, "network:port:device", nil); !errors.Is(err, fault.Forbidden) {
		return err
	}
	return fault.Forbidden.Errorf("port %s cannot go from device %q of %q to %q of %q: routers are joined by add_router_interface, servers by attaching them",
		p.ID, was.DeviceID, was.DeviceOwner, p.DeviceID, p.DeviceOwner)
}
