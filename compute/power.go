package compute

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/volume"
)

// powerState is what a change of power remembers.
type powerState struct {
	Server ServerID
	Host   string
	Action string
}

// An order says from which states it is legal and what it makes of the server.
type order struct {
	from  []Status
	steps []Power // in this order
	soft  bool    // the guest is asked before its plug is pulled
	to    Status
}

var orders = map[Order]order{
	Start:      {[]Status{ShutOff}, []Power{Running}, false, Active},
	Stop:       {[]Status{Active, Failed}, []Power{Stopped}, true, ShutOff},
	SoftReboot: {[]Status{Active}, []Power{Stopped, Running}, true, Active},
	HardReboot: {[]Status{Active, ShutOff, OnHold, Asleep, Failed}, []Power{Stopped, Running}, false, Active},
	Pause:      {[]Status{Active}, []Power{Paused}, false, OnHold},
	Unpause:    {[]Status{OnHold}, []Power{Running}, false, Active},
	Suspend:    {[]Status{Active}, []Power{Suspended}, false, Asleep},
	Resume:     {[]Status{Asleep}, []Power{Running}, false, Active},
}

func (m *Manager) powerFlow(name Order) *flow.Flow[powerState] {
	o := orders[name]
	f := flow.New[powerState]("server."+string(name)).
		Record("begin", nil, func(ctx context.Context, tx *db.Tx, st *powerState) error { return ended(ctx, tx, st.Action) })
	for _, want := range o.steps {
		f.Step(string(want), func(ctx context.Context, st *powerState) error {
			grace := m.config.Grace
			if !o.soft {
				grace = 0
			}
			return m.setPower(ctx, st, want, grace)
		}, nil)
	}
	return f.Record("finish", func(ctx context.Context, tx *db.Tx, st *powerState) error {
		return changeServer(ctx, tx, st.Server, st.Action, func(s *Server) { s.Status, s.Fault = o.to, nil })
	}, nil)
}

// setPower brings a guest to a state. One that is gone from its host is as stopped as
// can be, and is made again where it shall run.
func (m *Manager) setPower(ctx context.Context, st *powerState, want Power, grace time.Duration) error {
	d, err := m.driver(st.Host)
	if err != nil {
		return err
	}
	err = d.SetPower(ctx, st.Server, want, grace)
	if errors.Is(err, fault.NotFound) {
		switch want {
		case Running:
			err = m.respawn(ctx, d, st.Server)
		case Stopped:
			err = nil
		}
	}
	return fault.Internal.Wrap(err, "host %s", st.Host)
}

// respawn gives the driver back a guest that it lost, with what the server has now.
func (m *Manager) respawn(ctx context.Context, d Driver, id ServerID) error {
	s, err := loadServer(ctx, m.db.Read(), id)
	if err != nil {
		return err
	}
	var disks []Disk
	for _, own := range s.Disks {
		a, err := m.volumes.Attachment(asService(ctx), volume.AttachmentID(own.AttachmentID))
		if err != nil {
			return err
		}
		disks = append(disks, own.disk(a.Connection))
	}
	g, err := describe(s, disks, secrets{})
	if err != nil {
		return err
	}
	m.log.WarnContext(ctx, "guest is made again: its host had lost it", "server", id, "host", s.Host)
	return d.Spawn(ctx, g)
}

// Power implements Service.
func (m *Manager) Power(ctx context.Context, spec PowerSpec) error {
	s, err := m.undisturbed(ctx, spec.ID, "server:power")
	if err != nil {
		return err
	}
	o, ok := orders[spec.Do]
	if !ok {
		return fault.Invalid.Errorf("there is no order %q", spec.Do)
	}
	if !slices.Contains(o.from, s.Status) || s.Host == "" {
		return ErrState.Errorf("cannot %q server %s while it is %s", spec.Do, s.ID, s.Status)
	}
	name := string(spec.Do)
	if spec.Do == HardReboot {
		name = "reboot"
	}
	_, err = begin(ctx, m, m.power[spec.Do], asked{server: s, name: name}, func(action string) powerState {
		return powerState{Server: s.ID, Host: s.Host, Action: action}
	})
	return err
}

// Lock implements Service.
func (m *Manager) Lock(ctx context.Context, l LockSpec) error {
	s, err := m.allowed(ctx, l.ID, "server:lock")
	if err != nil {
		return err
	}
	name := "lock"
	if !l.Locked {
		name = "unlock"
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		action := db.NewID()
		if err := beginAction(ctx, tx, s, action, name); err != nil {
			return err
		}
		return changeServer(ctx, tx, s.ID, action, func(s *Server) { s.Locked, s.LockedReason = l.Locked, l.Reason })
	})
}
