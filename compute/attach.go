package compute

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/volume"
)

// diskState is what giving or taking a volume remembers.
type diskState struct {
	Server ServerID
	Host   string
	Action string
	Disk   ServerDisk
	Source Disk
}

func (m *Manager) attachVolumeFlow() *flow.Flow[diskState] {
	return flow.New[diskState]("server.attach-volume").
		Record("begin", nil, func(ctx context.Context, tx *db.Tx, st *diskState) error { return ended(ctx, tx, st.Action) }).
		Step("reserve", func(ctx context.Context, st *diskState) error { return m.reserve(ctx, st.use()) }, m.disconnectDisk).
		Step("connect", m.connectDisk, nil).
		Step("plug", m.plugDisk, m.unplugDisk).
		Step("confirm", func(ctx context.Context, st *diskState) error { return m.confirmDisk(ctx, st.Disk) }, nil).
		Record("finish", func(ctx context.Context, tx *db.Tx, st *diskState) error {
			return changeServer(ctx, tx, st.Server, st.Action, func(s *Server) { s.Disks = append(s.Disks, st.Disk) })
		}, nil)
}

func (m *Manager) detachVolumeFlow() *flow.Flow[diskState] {
	return flow.New[diskState]("server.detach-volume").
		Record("begin", nil, func(ctx context.Context, tx *db.Tx, st *diskState) error { return ended(ctx, tx, st.Action) }).
		Step("unplug", m.unplugDisk, nil).
		Step("disconnect", m.disconnectDisk, nil).
		Record("finish", func(ctx context.Context, tx *db.Tx, st *diskState) error {
			return changeServer(ctx, tx, st.Server, st.Action, func(s *Server) {
				s.Disks = slices.DeleteFunc(s.Disks, func(d ServerDisk) bool { return d.VolumeID == st.Disk.VolumeID })
			})
		}, nil)
}

func (m *Manager) connectDisk(ctx context.Context, st *diskState) (err error) {
	st.Source, err = m.connect(ctx, st.use())
	return err
}

func (st *diskState) use() diskUse {
	d := st.Disk
	return diskUse{st.Server, st.Host, volume.ID(d.VolumeID), volume.AttachmentID(d.AttachmentID), d.Device}
}

func (m *Manager) disconnectDisk(ctx context.Context, st *diskState) error {
	return m.freeVolume(ctx, volume.ID(st.Disk.VolumeID), volume.AttachmentID(st.Disk.AttachmentID), false)
}

func (m *Manager) plugDisk(ctx context.Context, st *diskState) error {
	d, err := m.driver(st.Host)
	if err != nil {
		return err
	}
	return fault.Internal.Wrap(d.AttachDisk(ctx, st.Server, st.Source), "host %s", st.Host)
}

func (m *Manager) unplugDisk(ctx context.Context, st *diskState) error {
	d, err := m.driver(st.Host)
	if err != nil {
		return err
	}
	// Where the guest is gone, the disk is gone with it.
	return fault.Internal.Wrap(unlessGone(d.DetachDisk(ctx, st.Server, st.Disk.VolumeID)), "host %s", st.Host)
}

// devicesFrom are the states in which a server's devices may change.
var devicesFrom = []Status{Active, ShutOff, OnHold}

// changeable loads a server whose devices the caller may change now.
func (m *Manager) changeable(ctx context.Context, id ServerID, what string) (Server, error) {
	s, err := m.undisturbed(ctx, id, "server:attach")
	if err != nil {
		return s, err
	}
	if !slices.Contains(devicesFrom, s.Status) {
		return s, ErrState.Errorf("cannot %q server %s while it is %s", what, s.ID, s.Status)
	}
	return s, nil
}

// AttachVolume implements Service. Calls that come at once take turns.
func (m *Manager) AttachVolume(ctx context.Context, spec AttachVolumeSpec) (ServerDisk, error) {
	const turns = 20
	for turn := 1; ; turn++ {
		s, err := m.changeable(ctx, spec.ServerID, "attach_volume")
		if err != nil {
			return ServerDisk{}, err
		}
		d, err := m.attachDisk(ctx, spec, s)
		if turn == turns || s.Doing.Flow != "" || !errors.Is(err, ErrState) {
			return d, err
		}
		// Somebody else came first; with what they attached, look again.
	}
}

// attachDisk begins to attach a volume to a server as it was loaded.
func (m *Manager) attachDisk(ctx context.Context, spec AttachVolumeSpec, s Server) (ServerDisk, error) {
	taken := []string{}
	if s.ImageID != "" {
		taken = append(taken, "/dev/vda")
	}
	for _, d := range s.Disks {
		taken = append(taken, d.Device)
	}
	device, err := chooseDevice(spec.Device, taken)
	if err != nil {
		return ServerDisk{}, err
	}
	d := ServerDisk{VolumeID: spec.VolumeID, AttachmentID: db.NewID(), Device: device, DeleteOnTermination: spec.DeleteOnTermination}
	run, err := begin(ctx, m, m.attachVolume, asked{server: s, name: "attach_volume", disks: true}, func(action string) diskState {
		return diskState{Server: s.ID, Host: s.Host, Action: action, Disk: d}
	})
	if err != nil {
		return ServerDisk{}, err
	}
	return d, m.reserved(ctx, run, volume.AttachmentID(d.AttachmentID))
}

// reserved returns when a run has reserved its volume or has ended, so that whoever
// asked hears at once why not. The run goes on without its caller.
func (m *Manager) reserved(ctx context.Context, run string, id volume.AttachmentID) error {
	const often = 10 * time.Millisecond
	for {
		soon, cancel := context.WithTimeout(ctx, often)
		err := m.flows.Wait(soon, run)
		ended := soon.Err() == nil
		cancel()
		if ended || ctx.Err() != nil {
			return err
		}
		if _, err := m.volumes.Attachment(asService(ctx), id); err == nil {
			return nil
		}
	}
}

// DetachVolume implements Service.
func (m *Manager) DetachVolume(ctx context.Context, spec DetachVolumeSpec) error {
	s, err := m.changeable(ctx, spec.ServerID, "detach_volume")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.Disks, func(d ServerDisk) bool { return d.VolumeID == spec.VolumeID })
	if i < 0 {
		return fault.NotFound.Errorf("volume %s is not attached to server %s", spec.VolumeID, s.ID)
	}
	if s.Disks[i].Boot {
		return fault.Forbidden.Errorf("volume %s is what server %s boots from and cannot be detached", spec.VolumeID, s.ID)
	}
	_, err = begin(ctx, m, m.detachVolume, asked{server: s, name: "detach_volume"}, func(action string) diskState {
		return diskState{Server: s.ID, Host: s.Host, Action: action, Disk: s.Disks[i]}
	})
	return err
}

// nicState is what plugging or pulling a port remembers.
type nicState struct {
	Server ServerID
	Host   string
	Zone   string
	Action string
	Plan   nicPlan
	NIC    ServerNIC
}

func (m *Manager) attachNICFlow() *flow.Flow[nicState] {
	return flow.New[nicState]("server.attach-interface").
		Record("begin", nil, func(ctx context.Context, tx *db.Tx, st *nicState) error { return ended(ctx, tx, st.Action) }).
		Step("network", func(ctx context.Context, st *nicState) (err error) {
			st.NIC, err = m.plugNIC(ctx, st.Server, st.Host, st.Zone, st.Plan)
			return err
		}, func(ctx context.Context, st *nicState) error {
			return m.freePort(ctx, st.Server, st.Plan.nic())
		}).
		Step("plug", func(ctx context.Context, st *nicState) error {
			d, err := m.driver(st.Host)
			if err != nil {
				return err
			}
			return fault.Internal.Wrap(d.AttachNIC(ctx, st.Server, st.NIC.device()), "host %s", st.Host)
		}, m.pullNIC).
		Record("finish", func(ctx context.Context, tx *db.Tx, st *nicState) error {
			return changeServer(ctx, tx, st.Server, st.Action, func(s *Server) { s.NICs = append(s.NICs, st.NIC) })
		}, nil)
}

func (m *Manager) detachNICFlow() *flow.Flow[nicState] {
	return flow.New[nicState]("server.detach-interface").
		Record("begin", nil, func(ctx context.Context, tx *db.Tx, st *nicState) error { return ended(ctx, tx, st.Action) }).
		Step("pull", m.pullNIC, nil).
		Step("network", func(ctx context.Context, st *nicState) error { return m.freePort(ctx, st.Server, st.NIC) }, nil).
		Record("finish", func(ctx context.Context, tx *db.Tx, st *nicState) error {
			return changeServer(ctx, tx, st.Server, st.Action, func(s *Server) {
				s.NICs = slices.DeleteFunc(s.NICs, func(n ServerNIC) bool { return n.PortID == st.NIC.PortID })
			})
		}, nil)
}

func (m *Manager) pullNIC(ctx context.Context, st *nicState) error {
	return m.pullPort(ctx, pullState{st.Server, st.Host, cmp.Or(st.NIC.PortID, string(st.Plan.Port))})
}

// AttachNIC implements Service.
func (m *Manager) AttachNIC(ctx context.Context, spec AttachNICSpec) (ServerNIC, error) {
	s, err := m.changeable(ctx, spec.ServerID, "attach_interface")
	if err != nil {
		return ServerNIC{}, err
	}
	var only *network.Network
	if spec.NetworkID == "" && spec.PortID == "" {
		if only, err = m.onlyNetwork(ctx, identity.CallerOf(ctx)); err != nil {
			return ServerNIC{}, err
		}
	}
	plan, err := m.planNIC(ctx, spec.NetworkSpec, only)
	if err != nil {
		return ServerNIC{}, err
	}
	plan.Hostname = s.Hostname
	run, err := begin(ctx, m, m.attachNIC, asked{server: s, name: "attach_interface"}, func(action string) nicState {
		return nicState{Server: s.ID, Host: s.Host, Zone: s.AvailabilityZone, Action: action, Plan: plan}
	})
	if err == nil {
		err = m.flows.Wait(ctx, run)
	}
	if err != nil {
		return ServerNIC{}, err
	}
	s, err = loadServer(ctx, m.db.Read(), s.ID)
	i := slices.IndexFunc(s.NICs, func(n ServerNIC) bool { return n.PortID == string(plan.Port) })
	if err != nil || i < 0 {
		return ServerNIC{}, fault.Conflict.Errorf("port %s was pulled out of server %s again", plan.Port, spec.ServerID)
	}
	return s.NICs[i], nil
}

// DetachNIC implements Service.
func (m *Manager) DetachNIC(ctx context.Context, spec DetachNICSpec) error {
	s, err := m.changeable(ctx, spec.ServerID, "detach_interface")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.NICs, func(n ServerNIC) bool { return n.PortID == spec.PortID })
	if i < 0 {
		return fault.NotFound.Errorf("port %s is not plugged into server %s", spec.PortID, s.ID)
	}
	_, err = begin(ctx, m, m.detachNIC, asked{server: s, name: "detach_interface"}, func(action string) nicState {
		return nicState{Server: s.ID, Host: s.Host, Action: action, NIC: s.NICs[i]}
	})
	return err
}
