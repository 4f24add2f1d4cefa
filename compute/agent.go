package compute

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/scheduler"
)

// An AgentConfig says how a host offers itself. Its zero value is right for most.
type AgentConfig struct {
	AvailabilityZone string  // empty means "nova", which clients expect
	CPURatio         float64 // virtual CPUs per processor; 0 means 4
	MemoryRatio      float64 // 0 means 1
	DiskRatio        float64 // 0 means 1
}

// An Agent speaks for a host: it tells the scheduler every minute what the host
// has, and the servers' owner what its driver saw change.
type Agent struct {
	name      string
	driver    Driver
	scheduler scheduler.Service
	guests    Hosts
	config    AgentConfig
	log       *slog.Logger

	mu      sync.Mutex
	changed []GuestState // and not told yet
	news    chan struct{}

	reports *flow.Reconciler
	cancel  context.CancelFunc
	watch   sync.WaitGroup
}

// NewAgent returns the agent of a host. Guests that change by themselves are told
// to guests.
func NewAgent(h Host, s scheduler.Service, guests Hosts, log *slog.Logger) *Agent {
	c := h.Config
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if c.AvailabilityZone == "" {
		c.AvailabilityZone = "nova"
	}
	if c.CPURatio <= 0 {
		c.CPURatio = 4
	}
	a := &Agent{name: h.Name, driver: h.Driver, scheduler: s, guests: guests, config: c, log: log, news: make(chan struct{}, 1)}
	a.reports = flow.NewReconciler(log, "host "+h.Name, 0, func(ctx context.Context) error { return flow.Insist(ctx, a.report) })
	return a
}

// Start reports the host, once before it returns when the scheduler answers, and
// begins to watch its guests.
func (a *Agent) Start(ctx context.Context) error {
	if err := a.report(ctx); err != nil && fault.Of(err) != fault.Unavailable {
		return err
	}
	ctx, a.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if w, ok := a.driver.(Watcher); ok {
		ctx := identity.With(ctx, identity.System("compute.agent"))
		a.watch.Go(func() {
			err := w.Watch(ctx, a.noteChange)
			if err != nil && ctx.Err() == nil {
				a.log.WarnContext(ctx, "guests are no longer watched", "host", a.name, "error", err)
			}
		})
		a.watch.Go(func() { a.tell(ctx) })
	}
	return a.reports.Start(ctx)
}

// Stop ends the agent. The host counts as down some minutes later.
func (a *Agent) Stop(ctx context.Context) error {
	if a.cancel != nil {
		a.cancel()
	}
	a.watch.Wait()
	return a.reports.Stop(ctx)
}

func (a *Agent) noteChange(g GuestState) {
	a.mu.Lock()
	a.changed = append(a.changed, g)
	a.mu.Unlock()
	select {
	case a.news <- struct{}{}:
	default:
	}
}

// tell passes changes on, together those that come together: a host whose guests
// all boot has much to say and nothing that anybody waits for.
func (a *Agent) tell(ctx context.Context) {
	const gather = 50 * time.Millisecond
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.news:
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(gather):
		}
		a.mu.Lock()
		guests := a.changed
		a.changed = nil
		a.mu.Unlock()
		if err := a.guests.ReportGuests(ctx, GuestReport{Host: a.name, Guests: guests}); err != nil && ctx.Err() == nil {
			a.log.WarnContext(ctx, "changes of guests are not told; the reconciler will find them", "host", a.name, "error", err)
		}
	}
}

func (a *Agent) report(ctx context.Context) error {
	ctx = identity.With(ctx, identity.System("compute.agent"))
	i, err := a.driver.Inventory(ctx)
	if err != nil {
		return err
	}
	return a.scheduler.ReportHost(ctx, scheduler.HostReport{
		Name: a.name, AvailabilityZone: a.config.AvailabilityZone, Traits: i.Traits,
		Inventories: []scheduler.Inventory{
			{Class: scheduler.VCPU, Total: int64(i.VCPUs), Ratio: a.config.CPURatio},
			{Class: scheduler.MemoryMB, Total: int64(i.MemoryMiB), Ratio: a.config.MemoryRatio},
			{Class: scheduler.DiskGB, Total: int64(i.DiskGiB), Ratio: a.config.DiskRatio},
		},
	})
}
