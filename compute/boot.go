package compute

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/scheduler"
)

// bootState is what a boot remembers. Every id in it was chosen beforehand.
type bootState struct {
	Server   ServerID
	Project  string
	Action   string
	Flavor   Flavor
	Zone     string
	Pinned   string     // the host an administrator chose
	NICs     []nicPlan  `json:",omitempty"`
	Disks    []diskPlan `json:",omitempty"`
	Host     string
	HostZone string
	Tried    []string     `json:",omitempty"` // hosts that turned out to have no room
	Plugged  []ServerNIC  `json:",omitempty"`
	Sources  []Disk       `json:",omitempty"`
	Kept     []ServerDisk `json:",omitempty"`
	Secrets  secrets      // forgotten when the run ends
}

func (m *Manager) bootFlow() *flow.Flow[bootState] {
	return flow.New[bootState]("server.boot").
		Record("begin", nil, m.bootFailed).
		Step("place", m.place, m.unplace).
		Step("network", m.plug, m.unplug).When(func(st *bootState) bool { return len(st.NICs) > 0 }).
		Step("volumes", m.connectDisks, m.disconnectDisks).Within(30*time.Minute).When(func(st *bootState) bool { return len(st.Disks) > 0 }).
		Step("spawn", m.spawn, m.unspawn).Within(30*time.Minute).
		Step("confirm", m.confirmDisks, nil).When(func(st *bootState) bool { return len(st.Disks) > 0 }).
		Record("finish", m.booted, nil)
}

func (m *Manager) place(ctx context.Context, st *bootState) error {
	spec := scheduler.PlaceSpec{
		ID: scheduler.ConsumerID(st.Server), ProjectID: st.Project, Resources: needs(st.Flavor),
		AvailabilityZone: st.Zone, Host: st.Pinned, Exclude: st.Tried,
	}
	spec.Required, spec.Forbidden = traits(st.Flavor)
	p, err := m.scheduler.Place(asService(ctx), spec)
	if err != nil {
		return err
	}
	st.Host = p.HostName
	zones, err := m.zones(ctx)
	st.HostZone = zones[st.Host]
	return err
}

func needs(f Flavor) scheduler.Resources {
	return scheduler.Resources{
		scheduler.VCPU: int64(f.VCPUs), scheduler.MemoryMB: int64(f.MemoryMiB),
		scheduler.DiskGB: int64(f.RootGiB + f.EphemeralGiB),
	}
}

// traits returns what a flavor's specs ask of hosts: "trait:NAME" is "required" or "forbidden".
func traits(f Flavor) (required, forbidden []string) {
	for _, key := range slices.Sorted(maps.Keys(f.Specs)) {
		name, ok := strings.CutPrefix(key, "trait:")
		switch {
		case ok && f.Specs[key] == "required":
			required = append(required, name)
		case ok && f.Specs[key] == "forbidden":
			forbidden = append(forbidden, name)
		}
	}
	return required, forbidden
}

func (m *Manager) unplace(ctx context.Context, st *bootState) error {
	return m.scheduler.Release(asService(ctx), scheduler.ConsumerID(st.Server))
}

func (m *Manager) spawn(ctx context.Context, st *bootState) error {
	s, err := loadServer(ctx, m.db.Read(), st.Server)
	if err != nil {
		return err
	}
	d, err := m.driver(st.Host)
	if err != nil {
		return err
	}
	s.NICs, s.AvailabilityZone = st.Plugged, st.HostZone
	g, err := describe(s, st.Sources, st.Secrets)
	if err != nil {
		return err
	}
	err = d.Spawn(ctx, g)
	if errors.Is(err, fault.Exhausted) && st.Pinned == "" {
		st.Tried = append(st.Tried, st.Host)
		return flow.Back("place", err)
	}
	return fault.Internal.Wrap(err, "host %s", st.Host)
}

// describe tells a driver what s is.
func describe(s Server, disks []Disk, secret secrets) (Guest, error) {
	g := Guest{
		ID: s.ID, Name: s.Name, VCPUs: s.VCPUs, MemoryMiB: s.MemoryMiB,
		Image: s.ImageID, RootGiB: s.Flavor.RootGiB, Disks: disks,
	}
	for _, n := range s.NICs {
		g.NICs = append(g.NICs, n.device())
	}
	if !s.ConfigDrive {
		return g, nil
	}
	data, err := guestData(s, secret)
	g.ConfigDrive = data.Files
	return g, err
}

func (m *Manager) unspawn(ctx context.Context, st *bootState) error {
	if st.Host == "" {
		return nil
	}
	d, err := m.driver(st.Host)
	if err != nil {
		return err
	}
	return d.Destroy(ctx, st.Server)
}

func (m *Manager) booted(ctx context.Context, tx *db.Tx, st *bootState) error {
	var started ServerStarted
	st.Secrets = secrets{}
	err := changeServer(ctx, tx, st.Server, st.Action, func(s *Server) {
		s.Status, s.Host, s.AvailabilityZone = Active, st.Host, st.HostZone
		s.NICs, s.Disks, s.Fault, s.LaunchedAt = st.Plugged, st.Kept, nil, db.Now()
		started = ServerStarted{
			ID: s.ID, ProjectID: s.ProjectID, UserID: s.UserID, ServerName: s.Name, Flavor: s.Flavor, Host: s.Host, At: s.LaunchedAt,
		}
	})
	if err != nil {
		return err
	}
	return bus.Publish(ctx, tx, started)
}

// bootFailed records why a run unwound.
func (m *Manager) bootFailed(ctx context.Context, tx *db.Tx, st *bootState) error {
	st.Secrets = secrets{}
	cause := flow.Cause(ctx)
	f := failure(cause)
	if err := endAction(ctx, tx, st.Action, f.Message); err != nil {
		return err
	}
	if errors.Is(cause, flow.ErrCancelled) {
		return nil // it is about to be deleted
	}
	return changeServer(ctx, tx, st.Server, "", func(s *Server) { s.Status, s.Fault, s.NICs = Failed, &f, nil })
}

// failure words why a run unwound. How full hosts are is an administrator's business.
func failure(cause error) Failure {
	f := Failure{Kind: fault.Of(cause), Message: cause.Error(), At: db.Now()}
	if errors.Is(cause, scheduler.ErrNoRoom) {
		f.Message, f.Details = "no valid host was found: no host has room", f.Message
	}
	return f
}
