package computetest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/volume"
)

// A Cloud is a compute.Service and what its servers need, as Project may use it.
type Cloud struct {
	compute.Service
	Volumes volume.Service
	Image   string // an active image that every project sees
	Network string // a network of Project with a subnet
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
		{"a server boots from a volume", bootFromVolume},
		{"deleting during boot", deleteEarly},
		{"what a guest may know", guestKnows},
		{"lists", lists},
		{"flavors", flavors},
		{"keypairs", keypairs},
		{"quota", quotas},
		{"actions", actions},
		{"no room says so", noRoom},
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

// As returns a context of a caller with a role in a project.
func As(t testing.TB, project, role string) context.Context {
	t.Helper()
	return identity.With(t.Context(), identity.Caller{UserID: "user-of-" + project, ProjectID: project, Roles: identity.Expand(role)})
}

func member(t *testing.T) context.Context { return As(t, Project, identity.RoleMember) }

func admin(t *testing.T) context.Context { return As(t, "admin", identity.RoleAdmin) }

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
	_, err = w.CreateServer(As(t, "p2", identity.RoleMember), s)
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
	_, err := w.CreateServer(t.Context(), w.spec("x"))
	is(t, "nobody", err, fault.Unauthenticated)
	_, err = w.CreateServer(As(t, Project, identity.RoleReader), w.spec("x"))
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
	other := As(t, "p2", identity.RoleManager)
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
		{compute.Stop, compute.ShutOff}, {compute.Start, compute.Active}, {compute.SoftReboot, compute.Active},
		{compute.Pause, compute.OnHold}, {compute.Unpause, compute.Active}, {compute.Suspend, compute.Asleep},
		{compute.Resume, compute.Active}, {compute.HardReboot, compute.Active},
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

func (w world) volume(t *testing.T, bootable bool) volume.Volume {
	t.Helper()
	v, err := w.Volumes.CreateVolume(member(t), volume.CreateSpec{SizeGiB: 1})
	must(t, err)
	flowtest.Eventually(t, "volume", func() bool {
		v, err = w.Volumes.Volume(member(t), v.ID)
		must(t, err)
		return v.Status == volume.Available
	})
	if bootable {
		_, err = w.Volumes.UpdateVolume(member(t), volume.Patch{ID: v.ID, Bootable: &bootable})
		must(t, err)
	}
	return v
}

func (w world) volumeState(t *testing.T, id volume.ID) string {
	t.Helper()
	v, err := w.Volumes.Volume(member(t), id)
	if errors.Is(err, fault.NotFound) {
		return "gone"
	}
	must(t, err)
	return v.State()
}

func disks(t *testing.T, w world) {
	s, v := w.make(t, w.spec("disks")), w.volume(t, false)
	d, err := w.AttachVolume(member(t), compute.AttachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)})
	must(t, err)
	if d.Device != "/dev/vdb" {
		t.Errorf("device %s", d.Device)
	}
	s = w.wait(t, s.ID, compute.Active)
	if len(s.Disks) != 1 || w.volumeState(t, v.ID) != "in-use" {
		t.Errorf("%+v, volume %s", s.Disks, w.volumeState(t, v.ID))
	}
	_, err = w.AttachVolume(member(t), compute.AttachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)})
	is(t, "twice", err, volume.ErrState)
	must(t, w.DetachVolume(member(t), compute.DetachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)}))
	s = w.wait(t, s.ID, compute.Active)
	if len(s.Disks) != 0 || w.volumeState(t, v.ID) != "available" {
		t.Errorf("%+v, volume %s", s.Disks, w.volumeState(t, v.ID))
	}
	is(t, "detach again", w.DetachVolume(member(t), compute.DetachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)}), fault.NotFound)
	_, err = w.AttachVolume(member(t), compute.AttachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)})
	must(t, err)
	w.wait(t, s.ID, compute.Active)
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
	if state := w.volumeState(t, v.ID); state != "available" {
		t.Errorf("volume of a deleted server is %s", state)
	}
}

func nics(t *testing.T, w world) {
	s := w.make(t, w.spec("nics"))
	n, err := w.AttachNIC(member(t), compute.AttachNICSpec{ServerID: s.ID, NetworkSpec: compute.NetworkSpec{NetworkID: w.Network}})
	must(t, err)
	if len(n.Addresses) == 0 || n.MAC == "" {
		t.Errorf("%+v", n)
	}
	if s = w.wait(t, s.ID, compute.Active); len(s.NICs) != 2 {
		t.Errorf("%d interfaces", len(s.NICs))
	}
	must(t, w.DetachNIC(member(t), compute.DetachNICSpec{ServerID: s.ID, PortID: n.PortID}))
	if s = w.wait(t, s.ID, compute.Active); len(s.NICs) != 1 {
		t.Errorf("%d interfaces", len(s.NICs))
	}
	is(t, "detach again", w.DetachNIC(member(t), compute.DetachNICSpec{ServerID: s.ID, PortID: n.PortID}), fault.NotFound)
}

func bootFromVolume(t *testing.T, w world) {
	v := w.volume(t, true)
	spec := w.spec("from a volume")
	spec.ImageID = ""
	spec.BlockDevices = []compute.BlockDevice{{Boot: true, VolumeID: string(v.ID)}}
	s := w.make(t, spec)
	if len(s.Disks) != 1 || !s.Disks[0].Boot || s.Disks[0].Device != "/dev/vda" {
		t.Errorf("%+v", s.Disks)
	}
	is(t, "detach the root", w.DetachVolume(member(t), compute.DetachVolumeSpec{ServerID: s.ID, VolumeID: string(v.ID)}), fault.Forbidden)
	made := w.spec("with a new volume")
	made.ImageID = ""
	made.BlockDevices = []compute.BlockDevice{{Boot: true, ImageID: w.Image, SizeGiB: 1, DeleteOnTermination: true}}
	s = w.make(t, made)
	root := volume.ID(s.Disks[0].VolumeID)
	if state := w.volumeState(t, root); state != "in-use" {
		t.Errorf("root volume is %s", state)
	}
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
	flowtest.Eventually(t, "the root volume is gone", func() bool { return w.volumeState(t, root) == "gone" })
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

func guestKnows(t *testing.T, w world) {
	k, err := w.CreateKeypair(member(t), compute.KeypairSpec{Name: "key"})
	must(t, err)
	spec := w.spec("knows")
	spec.KeyName, spec.UserData = "key", base64.StdEncoding.EncodeToString([]byte("#!/bin/sh\necho hello"))
	s := w.make(t, spec)
	g, err := w.GuestData(service(t), compute.GuestAddress{NetworkID: w.Network, IP: s.NICs[0].Addresses[0].IP})
	must(t, err)
	if g.ServerID != s.ID || g.PublicKey != k.PublicKey || string(g.Files["openstack/latest/user_data"]) != "#!/bin/sh\necho hello" {
		t.Errorf("%+v", g)
	}
	_, err = w.GuestData(service(t), compute.GuestAddress{NetworkID: w.Network, IP: "10.99.99.99"})
	is(t, "nobody's address", err, fault.NotFound)
}

func lists(t *testing.T, w world) {
	for i := range 5 {
		spec := w.spec(fmt.Sprint("listed-", i))
		spec.Tags = []string{fmt.Sprint("t", i%2)}
		w.make(t, spec)
	}
	count := func(q compute.Query) int {
		n := 0
		for {
			p, err := w.Servers(member(t), q)
			must(t, err)
			n += len(p.Items)
			if q.Marker = p.Next; q.Marker == "" {
				return n
			}
		}
	}
	for name, tt := range map[string]struct {
		q    compute.Query
		want int
	}{
		"all in pages": {compute.Query{Query: page.Query{Limit: 2}}, 5},
		"by name":      {compute.Query{Name: "listed-3"}, 1},
		"by tag":       {compute.Query{Tags: []string{"t0"}}, 3},
		"by any tag":   {compute.Query{TagsAny: []string{"t0", "t1"}}, 5},
		"not a tag":    {compute.Query{NotTags: []string{"t0"}}, 2},
		"by status":    {compute.Query{Status: []compute.Status{compute.ShutOff}}, 0},
		"by flavor":    {compute.Query{FlavorID: "1"}, 5},
	} {
		if n := count(tt.q); n != tt.want {
			t.Errorf("%s: %d, want %d", name, n, tt.want)
		}
	}
}

func flavors(t *testing.T, w world) {
	_, err := w.CreateFlavor(member(t), compute.Flavor{Name: "mine", VCPUs: 1, MemoryMiB: 1})
	is(t, "members make none", err, fault.Forbidden)
	_, err = w.CreateFlavor(admin(t), compute.Flavor{Name: "empty"})
	is(t, "no vCPUs", err, fault.Invalid)
	f, err := w.CreateFlavor(admin(t), compute.Flavor{Name: "private", VCPUs: 1, MemoryMiB: 64})
	must(t, err)
	_, err = w.CreateFlavor(admin(t), compute.Flavor{Name: "private", VCPUs: 1, MemoryMiB: 64})
	is(t, "a name twice", err, fault.Conflict)
	_, err = w.Flavor(member(t), f.ID)
	is(t, "private", err, fault.NotFound)
	_, err = w.UpdateFlavor(admin(t), compute.FlavorPatch{ID: f.ID, AddProject: Project, Specs: map[string]string{"a": "b"}})
	must(t, err)
	got, err := w.Flavor(member(t), f.ID)
	must(t, err)
	if got.Specs["a"] != "b" {
		t.Errorf("%+v", got)
	}
	must(t, w.DeleteFlavor(admin(t), f.ID))
	is(t, "delete again", w.DeleteFlavor(admin(t), f.ID), fault.NotFound)
}

func keypairs(t *testing.T, w world) {
	made, err := w.CreateKeypair(member(t), compute.KeypairSpec{Name: "made"})
	must(t, err)
	if made.PrivateKey == "" || made.Fingerprint == "" {
		t.Error("no private key or fingerprint")
	}
	given, err := w.CreateKeypair(member(t), compute.KeypairSpec{Name: "given", PublicKey: made.PublicKey})
	must(t, err)
	if given.PrivateKey != "" || given.Fingerprint != made.Fingerprint {
		t.Errorf("%+v", given)
	}
	_, err = w.CreateKeypair(member(t), compute.KeypairSpec{Name: "given"})
	is(t, "a name twice", err, fault.Conflict)
	_, err = w.CreateKeypair(member(t), compute.KeypairSpec{Name: "bad", PublicKey: "ssh-rsa nonsense"})
	is(t, "not a key", err, fault.Invalid)
	_, err = w.Keypair(member(t), compute.KeypairID{UserID: "user-of-p2", Name: "given"})
	is(t, "another's", err, fault.NotFound)
	list, err := w.Keypairs(member(t), compute.KeypairQuery{})
	must(t, err)
	if len(list.Items) != 2 || list.Items[0].PrivateKey != "" {
		t.Errorf("%+v", list.Items)
	}
	must(t, w.DeleteKeypair(member(t), compute.KeypairID{Name: "made"}))
	is(t, "delete again", w.DeleteKeypair(member(t), compute.KeypairID{Name: "made"}), fault.NotFound)
}

func quotas(t *testing.T, w world) {
	_, err := w.SetQuota(admin(t), compute.QuotaPatch{ProjectID: Project, Limits: quota.Amount{compute.ResourceServers: 1}})
	must(t, err)
	s := w.make(t, w.spec("first"))
	_, err = w.CreateServer(member(t), w.spec("second"))
	is(t, "one too many", err, fault.OverQuota)
	q, err := w.Quota(member(t), Project)
	must(t, err)
	if q.Used[compute.ResourceServers] != 1 || q.Used[compute.ResourceMemoryMiB] != 64 {
		t.Errorf("%+v", q)
	}
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
	w.make(t, w.spec("third"))
}

func actions(t *testing.T, w world) {
	s := w.make(t, w.spec("acts"))
	must(t, w.Power(member(t), compute.PowerSpec{ID: s.ID, Do: compute.Stop}))
	w.wait(t, s.ID, compute.ShutOff)
	list, err := w.Actions(member(t), compute.ActionQuery{ServerID: s.ID})
	must(t, err)
	if len(list.Items) != 2 || list.Items[0].Name != "stop" || list.Items[1].Name != "create" || list.Items[0].FinishedAt.IsZero() {
		t.Errorf("%+v", list.Items)
	}
}

func noRoom(t *testing.T, w world) {
	_, err := w.CreateFlavor(admin(t), compute.Flavor{ID: "huge", Name: "huge", VCPUs: 1, MemoryMiB: 1 << 30, RootGiB: 1, Public: true})
	must(t, err)
	_, err = w.SetQuota(admin(t), compute.QuotaPatch{ProjectID: Project, Limits: quota.Amount{compute.ResourceMemoryMiB: quota.Unlimited}})
	must(t, err)
	spec := w.spec("too large")
	spec.FlavorID = "huge"
	s, err := w.CreateServer(member(t), spec)
	must(t, err)
	s = w.wait(t, s.ID, compute.Failed)
	if s.Fault == nil || s.Fault.Kind != fault.Exhausted || s.Host != "" {
		t.Errorf("%+v", s.Fault)
	}
	must(t, w.DeleteServer(member(t), s.ID))
	w.gone(t, s.ID)
}
