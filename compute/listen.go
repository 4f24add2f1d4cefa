package compute

import (
	"context"
	"slices"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/network"
)

// listen keeps what a server's row says about its ports true when they are
// changed without the server: an address, a floating IP, a port that is deleted.
func (m *Manager) listen(b *bus.Bus) {
	bus.On(b, "compute", func(ctx context.Context, tx *db.Tx, e network.PortReachable) error {
		return changeOwner(ctx, tx, e.DeviceID, func(s *Server) {
			i := slices.IndexFunc(s.NICs, func(n ServerNIC) bool { return n.PortID == string(e.ID) })
			if i >= 0 {
				s.NICs[i].Addresses = addresses(e)
			}
		})
	})
	bus.On(b, "compute", m.portDeleted)
}

// portDeleted takes a port that was deleted under a server from its row, and from the
// guest: with an interface that leads nowhere it could not be started again.
func (m *Manager) portDeleted(ctx context.Context, tx *db.Tx, e network.PortDeleted) error {
	open, err := flow.Open(ctx, tx, subject(ServerID(e.DeviceID)))
	if err != nil {
		return err
	}
	if doing := open[subject(ServerID(e.DeviceID))].Flow; doing == m.remove.Name() || doing == m.detachNIC.Name() {
		return nil // that is why
	}
	host := ""
	err = changeOwner(ctx, tx, e.DeviceID, func(s *Server) {
		left := slices.DeleteFunc(slices.Clone(s.NICs), func(n ServerNIC) bool { return n.PortID == string(e.ID) })
		if len(left) < len(s.NICs) {
			s.NICs, host = left, s.Host
		}
	})
	if err != nil || host == "" {
		return err
	}
	_, err = flow.Start(ctx, tx, m.pull, "port/"+string(e.ID), pullState{ServerID(e.DeviceID), host, string(e.ID)})
	return err
}

// pullState is what pulling out the interface of a deleted port remembers.
type pullState struct {
	Server ServerID
	Host   string
	Port   string
}

func (m *Manager) pullFlow() *flow.Flow[pullState] {
	return flow.New[pullState]("server.pull-interface").
		Step("pull", func(ctx context.Context, st *pullState) error { return m.pullPort(ctx, *st) }, nil).
		Sure()
}

func (m *Manager) pullPort(ctx context.Context, st pullState) error {
	d, err := m.driver(st.Host)
	if err != nil {
		return err
	}
	return fault.Internal.Wrap(unlessGone(d.DetachNIC(ctx, st.Server, st.Port)), "host %s", st.Host)
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

// changeOwner lets change alter the row of a port's device, where that is a server.
func changeOwner(ctx context.Context, tx *db.Tx, device string, change func(*Server)) error {
	if device == "" {
		return nil
	}
	return unlessGone(changeServer(ctx, tx, ServerID(device), "", change))
}
