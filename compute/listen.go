package compute

import (
	"context"
	"errors"
	"slices"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

// listen keeps what a server's row says about its ports true when they are
// changed without the server: an address, a floating IP, a port that is deleted.
func (m *Manager) listen(b *bus.Bus) {
	bus.On(b, "compute", func(ctx context.Context, tx *db.Tx, e network.PortReachable) error {
		return changePorts(ctx, tx, e.DeviceID, func(nics []ServerNIC) []ServerNIC {
			i := slices.IndexFunc(nics, func(n ServerNIC) bool { return n.PortID == string(e.ID) })
			if i >= 0 {
				nics[i].Addresses = addresses(e)
			}
			return nics
		})
	})
	bus.On(b, "compute", func(ctx context.Context, tx *db.Tx, e network.PortDeleted) error {
		return changePorts(ctx, tx, e.DeviceID, func(nics []ServerNIC) []ServerNIC {
			return slices.DeleteFunc(nics, func(n ServerNIC) bool { return n.PortID == string(e.ID) })
		})
	})
}

func addresses(e network.PortReachable) (all []Address) {
	for _, f := range e.Fixed {
		all = append(all, Address{IP: f.Address.String(), SubnetID: string(f.SubnetID)})
	}
	for _, f := range e.Floating {
		all = append(all, Address{IP: f.Outside.String(), Floating: true})
	}
	return all
}

// changePorts lets change alter what the row of a device says about its ports,
// where the device is a server.
func changePorts(ctx context.Context, tx *db.Tx, device string, change func([]ServerNIC) []ServerNIC) error {
	if device == "" {
		return nil
	}
	err := changeServer(ctx, tx, ServerID(device), "", func(s *Server) { s.NICs = change(s.NICs) })
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
