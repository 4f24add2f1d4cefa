//go:build libvirt

package main

import (
	"context"
	"log/slog"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/volumeattach"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/floatingips"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/layer3/routers"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/extensions/security/rules"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/ports"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/nacre-cloud/nacre"
	"github.com/nacre-cloud/nacre/compute/libvirt"
	"github.com/nacre-cloud/nacre/compute/libvirt/libvirttest"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/network/bridge"
)

// A user is an administrator of a running cloud with a real client.
type user struct {
	*testing.T
	config                          config
	hypervisor                      *libvirttest.Host
	cloud                           *nacre.Cloud
	compute, network, image, volume *gophercloud.ServiceClient
}

func newUser(t *testing.T) *user {
	h := libvirttest.Start(t)
	c := config{
		listen: "127.0.0.1:0", dir: filepath.Join(t.TempDir(), "cloud"), host: "node1", external: netip.MustParsePrefix("198.18.9.0/24"),
		hypervisor: libvirt.Config{URI: h.URI, LogDir: h.LogDir()}, networks: bridge.Config{Prefix: "nct"},
		log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	must(t, checkExternal(c.external, c.networks.Prefix))
	u := &user{T: t, config: c, hypervisor: h}
	u.logIn()
	t.Cleanup(u.down)
	return u
}

// logIn starts the cloud and makes clients of it.
func (u *user) logIn() {
	cloud, err := start(u.Context(), u.config)
	must(u, err)
	u.cloud = cloud
	password, err := os.ReadFile(u.config.path(passwordFile))
	must(u, err)
	p, err := openstack.AuthenticatedClient(u.Context(), gophercloud.AuthOptions{
		IdentityEndpoint: cloud.URL() + "/identity/v3", Username: "admin", Password: strings.TrimSpace(string(password)),
		TenantName: "admin", DomainID: "default",
	})
	must(u, err)
	region := gophercloud.EndpointOpts{Region: "RegionOne"}
	for client, open := range map[**gophercloud.ServiceClient]func(*gophercloud.ProviderClient, gophercloud.EndpointOpts) (*gophercloud.ServiceClient, error){
		&u.compute: openstack.NewComputeV2, &u.network: openstack.NewNetworkV2, &u.image: openstack.NewImageV2, &u.volume: openstack.NewBlockStorageV3,
	} {
		*client, err = open(p, region)
		must(u, err)
	}
}

// down stops the cloud and takes away all that it made of networks.
func (u *user) down() {
	ctx := context.WithoutCancel(u.Context())
	must(u, u.cloud.Stop(ctx))
	d, err := bridge.Open(u.config.networks)
	must(u, err)
	must(u, d.Apply(ctx, network.View{}))
	must(u, d.Close())
}

// wire makes a network behind a router, and a security group that lets pings in.
func (u *user) wire() (id string, remove func()) {
	ctx := u.Context()
	n, err := networks.Create(ctx, u.network, networks.CreateOpts{Name: "inside"}).Extract()
	must(u, err)
	s, err := subnets.Create(ctx, u.network, subnets.CreateOpts{NetworkID: n.ID, CIDR: "10.9.8.0/24", IPVersion: 4}).Extract()
	must(u, err)
	r, err := routers.Create(ctx, u.network, routers.CreateOpts{GatewayInfo: &routers.GatewayInfo{NetworkID: string(publicNetwork)}}).Extract()
	must(u, err)
	_, err = routers.AddInterface(ctx, u.network, r.ID, routers.AddInterfaceOpts{SubnetID: s.ID}).Extract()
	must(u, err)
	g, err := groups.Create(ctx, u.network, groups.CreateOpts{Name: "ping"}).Extract()
	must(u, err)
	_, err = rules.Create(ctx, u.network, rules.CreateOpts{
		SecGroupID: g.ID, Direction: rules.DirIngress, EtherType: rules.EtherType4, Protocol: rules.ProtocolICMP,
	}).Extract()
	must(u, err)
	return n.ID, func() {
		_, err := routers.RemoveInterface(ctx, u.network, r.ID, routers.RemoveInterfaceOpts{SubnetID: s.ID}).Extract()
		must(u, err)
		must(u, routers.Delete(ctx, u.network, r.ID).ExtractErr())
		must(u, networks.Delete(ctx, u.network, n.ID).ExtractErr())
		must(u, groups.Delete(ctx, u.network, g.ID).ExtractErr())
	}
}

func (u *user) upload(file string) string {
	i, err := images.Create(u.Context(), u.image, images.CreateOpts{Name: "guest", DiskFormat: "qcow2", ContainerFormat: "bare"}).Extract()
	must(u, err)
	f, err := os.Open(file)
	must(u, err)
	defer f.Close()
	must(u, imagedata.Upload(u.Context(), u.image, i.ID, f).ExtractErr())
	return i.ID
}

func (u *user) becomes(id, status string) {
	u.Helper()
	u.eventually("the server is "+status, func() bool {
		s, err := servers.Get(u.Context(), u.compute, id).Extract()
		must(u, err)
		if s.Status == "ERROR" {
			u.Fatalf("the server failed: %+v", s.Fault)
		}
		return s.Status == status
	})
}

// hears waits until the guest's console has a line.
func (u *user) hears(id, line string) {
	u.Helper()
	u.hearsTimes(id, line, 1)
}

// hearsTimes waits until it has the line so often: it goes on when the guest boots again.
func (u *user) hearsTimes(id, line string, n int) {
	u.Helper()
	var console string
	defer func() {
		if u.Failed() {
			u.Log(console)
		}
	}()
	u.eventually("the console says "+line, func() bool {
		var err error
		console, err = servers.ShowConsoleOutput(u.Context(), u.compute, id, servers.ShowConsoleOutputOpts{}).Extract()
		must(u, err)
		return strings.Count(console, "guest: "+line) >= n
	})
}

func TestServerLivesAndLeavesNothing(t *testing.T) {
	u := newUser(t)
	ctx := t.Context()
	wire, unwire := u.wire()
	image := u.upload(libvirttest.Guest(t))
	s, err := servers.Create(ctx, u.compute, servers.CreateOpts{
		Name: "web", FlavorRef: "1", ImageRef: image, Networks: []servers.Network{{UUID: wire}}, SecurityGroups: []string{"ping"},
		UserData: []byte("#!/bin/sh\necho hello from $(hostname)\n"),
	}, nil).Extract()
	must(t, err)
	u.becomes(s.ID, "ACTIVE")
	u.hears(s.ID, "source metadata")
	u.hears(s.ID, "user data: hello from web")

	v := u.attach(s.ID)
	u.hears(s.ID, "disk vdb added, 1024 MiB")
	float, _ := u.float(s.ID)

	must(t, servers.Delete(ctx, u.compute, s.ID).ExtractErr())
	u.eventually("the server is gone", func() bool {
		_, err := servers.Get(ctx, u.compute, s.ID).Extract()
		return gophercloud.ResponseCodeIs(err, 404)
	})
	must(t, floatingips.Delete(ctx, u.network, float).ExtractErr())
	must(t, volumes.Delete(ctx, u.volume, v, nil).ExtractErr())
	must(t, images.Delete(ctx, u.image, image).ExtractErr())
	unwire()
	var left []string
	defer func() { t.Log("left:", left) }()
	u.eventually("nothing is left", func() bool {
		left = u.left(s.ID)
		return len(left) == 0
	})
}

// attach gives the server a volume of 1 GiB and returns its id.
func (u *user) attach(server string) string {
	v, err := volumes.Create(u.Context(), u.volume, volumes.CreateOpts{Size: 1}, nil).Extract()
	must(u, err)
	u.eventually("the volume is there", func() bool {
		v, err = volumes.Get(u.Context(), u.volume, v.ID).Extract()
		must(u, err)
		return v.Status == "available"
	})
	_, err = volumeattach.Create(u.Context(), u.compute, server, volumeattach.CreateOpts{VolumeID: v.ID}).Extract()
	must(u, err)
	return v.ID
}

// float gives the server a floating IP, pings it from outside, and returns its id and address.
func (u *user) float(server string) (id, address string) {
	pages, err := ports.List(u.network, ports.ListOpts{DeviceID: server}).AllPages(u.Context())
	must(u, err)
	list, err := ports.ExtractPorts(pages)
	must(u, err)
	f, err := floatingips.Create(u.Context(), u.network, floatingips.CreateOpts{FloatingNetworkID: string(publicNetwork), PortID: list[0].ID}).Extract()
	must(u, err)
	u.answers(f.FloatingIP)
	return f.ID, f.FloatingIP
}

func (u *user) answers(address string) {
	u.Helper()
	u.eventually(address+" answers", func() bool {
		return exec.CommandContext(u.Context(), "ping", "-c1", "-W1", address).Run() == nil
	})
}

// left lists what the machine still has of the cloud.
func (u *user) left(server string) []string {
	left := u.hypervisor.Leftovers(server)
	for _, pattern := range []string{"servers/servers/*", "volumes/*", "images/*"} {
		files, err := filepath.Glob(u.config.path(pattern))
		must(u, err)
		left = append(left, slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == ".parts" })...)
	}
	d, err := bridge.Open(u.config.networks)
	must(u, err)
	defer func() { must(u, d.Close()) }()
	c, err := d.List(u.Context())
	must(u, err)
	for _, names := range [][]string{c.Networks, c.Ports, c.Routers, c.Leftovers} {
		left = append(left, names...)
	}
	tables, err := new(nftables.Conn).ListTables()
	must(u, err)
	for _, t := range tables {
		if t.Name == u.config.networks.Prefix {
			left = append(left, "table "+t.Name)
		}
	}
	return left
}

// eventually waits as long as an emulated guest on a busy machine may take.
func (u *user) eventually(what string, done func() bool) {
	u.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(2 * time.Minute); !done(); <-tick.C {
		if time.Now().After(end) {
			u.Fatal("not within two minutes:", what)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
