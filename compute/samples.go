package compute

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/nacre-cloud/nacre/identity"
)

const (
	askedAtOnce = 200             // hosts
	sampling    = 5 * time.Second // with a host; half of what a call over the bus may take
)

// Samples implements Service. Hosts are asked side by side, so that one which
// does not answer costs only its own samples.
func (m *Manager) Samples(ctx context.Context, _ struct{}) ([]Sample, error) {
	if err := identity.Allow(ctx, "server:guest", nil); err != nil {
		return nil, err
	}
	names, err := m.hostNames(ctx)
	if err != nil {
		return nil, err
	}
	of := make([][]Sample, len(names))
	var asking errgroup.Group
	asking.SetLimit(askedAtOnce)
	for i, name := range names {
		asking.Go(func() error {
			samples, err := m.samplesOf(ctx, name)
			if err != nil {
				m.log.WarnContext(ctx, "host gives no samples", "host", name, "error", err)
			}
			of[i] = samples
			return nil
		})
	}
	err = asking.Wait()
	return slices.Concat(of...), err
}

func (m *Manager) samplesOf(ctx context.Context, host string) ([]Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, sampling)
	defer cancel()
	d, err := m.driver(host)
	if err != nil {
		return nil, err
	}
	return d.Samples(ctx)
}
