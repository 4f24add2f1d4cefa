package volume

import (
	"context"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// What the flow proofs need to see.

type CreateState = createState

var Insert = insertVolume

func (m *Manager) CreateFlow() *flow.Flow[CreateState] { return m.createFlow() }

func (m *Manager) UploadFlow() *flow.Flow[Upload] { return m.uploadFlow() }

func (m *Manager) Plan(ctx context.Context, s CreateSpec) (CreateState, error) {
	return m.plan(ctx, identity.CallerOf(ctx), s)
}
