package compute

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
)

// observeState is what looking at a guest remembers.
type observeState struct {
	Server ServerID
	Host   string
	Power  Power
}

// observeFlow makes a server's status what its guest is. It is a flow, so that it
// looks at the guest while nothing else changes the server.
func (m *Manager) observeFlow() *flow.Flow[observeState] {
	return flow.New[observeState](observing).
		Step("look", m.look, nil).
		Record("record", func(ctx context.Context, tx *db.Tx, st *observeState) error {
			status, ok := seenAs[st.Power]
			if !ok {
				return nil // no guest: the reconciler tells the operator
			}
			return changeServer(ctx, tx, st.Server, "", func(s *Server) {
				if s.Status != Failed {
					s.Status = status
				}
			})
		}, nil)
}

// observing is the name of a flow that a server's owner is not told of.
const observing = "server.observe"

var seenAs = map[Power]Status{Running: Active, Paused: OnHold, Suspended: Asleep, Stopped: ShutOff, Crashed: ShutOff, Cut: ShutOff}

func (m *Manager) look(ctx context.Context, st *observeState) error {
	d, err := m.driver(st.Host)
	if err != nil {
		return err
	}
	guests, err := d.Guests(ctx)
	for _, g := range guests {
		if g.ID == st.Server {
			st.Power = g.Power
		}
	}
	return fault.Internal.Wrap(err, "host %s", st.Host)
}

// ReportGuests implements Service.
func (m *Manager) ReportGuests(ctx context.Context, r GuestReport) error {
	if err := identity.Allow(ctx, "host:report", nil); err != nil {
		return err
	}
	power := map[ServerID]Power{}
	for _, g := range r.Guests {
		power[g.ID] = g.Power
	}
	servers, err := loadStatuses(ctx, m.db.Read(), slices.Collect(maps.Keys(power)))
	if err != nil {
		return err
	}
	for _, s := range servers {
		settled := func(s Server) bool { return s.Host != r.Host || s.Status == Failed || s.Status == seenAs[power[s.ID]] }
		if settled(s) {
			continue // moved, or as it should be
		}
		if s, err = m.load(ctx, s.ID); err != nil || settled(s) || s.Doing.Flow != "" {
			continue // gone, or changing: its flow knows better
		}
		change := m.observed
		if power[s.ID] == Cut && s.Status == Active && !m.config.LeaveOff {
			change = m.revived
		}
		if err := change(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// observed looks at a guest that seems to have changed by itself: the report may be old.
func (m *Manager) observed(ctx context.Context, s Server) error {
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		_, err := flow.Start(ctx, tx, m.observe, subject(s.ID), observeState{Server: s.ID, Host: s.Host})
		return err
	})
	if fault.Of(err) == fault.Conflict && err != nil {
		return nil // somebody is at it
	}
	return err
}

// reviveLimit is how long a server that a power cut stopped waits for what it
// stands on: the storage of its volumes may start long after its host.
const reviveLimit = time.Hour

// reviveFlow starts a server again that nobody stopped. When that fails, it stays
// off, and its actions tell why.
func (m *Manager) reviveFlow() *flow.Flow[powerState] {
	return flow.New[powerState]("server.revive").
		Record("off", func(ctx context.Context, tx *db.Tx, st *powerState) error {
			return changeServer(ctx, tx, st.Server, "", func(s *Server) { s.Status = ShutOff })
		}, func(ctx context.Context, tx *db.Tx, st *powerState) error { return ended(ctx, tx, st.Action) }).
		Step("start", func(ctx context.Context, st *powerState) error { return m.setPower(ctx, st, Running, 0) }, nil).
		Within(reviveLimit).
		Record("finish", func(ctx context.Context, tx *db.Tx, st *powerState) error {
			return changeServer(ctx, tx, st.Server, st.Action, func(s *Server) { s.Status = Active })
		}, nil)
}

// revived starts a server again whose host went down under it, unless the report
// is old: somebody may have stopped it meanwhile.
func (m *Manager) revived(ctx context.Context, s Server) error {
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		st := powerState{Server: s.ID, Host: s.Host, Action: db.NewID()}
		if err := beginAction(ctx, tx, s, st.Action, string(Start)); err != nil {
			return err
		}
		if _, err := flow.Start(ctx, tx, m.revive, subject(s.ID), st); err != nil {
			return err
		}
		now, err := loadServer(ctx, tx, s.ID)
		if err == nil && now.Status != s.Status {
			err = ErrState.Errorf("server %s is %s by now", s.ID, now.Status)
		}
		return err
	})
	switch fault.Of(err) {
	case fault.Conflict, fault.NotFound:
		return nil // somebody is or was at it
	}
	return err
}
