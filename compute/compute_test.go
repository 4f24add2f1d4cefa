package compute_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computetest"
	computememory "github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/image"
	imagememory "github.com/nacre-cloud/nacre/image/memory"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/network"
	networkmemory "github.com/nacre-cloud/nacre/network/memory"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/volume"
	volumememory "github.com/nacre-cloud/nacre/volume/memory"
)

var migrations = []db.Migrations{
	bus.Migrations, flow.Migrations, quota.Migrations, image.Migrations, network.Migrations,
	volume.Migrations, scheduler.Migrations, compute.Migrations,
}

// cloud is a Manager on a database, with everything it stands on in RAM.
type cloud struct {
	*compute.Manager
	db       *db.DB
	volumes  *volume.Manager
	networks *network.Manager
	places   scheduler.Service
	host     *computememory.Driver
	image    string
	network  string
}

func newCloud(t testing.TB, d *db.DB, host computememory.Config) *cloud {
	t.Helper()
	return newConfigured(t, d, host, compute.Config{})
}

// newConfigured lets change alter what its Manager is made of.
func newConfigured(t testing.TB, d *db.DB, host computememory.Config, config compute.Config, change ...func(*compute.Params)) *cloud {
	t.Helper()
	e := flow.NewEngine(d, nil, flow.Config{})
	c := &cloud{db: d, host: computememory.New(host)}
	images, err := image.New(image.Params{DB: d, Flows: e, Stores: []image.Store{{Name: "memory", Driver: imagememory.New(imagememory.Config{})}}})
	must(t, err)
	c.networks, err = network.New(network.Params{DB: d, Hosts: []network.Host{{Name: "host1", Driver: networkmemory.New()}}})
	must(t, err)
	c.volumes, err = volume.New(volume.Params{
		DB: d, Flows: e, Images: volumeImages{images}, Backends: []volume.Backend{{Name: "memory", Driver: volumememory.New()}},
	})
	must(t, err)
	placer, err := scheduler.New(scheduler.Params{DB: d})
	must(t, err)
	c.places = placer
	params := compute.Params{
		DB: d, Flows: e, Images: images, Networks: c.networks, Volumes: c.volumes, Scheduler: placer,
		Hosts: []compute.Host{{Name: "host1", Driver: c.host}}, Config: config,
	}
	for _, f := range change {
		f(&params)
	}
	c.Manager, err = compute.New(params)
	must(t, err)
	agent := compute.NewAgent(compute.Host{Name: "host1", Driver: c.host}, placer, c.Manager, nil)
	for _, p := range []any{images, c.networks, c.volumes, placer, c.Manager, agent, e} {
		runtest.Start(t, p)
	}
	c.seed(t, images)
	return c
}

func (c *cloud) seed(t testing.TB, images *image.Manager) {
	t.Helper()
	admin := identitytest.In(t, "admin", identity.RoleAdmin)
	i, err := images.CreateImage(admin, image.CreateSpec{Name: "image", Visibility: image.Public, DiskFormat: "raw", ContainerFormat: "bare"})
	must(t, err)
	_, err = images.Upload(admin, i.ID, bytes.NewReader(make([]byte, 4096)))
	must(t, err)
	member := identitytest.In(t, computetest.Project, identity.RoleMember)
	n, err := c.networks.CreateNetwork(member, network.Spec{Base: network.Base{Name: "net"}})
	must(t, err)
	_, err = c.networks.CreateSubnet(member, network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.0.0.0/16")})
	must(t, err)
	c.image, c.network = string(i.ID), string(n.ID)
}

func (c *cloud) suite(s compute.Service) computetest.Cloud {
	return computetest.Cloud{Service: s, Volumes: c.volumes, Networks: c.networks, Image: c.image, Network: c.network}
}

// volumeImages gives volumes the bytes of images.
type volumeImages struct{ images *image.Manager }

func (v volumeImages) Image(ctx context.Context, id string) (volume.Image, error) {
	i, err := v.images.Image(ctx, image.ID(id))
	return volume.Image{ID: id, DiskFormat: i.DiskFormat, SizeBytes: i.SizeBytes}, err
}

func (v volumeImages) Open(ctx context.Context, id string) (io.ReadCloser, error) {
	r, _, err := v.images.Open(ctx, image.ID(id), image.Range{})
	return r, err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestManager(t *testing.T) {
	for name, open := range map[string]func(testing.TB, ...db.Migrations) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			computetest.TestService(t, func(t *testing.T) computetest.Cloud {
				c := newCloud(t, open(t, migrations...), computememory.Config{})
				return c.suite(c.Manager)
			})
		})
	}
}

func TestBoot(t *testing.T) {
	for name, change := range map[string]func(*compute.CreateSpec){
		"from an image": func(*compute.CreateSpec) {},
		"from a new volume": func(s *compute.CreateSpec) {
			s.BlockDevices = []compute.BlockDevice{{Boot: true, ImageID: s.ImageID, SizeGiB: 1, DeleteOnTermination: true}}
			s.ImageID = ""
		},
	} {
		t.Run(name, func(t *testing.T) {
			flowtest.Prove(t, func(t *testing.T) flowtest.World[compute.BootState] {
				c := newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{})
				ctx := identitytest.In(t, computetest.Project, identity.RoleMember)
				_, err := c.CreateFlavor(identitytest.In(t, "admin", identity.RoleAdmin), compute.Flavor{ID: "1", Name: "tiny", VCPUs: 1, MemoryMiB: 64, RootGiB: 1, Public: true})
				must(t, err)
				spec := compute.CreateSpec{Name: "proved", FlavorID: "1", ImageID: c.image, Networks: []compute.NetworkSpec{{NetworkID: c.network}}}
				change(&spec)
				s, state, err := c.Plan(ctx, spec)
				must(t, err)
				return flowtest.World[compute.BootState]{
					DB: c.db, Flow: c.BootFlow(), Subject: "server/" + string(s.ID), State: state, Context: ctx,
					Begin: func(ctx context.Context, tx *db.Tx) error { return compute.Insert(ctx, tx, &s) },
					Done:  func(t *testing.T) { c.check(t, s.ID, compute.Active, 1) },
					Clean: func(t *testing.T) { c.check(t, s.ID, "", 0) },
				}
			})
		})
	}
}

// check fails the test unless the server has this status, if any is given, and
// exactly n of everything that a server holds is there.
func (c *cloud) check(t *testing.T, id compute.ServerID, status compute.Status, n int) {
	t.Helper()
	ctx := identity.With(t.Context(), identity.System("test"))
	s, err := c.Server(ctx, id)
	must(t, err)
	if status != "" && s.Status != status || status == "" && s.Status == compute.Active {
		t.Errorf("server is %s: %+v", s.Status, s.Fault)
	}
	guests, err := c.host.Guests(ctx)
	must(t, err)
	ports, err := c.networks.Ports(ctx, network.Query{Where: map[string][]string{"device_id": {string(id)}}})
	must(t, err)
	_, err = c.places.Placement(ctx, scheduler.ConsumerID(id))
	placed := 1
	if errors.Is(err, fault.NotFound) {
		placed = 0
	} else {
		must(t, err)
	}
	if len(guests) != n || len(ports.Items) != n || placed != n {
		t.Errorf("%d guests, %d ports, %d placements; want %d of each", len(guests), len(ports.Items), placed, n)
	}
	if n > 0 {
		return
	}
	flowtest.Eventually(t, "no volume is left", func() bool {
		volumes, err := c.volumes.Volumes(ctx, volume.Query{AllProjects: true})
		must(t, err)
		return len(volumes.Items) == 0
	})
}

func TestAFullHostIsLeftForAnother(t *testing.T) {
	full := computememory.Config{Before: func(_ context.Context, method string, _ compute.ServerID) error {
		if method == "Spawn" {
			return fault.Exhausted.Errorf("no room after all")
		}
		return nil
	}}
	c := newCloud(t, dbtest.SQLite(t, migrations...), full)
	c.tiny(t)
	ctx := identitytest.In(t, computetest.Project, identity.RoleMember)
	s, err := c.CreateServer(ctx, compute.CreateSpec{Name: "refused", FlavorID: "1", ImageID: c.image, Networks: []compute.NetworkSpec{{NetworkID: c.network}}})
	must(t, err)
	flowtest.Eventually(t, "the server fails, for there is no other host", func() bool {
		s, err = c.Server(ctx, s.ID)
		must(t, err)
		return s.Status == compute.Failed && s.Doing.Flow == ""
	})
	c.check(t, s.ID, compute.Failed, 0)
}

func (c *cloud) tiny(t *testing.T) {
	t.Helper()
	_, err := c.CreateFlavor(identitytest.In(t, "admin", identity.RoleAdmin), compute.Flavor{ID: "1", Name: "tiny", VCPUs: 1, MemoryMiB: 64, RootGiB: 1, Public: true})
	must(t, err)
}

// becomes waits until a server has a status and nothing is under way.
func (c *cloud) becomes(t *testing.T, id compute.ServerID, want compute.Status) {
	t.Helper()
	flowtest.Eventually(t, fmt.Sprintf("server is %s", want), func() bool {
		s, err := c.Server(identitytest.In(t, computetest.Project, identity.RoleMember), id)
		must(t, err)
		return s.Status == want && s.Doing.Flow == ""
	})
}

func TestALostGuestIsMadeAgain(t *testing.T) {
	c := newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{})
	c.tiny(t)
	ctx := identitytest.In(t, computetest.Project, identity.RoleMember)
	s, err := c.CreateServer(ctx, compute.CreateSpec{
		Name: "lost", FlavorID: "1", Networks: []compute.NetworkSpec{{NetworkID: c.network}},
		BlockDevices: []compute.BlockDevice{{Boot: true, ImageID: c.image, SizeGiB: 1}, {SizeGiB: 1}},
	})
	must(t, err)
	c.becomes(t, s.ID, compute.Active)
	before, _ := c.host.Guest(s.ID)
	for _, order := range []compute.Order{compute.HardReboot, compute.SoftReboot} {
		must(t, c.host.Destroy(ctx, s.ID))
		must(t, c.Power(ctx, compute.PowerSpec{ID: s.ID, Do: order}))
		c.becomes(t, s.ID, compute.Active)
		if after, there := c.host.Guest(s.ID); !there || !reflect.DeepEqual(before, after) {
			t.Errorf("after %s the guest is\n%+v, not\n%+v", order, after, before)
		}
	}
}

func TestAPortThatIsDeletedUnderAServerLeavesItsGuest(t *testing.T) {
	c := newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{})
	c.tiny(t)
	ctx := identitytest.In(t, computetest.Project, identity.RoleMember)
	s, err := c.CreateServer(ctx, compute.CreateSpec{
		Name: "plugged", FlavorID: "1", ImageID: c.image, Networks: []compute.NetworkSpec{{NetworkID: c.network}, {NetworkID: c.network}},
	})
	must(t, err)
	c.becomes(t, s.ID, compute.Active)
	s, err = c.Server(ctx, s.ID)
	must(t, err)
	gone := network.PortID(s.NICs[0].PortID)
	must(t, c.networks.DeletePort(ctx, gone))
	must(t, c.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		return c.PortDeleted(ctx, tx, network.PortDeleted{ID: gone, DeviceID: string(s.ID)})
	}))
	flowtest.Eventually(t, "the guest and the row have one interface", func() bool {
		g, _ := c.host.Guest(s.ID)
		s, err = c.Server(ctx, s.ID)
		must(t, err)
		return len(g.NICs) == 1 && len(s.NICs) == 1 && g.NICs[0].Port == s.NICs[0].PortID && s.NICs[0].PortID != string(gone)
	})
}

func TestTheConfigDriveTellsWhatNoRowKeeps(t *testing.T) {
	c := newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{})
	c.tiny(t)
	ctx := identitytest.In(t, computetest.Project, identity.RoleMember)
	s, err := c.CreateServer(ctx, compute.CreateSpec{
		Name: "told", FlavorID: "1", ImageID: c.image, NoNetwork: true, AdminPassword: "hush",
		Files: []compute.InjectedFile{{Path: "/etc/motd", Content: []byte("welcome")}},
	})
	must(t, err)
	c.becomes(t, s.ID, compute.Active)
	g, _ := c.host.Guest(s.ID)
	meta := string(g.ConfigDrive["openstack/latest/meta_data.json"])
	if !strings.Contains(meta, `"availability_zone":"nova"`) || !strings.Contains(meta, `"admin_pass":"hush"`) || !strings.Contains(meta, `{"content_path":"/content/0000","path":"/etc/motd"}`) {
		t.Errorf("meta_data.json: %s", meta)
	}
	if got := string(g.ConfigDrive["openstack/content/0000"]); got != "welcome" {
		t.Errorf("the file has %q", got)
	}
	var kept int
	must(t, c.db.Read().NewRaw("SELECT count(*) FROM flow_runs WHERE state LIKE '%hush%'").Scan(ctx, &kept))
	if kept != 0 {
		t.Error("the password stays in the flow's state")
	}
	for name, files := range map[string][]compute.InjectedFile{
		"too many":  make([]compute.InjectedFile, compute.MaxFiles+1),
		"too large": {{Path: "/a", Content: make([]byte, compute.MaxFileBytes+1)}},
	} {
		_, err := c.CreateServer(ctx, compute.CreateSpec{Name: "x", FlavorID: "1", ImageID: c.image, NoNetwork: true, Files: files})
		if !errors.Is(err, fault.OverQuota) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAHostThatIsGoneCostsOnlyItsOwnSamples(t *testing.T) {
	c := newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{})
	must(t, c.host.Spawn(t.Context(), compute.Guest{ID: "01234567-89ab-7def-8123-456789abcdef", VCPUs: 1, MemoryMiB: 64, Image: "image"}))
	operator := identity.With(t.Context(), identity.System("test"))
	must(t, c.places.ReportHost(operator, scheduler.HostReport{Name: "gone", Inventories: []scheduler.Inventory{{Class: scheduler.VCPU, Total: 1}}}))
	flowtest.Eventually(t, "the host of the guest is known", func() bool {
		all, err := c.Samples(operator, struct{}{})
		must(t, err)
		return len(all) == 1
	})
}
