package compute

import (
	"context"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// What the flow proofs need to see.

type BootState = bootState

var Insert = insertServer

func (m *Manager) BootFlow() *flow.Flow[BootState] { return m.bootFlow() }

func (m *Manager) Plan(ctx context.Context, s CreateSpec) (Server, BootState, error) {
	return m.plan(ctx, identity.CallerOf(ctx), s)
}
