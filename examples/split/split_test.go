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
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/flavors"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/imagedata"
	"github.com/gophercloud/gophercloud/v2/openstack/image/v2/images"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/nacre-cloud/nacre/kit/bus/nats"
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
	c.survives(t, "host1", h.kill, func() { h.start(t) })
	s, err := c.state(t, projectOf(t, c.login(t)))
	ok(t, err)
	flowtest.Eventually(t, "it carries its networks again", func() bool {
		carried, err := networkrpc.Host{Bus: c.peer, Name: "host1"}.List(t.Context())
		return err == nil && len(carried.Ports) == s.portsOn("host1")
	})
}

// The broker is in the control plane: hosts find an empty one.
func TestTheControlPlaneDies(t *testing.T) {
	c := newCloud(t, inMemory)
	c.survives(t, "", func() { c.control.kill(); c.control.start(t) }, func() {})
}

func TestTheBrokerDies(t *testing.T) {
	s := inMemory
	s.dir = t.TempDir()
	token, err := makeToken(tokenIn(s.dir))
	ok(t, err)
	broker := nats.ServerConfig{Listen: address(t, s.address), Token: token}
	server := nats.NewServer(broker)
	ok(t, server.Start(t.Context()))
	t.Cleanup(func() { ok(t, server.Stop(context.WithoutCancel(t.Context()))) })
	s.bus = "nats://" + broker.Listen
	c := newCloud(t, s)
	c.survives(t, "", func() { ok(t, server.Stop(t.Context())) }, func() {
		server = nats.NewServer(broker) // empty
		ok(t, server.Start(t.Context()))
	})
}

const boots = 100

// survives boots many servers while something dies, and some boots later
// revives, and checks what became of all.
func (c *cloud) survives(t *testing.T, killed string, die, revive func()) {
	t.Helper()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	moment := 10 + int(seed%uint64(boots-30))
	p := c.login(t)
	compute, err := openstack.NewComputeV2(p, gophercloud.EndpointOpts{})
	ok(t, err)
	spec := prepare(t, p, compute)

	queue, accepted := make(chan int), make(chan string, boots)
	var workers sync.WaitGroup
	for range 8 {
		workers.Go(func() {
			for i := range queue {
				if id := boot(t, compute, spec(i)); id != "" {
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
}

// boot creates a server and returns its id, or "" when the answer was lost: then
// it may be there or not.
func boot(t *testing.T, compute *gophercloud.ServiceClient, spec servers.CreateOpts) (id string) {
	t.Helper()
	eventually(t, "the API takes a server", func() error {
		s, err := servers.Create(t.Context(), compute, spec, nil).Extract()
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
	for want, args := range map[string][]string{
		"say which part this process is": nil,
		"needs -dir, -database":          {"control"},
		"needs -name, -token":            {"host", "-driver", "memory"},
		"holds no token":                 {"host", "-name", "a", "-driver", "memory", "-token", os.DevNull},
		"two hosts are called":           {"control", "-dir", t.TempDir(), "-database", "sqlite:/none/db", "-hosts", "a,a", "-bus", "127.0.0.1:0"},
	} {
		if err := run(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}
