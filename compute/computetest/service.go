package computetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/volume"
)

// A Cloud is a compute.Service and what its servers need, as Project may use it.
type Cloud struct {
	compute.Service
	Volumes  volume.Service
	Networks network.Service
	Image    string // an active image that every project sees
	Network  string // a network of Project with a subnet
}

// Project is the project whose servers TestService makes.
const Project = "p1"

// TestService checks a compute.Service. newCloud returns one without servers,
// flavors and keypairs, whose hosts have room for at least twenty servers.
func TestService(t *testing.T, newCloud func(*testing.T) Cloud) {
	tests := []struct {
		name string
		run  func(*testing.T, world)
	}{
		{"a server is made, shown, changed and deleted", lifecycle},
		{"creating twice is creating once", createOnce},
		{"bad requests make nothing", badRequests},
		{"others see nothing", tenancy},
		{"power", powerOrders},
		{"locks", locks},
		{"volumes come and go", disks},
		{"interfaces come and go", nics},
		{"a port of its owner's outlives its use", givenPort},
		{"a server boots from a volume", bootFromVolume},
		{"a volume with a snapshot outlives its server", snapshotHolds},
		{"deleting during boot", deleteEarly},
		{"what a guest may know", guestKnows},
		{"lists", lists},
		{"flavors", flavors},
		{"keypairs", keypairs},
		{"quota", quotas},
		{"actions", actions},
		{"no room says so", noRoom},
		{"a flavor's traits choose the host", traits},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := world{newCloud(t)}
			_, err := w.CreateFlavor(admin(t), compute.Flavor{ID: "1", Name: "tiny", VCPUs: 1, MemoryMiB: 64, RootGiB: 1, Public: true})
			must(t, err)
			tt.run(t, w)
		})
	}
}

type world struct{ Cloud }

func member(t *testing.T) context.Context { return identitytest.In(t, Project, identity.RoleMember) }

func admin(t *testing.T) context.Context { return identitytest.In(t, "admin", identity.RoleAdmin) }

func service(t *testing.T) context.Context {
	return identity.With(t.Context(), identity.System("computetest"))
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w world) spec(name string) compute.CreateSpec {
	return compute.CreateSpec{Name: name, FlavorID: "1", ImageID: w.Image, Networks: []compute.NetworkSpec{{NetworkID: w.Network}}}
}

func (w world) make(t *testing.T, s compute.CreateSpec) compute.Server {
	t.Helper()
	v, err := w.CreateServer(member(t), s)
	must(t, err)
	if v.Status != compute.Building {
		t.Errorf("a new server is %s", v.Status)
	}
	return w.wait(t, v.ID, compute.Active)
}

// wait returns the server once it has this status and nothing is under way.
func (w world) wait(t *testing.T, id compute.ServerID, status compute.Status) (s compute.Server) {
	t.Helper()
	flowtest.Eventually(t, fmt.Sprintf("server %s is %s", id, status), func() bool {
		var err error
		s, err = w.Server(member(t), id)
		must(t, err)
		if s.Status == compute.Failed && status != compute.Failed {
			t.Fatalf("server failed: %+v", s.Fault)
		}
		return s.Status == status && s.Doing.Flow == ""
	})
	return s
}

func (w world) gone(t *testing.T, id compute.ServerID) {
	t.Helper()
	flowtest.Eventually(t, fmt.Sprintf("server %s is gone", id), func() bool {
		_, err := w.Server(member(t), id)
		return errors.Is(err, fault.NotFound)
	})
}

func lifecycle(t *testing.T, w world) {
	spec := w.spec("My server")
	spec.Metadata, spec.Tags = map[string]string{"k": "v"}, []string{"a"}
	s := w.make(t, spec)
	if s.Host == "" || len(s.NICs) != 1 || len(s.NICs[0].Addresses) == 0 || s.LaunchedAt.IsZero() || s.Hostname != "my-server" {
		t.Errorf("%+v", s)
	}
	name := "renamed"
	_, err := w.UpdateServer(member(t), compute.Patch{ID: s.ID, Name: &name, Metadata: map[string]string{}, Tags: []string{"b", "a"}})
	must(t, err)
	again, err := w.Server(member(t), s.ID)
	must(t, err)
	if again.Name != name || len(again.Metadata) != 0 || !slices.Equal(again.Tags, []string{"a", "b"}) || again.Status != compute.Active {
		t.Errorf("%+v", again)
	}
	for _, p := range []compute.Patch{
		{MetadataItems: map[string]*string{"x": new("1"), "y": new("2")}, AddTags: []string{"c"}},
		{MetadataItems: map[string]*string{"x": nil}, RemoveTags: []string{"b"}},
	} {
		p.ID = s.ID
		again, err = w.UpdateServer(member(t), p)
		must(t, err)
	}
	if len(again.Metadata) != 1 || again.Metadata["y"] != "2" || !slices.Equal(again.Tags, []string{"a", "c"}) {
		t.Errorf("%+v", again)
	}
	if log, err := w.ConsoleLog(member(t), compute.ConsoleSpec{ID: s.ID, Lines: 1}); err != nil || log == "" {
		t.Errorf("console %q: %v", log, err)
	}
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
	is(t, "delete again", w.DeleteServer(member(t), s.ID), fault.NotFound)
	used, err := w.Hypervisors(admin(t), compute.HypervisorQuery{})
	must(t, err)
	for _, h := range used {
		if h.VCPUsUsed != 0 || h.Servers != 0 {
			t.Errorf("left on host: %+v", h)
		}
	}
}

func createOnce(t *testing.T, w world) {
	s := w.spec("once")
	s.ID = "0190aaaa-0000-7000-8000-000000000001"
	w.make(t, s)
	again, err := w.CreateServer(member(t), s)
	must(t, err)
	if again.Status != compute.Active {
		t.Errorf("%+v", again)
	}
	_, err = w.CreateServer(identitytest.In(t, "p2", identity.RoleMember), s)
	is(t, "another project's id", err, fault.NotFound)
}

func badRequests(t *testing.T, w world) {
	change := func(f func(*compute.CreateSpec)) compute.CreateSpec {
		s := w.spec("bad")
		f(&s)
		return s
	}
	for name, s := range map[string]compute.CreateSpec{
		"no name":         change(func(s *compute.CreateSpec) { s.Name = "" }),
		"unknown flavor":  change(func(s *compute.CreateSpec) { s.FlavorID = "none" }),
		"unknown image":   change(func(s *compute.CreateSpec) { s.ImageID = "0190aaaa-0000-7000-8000-00000000dead" }),
		"unknown network": change(func(s *compute.CreateSpec) { s.Networks[0].NetworkID = "0190aaaa-0000-7000-8000-00000000dead" }),
		"unknown key":     change(func(s *compute.CreateSpec) { s.KeyName = "none" }),
		"unknown zone":    change(func(s *compute.CreateSpec) { s.AvailabilityZone = "mars" }),
		"unknown group":   change(func(s *compute.CreateSpec) { s.SecurityGroups = []string{"none"} }),
		"bad address":     change(func(s *compute.CreateSpec) { s.Networks[0].FixedIP = "999.1.1.1" }),
		"bad user data":   change(func(s *compute.CreateSpec) { s.UserData = "not base64!" }),
		"nothing to boot": change(func(s *compute.CreateSpec) { s.ImageID = "" }),
		"unknown volume": change(func(s *compute.CreateSpec) {
			s.BlockDevices = []compute.BlockDevice{{VolumeID: "0190aaaa-0000-7000-8000-00000000dead"}}
		}),
	} {
		_, err := w.CreateServer(member(t), s)
		is(t, name, err, fault.Invalid)
	}
	f, err := w.CreateFlavor(admin(t), compute.Flavor{Name: "swap", VCPUs: 1, MemoryMiB: 64, RootGiB: 1, SwapMiB: 64, Public: true})
	must(t, err)
	_, err = w.CreateServer(member(t), change(func(s *compute.CreateSpec) { s.FlavorID = f.ID }))
	is(t, "a disk that it would not get", err, fault.Invalid)
	_, err = w.CreateServer(t.Context(), w.spec("x"))
	is(t, "nobody", err, fault.Unauthenticated)
	_, err = w.CreateServer(identitytest.In(t, Project, identity.RoleReader), w.spec("x"))
	is(t, "a reader", err, fault.Forbidden)
	pinned := change(func(s *compute.CreateSpec) { s.AvailabilityZone = "nova:host1" })
	_, err = w.CreateServer(member(t), pinned)
	is(t, "choosing the host", err, fault.Forbidden)
	all, err := w.Servers(admin(t), compute.Query{AllProjects: true})
	must(t, err)
	if len(all.Items) != 0 {
		t.Errorf("bad requests made %d servers", len(all.Items))
	}
}

func tenancy(t *testing.T, w world) {
	s := w.make(t, w.spec("mine"))
	other := identitytest.In(t, "p2", identity.RoleManager)
	name := "stolen"
	_, err := w.Server(other, s.ID)
	is(t, "show", err, fault.NotFound)
	_, err = w.UpdateServer(other, compute.Patch{ID: s.ID, Name: &name})
	is(t, "update", err, fault.NotFound)
	is(t, "stop", w.Power(other, compute.PowerSpec{ID: s.ID, Do: compute.Stop}), fault.NotFound)
	is(t, "lock", w.Lock(other, compute.LockSpec{ID: s.ID, Locked: true}), fault.NotFound)
	is(t, "delete", w.DeleteServer(other, s.ID), fault.NotFound)
	_, err = w.ConsoleLog(other, compute.ConsoleSpec{ID: s.ID})
	is(t, "console", err, fault.NotFound)
	_, err = w.AttachVolume(other, compute.AttachVolumeSpec{ServerID: s.ID, VolumeID: "x"})
	is(t, "attach", err, fault.NotFound)
	_, err = w.Servers(other, compute.Query{AllProjects: true})
	is(t, "list all", err, fault.Forbidden)
	_, err = w.CreateServer(other, w.spec("on another's network"))
	is(t, "another's network", err, fault.Invalid)
	list, err := w.Servers(other, compute.Query{})
	must(t, err)
	if len(list.Items) != 0 {
		t.Errorf("another project lists %d servers", len(list.Items))
	}
	_, err = w.GuestData(member(t), compute.GuestAddress{NetworkID: w.Network, IP: s.NICs[0].Addresses[0].IP})
	is(t, "guest data is for hosts", err, fault.Forbidden)
}

func powerOrders(t *testing.T, w world) {
	s := w.make(t, w.spec("power"))
	for _, step := range []struct {
		do   compute.Order
		want compute.Status
	}{
		{compute.Stop, compute.ShutOff},
		{compute.Start, compute.Active},
		{compute.SoftReboot, compute.Active},
		{compute.Pause, compute.OnHold},
		{compute.Unpause, compute.Active},
		{compute.Suspend, compute.Asleep},
		{compute.Resume, compute.Active},
		{compute.HardReboot, compute.Active},
	} {
		must(t, w.Power(member(t), compute.PowerSpec{ID: s.ID, Do: step.do}))
		w.wait(t, s.ID, step.want)
	}
	is(t, "starting what runs", w.Power(member(t), compute.PowerSpec{ID: s.ID, Do: compute.Start}), compute.ErrState)
	is(t, "an unknown order", w.Power(member(t), compute.PowerSpec{ID: s.ID, Do: "explode"}), fault.Invalid)
}

func locks(t *testing.T, w world) {
	s := w.make(t, w.spec("locked"))
	must(t, w.Lock(member(t), compute.LockSpec{ID: s.ID, Locked: true, Reason: "audit"}))
	is(t, "stop", w.Power(member(t), compute.PowerSpec{ID: s.ID, Do: compute.Stop}), fault.Conflict)
	is(t, "delete", w.DeleteServer(member(t), s.ID), fault.Conflict)
	got, err := w.Server(member(t), s.ID)
	must(t, err)
	if !got.Locked || got.LockedReason != "audit" {
		t.Errorf("%+v", got)
	}
	must(t, w.Lock(member(t), compute.LockSpec{ID: s.ID}))
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
}

func deleteEarly(t *testing.T, w world) {
	for i := range 20 {
		s, err := w.CreateServer(member(t), w.spec(fmt.Sprint("short ", i)))
		must(t, err)
		must(t, w.DeleteServer(member(t), s.ID))
		must(t, orGone(w.DeleteServer(member(t), s.ID)))
		w.gone(t, s.ID)
	}
}

func orGone(err error) error {
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
