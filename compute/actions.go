package compute

import (
	"context"
	"slices"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/page"
)

// Actions implements Service.
func (m *Manager) Actions(ctx context.Context, q ActionQuery) (page.Of[Action], error) {
	first, err := listActions(ctx, m.db.Read(), ActionQuery{ServerID: q.ServerID, Query: page.Query{Limit: 1}})
	if err != nil {
		return first, err
	}
	if len(first.Items) == 0 {
		return first, fault.NotFound.Errorf("server %s could not be found", q.ServerID)
	}
	if err := identity.Hide(identity.Allow(ctx, "server:show", first.Items[0]), "server", string(q.ServerID)); err != nil {
		return page.Of[Action]{}, err
	}
	return listActions(ctx, m.db.Read(), q)
}

// asked is what somebody wants of a server, by the name that actions have.
type asked struct {
	server Server
	name   string
	disks  bool // it depends on the server's disks being as they were read
}

// begin starts a flow about a server, together with the action that it is, unless
// the server is locked or busy.
func begin[S any](ctx context.Context, m *Manager, f *flow.Flow[S], a asked, state func(action string) S) (run string, err error) {
	s, name := a.server, a.name
	if err := unlocked(ctx, s); err != nil {
		return "", err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		action := db.NewID()
		if err := beginAction(ctx, tx, s, action, name); err != nil {
			return err
		}
		start := flow.Start[S]
		if open, err := flow.Open(ctx, tx, subject(s.ID)); err != nil {
			return err
		} else if open[subject(s.ID)].Flow == observing {
			start = flow.Replace[S] // looking can wait
		}
		run, err = start(ctx, tx, f, subject(s.ID), state(action))
		if fault.Of(err) == fault.Conflict && err != nil {
			return ErrState.Errorf("cannot %q server %s while another operation is in progress", name, s.ID)
		}
		if err != nil || !a.disks {
			return err
		}
		now, err := loadServer(ctx, tx, s.ID)
		if err == nil && !slices.Equal(now.Disks, s.Disks) {
			err = ErrState.Errorf("the disks of server %s changed meanwhile", s.ID)
		}
		return err
	})
	return run, err
}

// patience is how long a call waits for a change of devices that is under way.
const patience = 5 * time.Second

// undisturbed loads a server that the caller may do action to, once its devices are
// not being changed. That takes moments, and who saw its effect asks for the next
// thing before the run has ended.
func (m *Manager) undisturbed(ctx context.Context, id ServerID, action string) (Server, error) {
	s, err := m.allowed(ctx, id, action)
	if err != nil || !m.changesDevices(s.Doing) {
		return s, err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for late := time.After(patience); err == nil && m.changesDevices(s.Doing); s, err = m.allowed(ctx, id, action) {
		select {
		case <-tick.C:
		case <-late:
			return s, nil // begin refuses it
		case <-ctx.Done():
			return s, fault.Unavailable.Wrap(ctx.Err(), "wait for %s of server %s", s.Doing.Flow, id)
		}
	}
	return s, err
}

func (m *Manager) changesDevices(d Doing) bool {
	switch d.Flow {
	case m.attachVolume.Name(), m.detachVolume.Name(), m.attachNIC.Name(), m.detachNIC.Name():
		return true
	}
	return false
}

// ErrState is a request that the server's state does not allow.
var ErrState = fault.Conflict.Reason("compute.state")

// unlocked refuses what a lock forbids to all but administrators.
func unlocked(ctx context.Context, s Server) error {
	if s.Locked && !identity.CallerOf(ctx).Admin() {
		return fault.Conflict.Errorf("server %s is locked", s.ID)
	}
	return nil
}

// ended is the undo of a flow's first step: the server stays as it was, and the
// action tells why nothing came of it.
func ended(ctx context.Context, tx *db.Tx, action string) error {
	return endAction(ctx, tx, action, flow.Cause(ctx).Error())
}
