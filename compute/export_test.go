package compute

import (
	"context"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/network"
)

// What the flow proofs need to see.

type (
	BootState  = bootState
	DiskState  = diskState
	PowerState = powerState
)

var Insert = insertServer

func (m *Manager) BootFlow() *flow.Flow[BootState] { return m.bootFlow() }

func (m *Manager) Boot(ctx context.Context, tx *db.Tx, st BootState) error {
	_, err := flow.Start(ctx, tx, m.boot, subject(st.Server), st)
	return err
}

func (m *Manager) AttachVolumeFlow() *flow.Flow[DiskState] { return m.attachVolumeFlow() }

func (m *Manager) ReviveFlow() *flow.Flow[PowerState] { return m.reviveFlow() }

func (m *Manager) Plan(ctx context.Context, s CreateSpec) (Server, BootState, error) {
	return m.plan(ctx, identity.CallerOf(ctx), s)
}

func (m *Manager) PortDeleted(ctx context.Context, tx *db.Tx, e network.PortDeleted) error {
	return m.portDeleted(ctx, tx, e)
}
