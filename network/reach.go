package network

import (
	"context"
	"errors"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// announce tells at which addresses ports are reached from now on. Ports that
// belong to no device, or are gone, interest nobody.
func announce(ctx context.Context, tx *db.Tx, ports ...PortID) error {
	told := map[PortID]bool{"": true}
	for _, id := range ports {
		if told[id] {
			continue
		}
		told[id] = true
		p, err := loadPort(ctx, tx, id)
		if errors.Is(err, fault.NotFound) || err == nil && p.DeviceID == "" {
			continue
		}
		if err != nil {
			return err
		}
		floating, err := floatingFor(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := bus.Publish(ctx, tx, PortReachable{ID: id, DeviceID: p.DeviceID, Fixed: p.Addresses, Floating: floating}); err != nil {
			return err
		}
	}
	return nil
}
