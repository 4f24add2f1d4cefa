package dns

import (
	"context"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/page"
)

// Config says where names are published.
type Config struct {
	Zone string // "cloud.example"
	Dir  string // of the hosts files; it must exist
}

// Manager is the Service of the process that owns the table.
type Manager struct {
	config  Config
	db      *db.DB
	servers compute.Service
	hosts   hosts

	publish  *flow.Flow[Record]
	withdraw *flow.Flow[Record]
}

// New returns a Manager that listens to what compute tells. It does no I/O.
func New(p Params) *Manager {
	m := &Manager{config: p.Config, db: p.DB, servers: p.Servers, hosts: hosts(p.Config.Dir)}
	m.publish = flow.Register(p.Flows, m.publishFlow())
	m.withdraw = flow.Register(p.Flows, m.withdrawFlow())
	bus.On(p.Bus, "dns", m.started)
	bus.On(p.Bus, "dns", m.deleted)
	return m
}

// Record implements Service.
func (m *Manager) Record(ctx context.Context, id compute.ServerID) (Record, error) {
	r, err := loadRecord(ctx, m.db.Read(), id)
	if err != nil {
		return Record{}, err
	}
	return r, identity.Hide(identity.Allow(ctx, "dns:show", r), "record", string(id))
}

// Records implements Service.
func (m *Manager) Records(ctx context.Context, q page.Query) (page.Of[Record], error) {
	project, err := identity.ProjectToList(ctx, "dns:list", "", false)
	if err != nil {
		return page.Of[Record]{}, err
	}
	return listRecords(ctx, m.db.Read(), project, q)
}

var _ Service = (*Manager)(nil)
