package embedded_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/snapshots"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/usage"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"github.com/gophercloud/gophercloud/v2/openstack/objectstorage/v1/containers"
	"github.com/gophercloud/gophercloud/v2/openstack/objectstorage/v1/objects"
	"github.com/gophercloud/gophercloud/v2/openstack/placement/v1/resourceproviders"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/nacre-cloud/nacre/embedded"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/machinetest"
)

// TestTheCommandWorks runs a short session of the real openstack command.
func TestTheCommandWorks(t *testing.T) {
	command := machinetest.Program(t, "openstack", "python3-openstackclient")
	w := newWorld(t)
	before := w.holds(t)
	dir := t.TempDir()
	write(t, filepath.Join(dir, "disk.raw"), random(64<<10))
	write(t, filepath.Join(dir, "data"), []byte("forty-two"))
	o := func(args string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), command, strings.Fields(args)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "OS_CLOUD=nacre", "OS_CLIENT_CONFIG_FILE="+filepath.Join(w.Dir, "clouds.yaml"))
		var errors bytes.Buffer
		cmd.Stderr = &errors
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("openstack %s: %v\n%s%s", args, err, out, errors.String())
		}
		return strings.TrimSpace(string(out))
	}
	is := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s is %q, want %q", what, got, want)
		}
	}
	if token := o("token issue -f value -c id"); len(token) < 100 {
		t.Errorf("the token is %q", token)
	}
	o("network create n")
	o("subnet create s --network n --subnet-range 10.6.0.0/24")
	o("image create i --file disk.raw --disk-format raw --container-format bare")
	is("the image", o("image show i -f value -c status"), "active")
	o("image save i --file copy.raw")
	same(t, filepath.Join(dir, "disk.raw"), filepath.Join(dir, "copy.raw"))
	is("the server", o("server create v --flavor m1.tiny --image i --network n --wait -f value -c status"), "ACTIVE")
	o("volume create d --size 1")
	flowtest.Eventually(t, "the volume is available", func() bool { return o("volume show d -f value -c status") == "available" })
	o("server add volume v d")
	flowtest.Eventually(t, "the volume is in use", func() bool { return o("volume show d -f value -c status") == "in-use" })
	o("server remove volume v d")
	o("container create c")
	o("object create c data")
	o("object save c data --file copy")
	same(t, filepath.Join(dir, "data"), filepath.Join(dir, "copy"))
	if got := o("usage show -f value -c Servers"); got == "" || got == "0" {
		t.Errorf("the servers used are %q", got)
	}
	o("server delete v --wait")
	o("volume delete d")
	o("image delete i")
	o("object delete c data")
	o("container delete c")
	o("network delete n")
	is("what is left", o("server list -f value")+o("volume list -f value")+o("container list -f value"), "")
	w.unchanged(t, before)
}

func write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func same(t *testing.T, a, b string) {
	t.Helper()
	one, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	if other, err := os.ReadFile(b); err != nil || !bytes.Equal(one, other) {
		t.Errorf("%s is not %s: %v", b, a, err)
	}
}

// must returns what a client answered.
func must[V any](t *testing.T) func(v V, err error) V {
	return func(v V, err error) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// clientOf returns a client of one service.
func clientOf(t *testing.T, p *gophercloud.ProviderClient, newClient func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error)) *gophercloud.ServiceClient {
	t.Helper()
	return must[*gophercloud.ServiceClient](t)(newClient(p, gophercloud.EndpointOpts{Region: "RegionOne"}))
}

// TestGophercloudWorks with every service that it knows.
func TestGophercloudWorks(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	p := must[*gophercloud.ProviderClient](t)(openstack.AuthenticatedClient(ctx, gophercloud.AuthOptions{
		IdentityEndpoint: w.AuthURL(), Username: "admin", Password: w.Password, TenantName: "admin", DomainID: "default",
	}))
	before := w.holds(t)

	identity := clientOf(t, p, openstack.NewIdentityV3)
	project := must[*projects.Project](t)(projects.Create(ctx, identity, projects.CreateOpts{Name: "p"}).Extract())
	must[*projects.Project](t)(projects.Get(ctx, identity, project.ID).Extract())

	network := clientOf(t, p, openstack.NewNetworkV2)
	n := must[*networks.Network](t)(networks.Create(ctx, network, networks.CreateOpts{Name: "n"}).Extract())
	s := must[*subnets.Subnet](t)(subnets.Create(ctx, network, subnets.CreateOpts{NetworkID: n.ID, CIDR: "10.6.0.0/24", IPVersion: 4}).Extract())
	port := must[*ports.Port](t)(ports.Create(ctx, network, ports.CreateOpts{NetworkID: n.ID}).Extract())
	if len(port.FixedIPs) != 1 || port.FixedIPs[0].SubnetID != s.ID {
		t.Errorf("the port is %+v", port)
	}

	image := clientOf(t, p, openstack.NewImageV2)
	i := must[*images.Image](t)(images.Create(ctx, image, images.CreateOpts{Name: "i", DiskFormat: "raw", ContainerFormat: "bare"}).Extract())
	if err := imagedata.Upload(ctx, image, i.ID, bytes.NewReader(random(64<<10))).ExtractErr(); err != nil {
		t.Fatal(err)
	}

	compute := clientOf(t, p, openstack.NewComputeV2)
	server := must[*servers.Server](t)(servers.Create(ctx, compute, servers.CreateOpts{
		Name: "s", FlavorRef: embedded.Flavor, ImageRef: i.ID, Networks: []servers.Network{{Port: port.ID}},
	}, nil).Extract())
	if err := servers.WaitForStatus(ctx, compute, server.ID, "ACTIVE"); err != nil {
		t.Fatal(err)
	}

	volume := clientOf(t, p, openstack.NewBlockStorageV3)
	v := must[*volumes.Volume](t)(volumes.Create(ctx, volume, volumes.CreateOpts{Size: 1}, nil).Extract())
	wait := func(status string) {
		t.Helper()
		flowtest.Eventually(t, "the volume is "+status, func() bool {
			return must[*volumes.Volume](t)(volumes.Get(ctx, volume, v.ID).Extract()).Status == status
		})
	}
	wait("available")
	snapshot := must[*snapshots.Snapshot](t)(snapshots.Create(ctx, volume, snapshots.CreateOpts{VolumeID: v.ID}).Extract())
	if err := snapshots.WaitForStatus(ctx, volume, snapshot.ID, "available"); err != nil {
		t.Fatal(err)
	}
	a := must[*volumeattach.VolumeAttachment](t)(volumeattach.Create(ctx, compute, server.ID, volumeattach.CreateOpts{VolumeID: v.ID}).Extract())
	wait("in-use")
	if err := volumeattach.Delete(ctx, compute, server.ID, a.VolumeID).ExtractErr(); err != nil {
		t.Error(err)
	}
	wait("available")

	object := clientOf(t, p, openstack.NewObjectStorageV1)
	must[*containers.CreateHeader](t)(containers.Create(ctx, object, "c", nil).Extract())
	must[*objects.CreateHeader](t)(objects.Create(ctx, object, "c", "o", objects.CreateOpts{Content: strings.NewReader("forty-two")}).Extract())
	download := objects.Download(ctx, object, "c", "o", nil)
	if got := must[[]byte](t)(download.ExtractContent()); string(got) != "forty-two" {
		t.Errorf("the object is %q", got)
	}

	placement := clientOf(t, p, openstack.NewPlacementV1)
	pages, err := resourceproviders.List(placement, resourceproviders.ListOpts{}).AllPages(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if hosts := must[[]resourceproviders.ResourceProvider](t)(resourceproviders.ExtractResourceProviders(pages)); len(hosts) != 2 {
		t.Errorf("the hosts are %v", hosts)
	}

	start := time.Now().Add(-time.Hour)
	err = usage.SingleTenant(compute, w.admin.project, usage.SingleTenantOpts{Start: &start}).EachPage(ctx, func(_ context.Context, p pagination.Page) (bool, error) {
		used, err := usage.ExtractSingleTenant(p)
		if err == nil && !slices.ContainsFunc(used.ServerUsages, func(u usage.ServerUsage) bool { return u.InstanceID == server.ID }) {
			err = fmt.Errorf("the server is not in %+v", used)
		}
		return false, err
	})
	if err != nil {
		t.Error(err)
	}

	for what, err := range map[string]error{
		"snapshot":  snapshots.Delete(ctx, volume, snapshot.ID).ExtractErr(),
		"server":    servers.Delete(ctx, compute, server.ID).ExtractErr(),
		"object":    objects.Delete(ctx, object, "c", "o", nil).Err,
		"container": containers.Delete(ctx, object, "c").Err,
		"image":     images.Delete(ctx, image, i.ID).ExtractErr(),
		"project":   projects.Delete(ctx, identity, project.ID).ExtractErr(),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	w.admin.gone(t, "/compute/v2.1/servers/"+server.ID)
	w.admin.gone(t, "/volume/v3/{me}/snapshots/"+snapshot.ID)
	for what, err := range map[string]error{
		"volume": volumes.Delete(ctx, volume, v.ID, nil).ExtractErr(),
		"port":   ports.Delete(ctx, network, port.ID).ExtractErr(),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := networks.Delete(ctx, network, n.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
	w.unchanged(t, before)
}
