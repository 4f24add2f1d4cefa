package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/quotasets"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"
	"go.uber.org/fx"

	"github.com/nacre-cloud/nacre/kit/bus/nats"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/network/networkrpc"
)

func TestServersSpreadOverTheHosts(t *testing.T) {
	c := newCloud(t, inMemory)
	file := filepath.Join(t.TempDir(), "image")
	ok(t, os.WriteFile(file, make([]byte, 64<<10), 0o600))
	c.openstack(t, "image", "create", "--disk-format", "raw", "--file", file, "tiny")
	c.openstack(t, "flavor", "create", "--vcpus", "1", "--ram", "64", "--disk", "1", "tiny")
	c.openstack(t, "network", "create", "private")
	c.openstack(t, "subnet", "create", "--network", "private", "--subnet-range", "10.0.0.0/24", "private")
	c.openstack(t, "server", "create", "--image", "tiny", "--flavor", "tiny", "--network", "private", "--max", "4", "--wait", "web")

	var listed []struct{ Name, Status, Host string }
	ok(t, json.Unmarshal([]byte(c.openstack(t, "server", "list", "--long", "-f", "json")), &listed))
	on := map[string]int{}
	for _, s := range listed {
		on[s.Host]++
		if s.Status != "ACTIVE" {
			t.Errorf("%+v", s)
		}
	}
	if on["host1"] != 2 || on["host2"] != 2 {
		t.Errorf("servers are on %v", on)
	}
	var agents []struct {
		Host  string
		Alive bool
	}
	ok(t, json.Unmarshal([]byte(c.openstack(t, "network", "agent", "list", "-f", "json")), &agents))
	if len(agents) != len(hostNames) || !agents[0].Alive || !agents[1].Alive {
		t.Errorf("%+v", agents)
	}
	project := projectOf(t, c.login(t))
	c.settled(t, project).check(t, "")

	c.openstack(t, "server", "delete", "--wait", "web-1", "web-2", "web-3", "web-4")
	s := c.settled(t, project)
	s.check(t, "")
	if len(s.servers) != 0 {
		t.Errorf("%d servers are left", len(s.servers))
	}
}

// Whatever part of the cloud dies in the middle of many boots, what was accepted
// happens or fails cleanly.
func TestAHostDies(t *testing.T) {
	c := newCloud(t, inMemory)
	h := c.hosts["host1"]
	c.survives(t, hundred, "host1", h.kill, func() { h.start(t) })
	c.carries(t)
}

// carries waits until each host carries the ports that are plugged into it, and no other.
func (c *cloud) carries(t *testing.T) {
	t.Helper()
	s, err := c.state(t, projectOf(t, c.login(t)))
	ok(t, err)
	for _, name := range hostNames {
		want := s.portsOn(name)
		flowtest.Eventually(t, name+" carries its networks", func() bool {
			carried, err := networkrpc.Host{Bus: c.peer, Name: name}.List(t.Context())
			return err == nil && slices.Equal(carried.Ports, want)
		})
	}
}

// The broker is in the control plane: hosts find an empty one.
func TestTheControlPlaneDies(t *testing.T) {
	c := newCloud(t, inMemory)
	c.survives(t, hundred, "", func() { c.control.kill(); c.control.start(t) }, func() {})
}

func TestTheBrokerDies(t *testing.T) {
	s := inMemory
	broker := newBroker(t, &s)
	c := newCloud(t, s)
	c.survives(t, hundred, "", func() { broker.stop(t) }, func() { broker.start(t) })
}

// Two control planes share all the work. One dies and does not come back.
func TestOneOfTwoControlPlanesDies(t *testing.T) {
	s := inMemory
	s.beside = true
	newBroker(t, &s)
	c := newCloud(t, s)
	eventually(t, "the second control plane is ready", func() error { return healthy(c.secondURL) })
	c.survives(t, 2*hundred, "", c.second.kill, func() {})
	c.carries(t)
}

// A broker is a NATS server of the test. It forgets everything when it stops.
type broker struct {
	config nats.ServerConfig
	server *nats.Server
}

// newBroker starts a broker for the cloud of s.
func newBroker(t *testing.T, s *setting) *broker {
	t.Helper()
	s.dir = t.TempDir()
	token, err := makeToken(tokenIn(s.dir))
	ok(t, err)
	b := &broker{config: nats.ServerConfig{Listen: address(t, s.address), Token: token}}
	s.bus = "nats://" + b.config.Listen
	b.start(t)
	t.Cleanup(func() { b.stop(t) })
	return b
}

func (b *broker) start(t *testing.T) {
	t.Helper()
	b.server = nats.NewServer(b.config)
	ok(t, b.server.Start(t.Context()))
}

func (b *broker) stop(t *testing.T) {
	t.Helper()
	ok(t, b.server.Stop(context.WithoutCancel(t.Context())))
}

const hundred = 100

// survives boots many servers while something dies, and some boots later
// revives, and checks what became of all.
func (c *cloud) survives(t *testing.T, boots int, killed string, die, revive func()) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	moment := 10 + int(seed%uint64(boots-30))
	p := c.login(t)
	faces := []*gophercloud.ServiceClient{computeOf(t, p)}
	spec := prepare(t, p, faces[0])
	_, err := quotasets.Update(t.Context(), faces[0], projectOf(t, p), quotasets.UpdateOpts{Instances: &boots, Cores: &boots}).Extract()
	ok(t, err)
	if c.second != nil {
		faces = append(faces, computeOf(t, c.loginAt(t, c.secondURL)))
	}

	queue, accepted := make(chan int), make(chan string, boots)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := range queue {
				if id := boot(t, faces, spec(i)); id != "" {
					accepted <- id
				}
			}
		})
	}
	for i := range boots {
		switch i {
		case moment:
			die()
		case moment + 10:
			revive()
		}
		queue <- i
	}
	close(queue)
	workers.Wait()
	close(accepted)

	c.ready(t)
	s := c.settled(t, projectOf(t, p))
	s.check(t, killed)
	there := map[string]bool{}
	for _, v := range s.servers {
		there[string(v.ID)] = true
	}
	n := 0
	for id := range accepted {
		n++
		if !there[id] {
			t.Errorf("server %s was accepted and is not there", id)
		}
	}
	t.Logf("killed at %d; %d of %d accepted, %d there", moment, n, boots, len(there))
	if n < boots/2 {
		t.Error("most of them should be")
	}
}

func computeOf(t *testing.T, p *gophercloud.ProviderClient) *gophercloud.ServiceClient {
	t.Helper()
	compute, err := openstack.NewComputeV2(p, gophercloud.EndpointOpts{})
	ok(t, err)
	return compute
}

// boot creates a server through one of several control planes and returns its id,
// or "" when the answer was lost: then it may be there or not.
func boot(t *testing.T, faces []*gophercloud.ServiceClient, spec servers.CreateOpts) (id string) {
	t.Helper()
	eventually(t, "the API takes a server", func() error {
		s, err := servers.Create(t.Context(), faces[rand.IntN(len(faces))], spec, nil).Extract()
		if errors.Is(err, syscall.ECONNREFUSED) {
			return err
		}
		if err == nil {
			id = s.ID
		} else {
			t.Log(err)
		}
		return nil
	})
	return id
}

// prepare makes what servers need, and returns how to ask for one.
func prepare(t *testing.T, p *gophercloud.ProviderClient, compute *gophercloud.ServiceClient) func(i int) servers.CreateOpts {
	t.Helper()
	disk := 1
	f, err := flavors.Create(t.Context(), compute, flavors.CreateOpts{Name: "tiny", VCPUs: 1, RAM: 64, Disk: &disk}).Extract()
	ok(t, err)
	store, err := openstack.NewImageV2(p, gophercloud.EndpointOpts{})
	ok(t, err)
	i, err := images.Create(t.Context(), store, images.CreateOpts{Name: "tiny", DiskFormat: "raw", ContainerFormat: "bare"}).Extract()
	ok(t, err)
	ok(t, imagedata.Upload(t.Context(), store, i.ID, bytes.NewReader(make([]byte, 64<<10))).ExtractErr())
	client, err := openstack.NewNetworkV2(p, gophercloud.EndpointOpts{})
	ok(t, err)
	n, err := networks.Create(t.Context(), client, networks.CreateOpts{Name: "private"}).Extract()
	ok(t, err)
	_, err = subnets.Create(t.Context(), client, subnets.CreateOpts{NetworkID: n.ID, CIDR: "10.0.0.0/22", IPVersion: 4}).Extract()
	ok(t, err)
	return func(number int) servers.CreateOpts {
		return servers.CreateOpts{
			Name: fmt.Sprintf("server-%d", number), FlavorRef: f.ID, ImageRef: i.ID, Networks: []servers.Network{{UUID: n.ID}},
		}
	}
}

func projectOf(t *testing.T, p *gophercloud.ProviderClient) string {
	t.Helper()
	project, err := p.GetAuthResult().(tokens.CreateResult).ExtractProject()
	ok(t, err)
	return project.ID
}

func TestAPartSaysWhatItLacks(t *testing.T) {
	open := filepath.Join(t.TempDir(), "token")
	ok(t, os.WriteFile(open, []byte("secret"), 0o644))
	ok(t, os.Chmod(open, 0o644)) // whatever the umask
	for want, args := range map[string][]string{
		"say which part this process is": nil,
		"needs -dir and -database":       {"control"},
		"needs -name, -token":            {"host", "-driver", "memory"},
		"holds no token":                 {"host", "-name", "a", "-driver", "memory", "-token", os.DevNull},
		"0644, and whoever reads it":     {"host", "-name", "a", "-driver", "memory", "-token", open},
		"the token of the bus":           {"control", "-dir", t.TempDir(), "-database", "postgres:///none", "-bus", "nats://127.0.0.1:1"},
		"-database holds a secret":       {"control", "-dir", t.TempDir(), "-database", "postgres://me:secret@/none"},
		"-bus holds a secret":            {"host", "-name", "a", "-driver", "memory", "-token", open, "-bus", "nats://secret@127.0.0.1"},
	} {
		if err := run(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}

func TestTheTokenOfTheBusIsPrivate(t *testing.T) {
	file := tokenIn(t.TempDir())
	made, err := makeToken(file)
	ok(t, err)
	again, err := makeToken(file)
	ok(t, err)
	info, err := os.Stat(file)
	ok(t, err)
	if made != again || len(made) < 20 || info.Mode().Perm() != 0o600 {
		t.Errorf("%q, then %q, with mode %v", made, again, info.Mode())
	}
	if other, err := makeToken(tokenIn(t.TempDir())); err != nil || other == made {
		t.Errorf("another cloud has the same token: %v", err)
	}
}

func TestAHostHasNoDatabase(t *testing.T) {
	file := tokenIn(t.TempDir())
	_, err := makeToken(file)
	ok(t, err)
	part, err := host{name: "a", bus: "nats://127.0.0.1:1", token: file, driver: "memory", dir: t.TempDir()}.part()
	ok(t, err)
	ok(t, fx.ValidateApp(fx.NopLogger, part))
	if err := fx.ValidateApp(fx.NopLogger, part, fx.Invoke(func(*db.DB) {})); err == nil || !strings.Contains(err.Error(), "missing type") {
		t.Errorf("a host that asks for the database gets %v", err)
	}
}
