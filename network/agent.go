package network

import (
	"context"
	"log/slog"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// An Agent speaks for a host whose Manager is elsewhere: it says that the host is
// there when it starts and then every minute, and so asks for the host's View.
type Agent struct {
	name     string
	networks Bindings
	reports  *flow.Reconciler
}

// NewAgent returns the agent of the host called name.
func NewAgent(name string, networks Bindings, log *slog.Logger) *Agent {
	a := &Agent{name: name, networks: networks}
	a.reports = flow.NewReconciler(log, "networks of host "+name, 0, func(ctx context.Context) error { return flow.Insist(ctx, a.report) })
	return a
}

// Start reports the host, once before it returns when the Manager answers.
func (a *Agent) Start(ctx context.Context) error {
	if err := a.report(ctx); err != nil && fault.Of(err) != fault.Unavailable {
		return err
	}
	return a.reports.Start(ctx)
}

// Stop ends the agent. The host counts as down some minutes later.
func (a *Agent) Stop(ctx context.Context) error { return a.reports.Stop(ctx) }

func (a *Agent) report(ctx context.Context) error {
	return a.networks.ReportHost(identity.With(ctx, identity.System("network.agent")), a.name)
}
