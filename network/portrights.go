package network

import (
	"context"
	"errors"
	"strings"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// ofNetwork reports that p says it is part of its network, as routers' ports are.
func (p Port) ofNetwork() bool { return strings.HasPrefix(p.DeviceOwner, "network:") }

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
