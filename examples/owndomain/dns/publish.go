package dns

import (
	"context"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
)

func (m *Manager) publishFlow() *flow.Flow[Record] {
	return flow.New[Record]("dns.publish").
		Step("resolve", m.resolve, nil).
		Step("write", m.write, m.erase).
		Record("save", saveRecord, nil)
}

func (m *Manager) withdrawFlow() *flow.Flow[Record] {
	return flow.New[Record]("dns.withdraw").
		Step("erase", m.erase, nil).
		Record("forget", deleteRecord, nil).
		Sure()
}

// started and deleted only record what to do, in the transaction that moves the
// listener on; the flow engine does it, whatever crashes.
func (m *Manager) started(ctx context.Context, tx *db.Tx, e compute.ServerStarted) error {
	r := Record{ServerID: e.ID, ProjectID: e.ProjectID, CreatedAt: db.Now()}
	_, err := flow.Replace(asDNS(ctx), tx, m.publish, subject(e.ID), r)
	return err
}

func (m *Manager) deleted(ctx context.Context, tx *db.Tx, e compute.ServerDeleted) error {
	_, err := flow.Replace(asDNS(ctx), tx, m.withdraw, subject(e.ID), Record{ServerID: e.ID})
	return err
}

func asDNS(ctx context.Context) context.Context { return identity.With(ctx, identity.System("dns")) }

func subject(id compute.ServerID) string { return "dns/" + string(id) }

func (m *Manager) resolve(ctx context.Context, r *Record) error {
	s, err := m.servers.Server(ctx, r.ServerID)
	if err != nil {
		return err
	}
	for _, n := range s.NICs {
		for _, a := range n.Addresses {
			r.Name, r.Address = s.Hostname+"."+r.ProjectID+"."+m.config.Zone, a.IP
			return nil
		}
	}
	return fault.NotFound.Errorf("server %s has no address", r.ServerID)
}

func (m *Manager) write(_ context.Context, r *Record) error { return m.hosts.write(*r) }

func (m *Manager) erase(_ context.Context, r *Record) error { return m.hosts.erase(r.ServerID) }
