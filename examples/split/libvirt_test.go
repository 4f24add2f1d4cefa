//go:build libvirt

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/nacre-cloud/nacre/compute/libvirt/libvirttest"
	"github.com/nacre-cloud/nacre/kit/machinetest"
	"github.com/nacre-cloud/nacre/network/networkrpc"
)

// Each host has a network namespace and a libvirtd of its own, and reaches the
// control plane over a bridge, as it would over a cable.
func TestRealServersBootOnBothHosts(t *testing.T) {
	machinetest.Root(t, "a real host")
	image, spaces := libvirttest.Guest(t), underlay(t)
	hypervisors := map[string]*libvirttest.Host{}
	s := setting{address: controlAddress, within: map[string][]string{}}
	for _, name := range hostNames {
		hypervisors[name] = libvirttest.StartIn(t, spaces[name])
		s.within[name] = []string{"nsenter", "--net=/run/netns/" + spaces[name]}
	}
	s.flags = func(name string) []string {
		h := hypervisors[name]
		return []string{"-driver", "libvirt", "-libvirt", h.URI, "-libvirt-log", h.LogDir()}
	}
	c := newCloud(t, s)

	script := filepath.Join(t.TempDir(), "user-data")
	ok(t, os.WriteFile(script, []byte("#!/bin/sh\necho six by seven is $((6 * 7))\n"), 0o600))
	c.openstack(t, "image", "create", "--disk-format", "qcow2", "--file", image, "guest")
	c.openstack(t, "flavor", "create", "--vcpus", "1", "--ram", "128", "--disk", "1", "small")
	c.openstack(t, "network", "create", "private")
	c.openstack(t, "subnet", "create", "--network", "private", "--subnet-range", "10.0.0.0/24", "private")
	c.openstack(t, "server", "create", "--image", "guest", "--flavor", "small", "--network", "private",
		"--user-data", script, "--max", "2", "--wait", "web")

	var listed []struct {
		Name, Status, Host string
		Networks           map[string][]string
	}
	ok(t, json.Unmarshal([]byte(c.openstack(t, "server", "list", "--long", "-f", "json")), &listed))
	on := map[string]string{}
	for _, v := range listed {
		on[v.Host] = v.Name
		c.tells(t, v.Name, "", "guest: nic eth0 has address "+v.Networks["private"][0], "guest: source metadata",
			"guest: hostname "+v.Name, "guest: user data: six by seven is 42", "guest: ready after")
	}
	if len(on) != len(hostNames) {
		t.Errorf("servers are on %v", on)
	}
	server := on["host1"]

	c.openstack(t, "volume", "create", "--size", "1", "data")
	eventually(t, "the volume is available", func() error {
		if s := c.openstack(t, "volume", "show", "-f", "value", "-c", "status", "data"); s != "available" {
			return errors.New(s)
		}
		return nil
	})
	c.openstack(t, "server", "add", "volume", server, "data")
	c.tells(t, server, "guest: ready", "guest: disk vdb added, 1024 MiB")

	// The guest goes on without its host's process, which serves it again when it is back.
	c.hosts["host1"].kill()
	c.hosts["host1"].start(t)
	c.openstack(t, "server", "reboot", "--hard", "--wait", server)
	c.tells(t, server, "guest: ready", "guest: boot 2 of this disk", "has address", "guest: source metadata", "guest: ready")
	project := projectOf(t, c.login(t))
	c.settled(t, project).check(t, "")

	c.openstack(t, "server", "delete", "--wait", "web-1", "web-2")
	c.openstack(t, "network", "delete", "private")
	c.openstack(t, "volume", "delete", "data")
	c.settled(t, project).check(t, "")
	for _, name := range hostNames {
		eventually(t, name+" is empty", func() error {
			carried, err := networkrpc.Host{Bus: c.peer, Name: name}.List(t.Context())
			if err == nil && len(carried.Networks)+len(carried.Ports)+len(carried.Leftovers) > 0 {
				err = fmt.Errorf("it carries %+v", carried)
			}
			return err
		})
		if left, err := os.ReadDir(filepath.Join(c.dir, name, "servers")); err != nil || len(left) > 0 {
			t.Errorf("%s keeps %v, %v", name, left, err)
		}
	}
}

// tells waits until a server's console has the lines, after what else it has.
func (c *cloud) tells(t *testing.T, server, after string, lines ...string) {
	t.Helper()
	eventually(t, server+" tells", func() error {
		log := c.openstack(t, "console", "log", "show", server)
		_, then, _ := strings.Cut(log, after)
		for _, line := range lines {
			if !strings.Contains(then, line) {
				return fmt.Errorf("no %q after %q in:\n%s", line, after, log)
			}
		}
		return nil
	})
}

// The underlay is a documentation network (RFC 5737): no real one is hidden.
const controlAddress = "198.51.100.1"

// underlay makes a network namespace for each host and a bridge that leads from
// there to the machine, and returns their names.
func underlay(t *testing.T) map[string]string {
	t.Helper()
	bridge := fmt.Sprintf("split%d", os.Getpid())
	ip(t, "link", "add", bridge, "type", "bridge")
	t.Cleanup(func() { ip(t, "link", "del", bridge) })
	ip(t, "addr", "add", controlAddress+"/24", "dev", bridge)
	ip(t, "link", "set", bridge, "up")
	spaces := map[string]string{}
	for i, name := range hostNames {
		space, cable := bridge+"-"+name, fmt.Sprintf("%s-%d", bridge, i)
		spaces[name] = space
		ip(t, "netns", "add", space)
		t.Cleanup(func() { remove(t, space) })
		ip(t, "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", space)
		ip(t, "link", "set", cable, "master", bridge, "up")
		ip(t, "-n", space, "link", "set", "lo", "up")
		ip(t, "-n", space, "link", "set", "eth0", "up")
		ip(t, "-n", space, "addr", "add", fmt.Sprintf("198.51.100.%d/24", 11+i), "dev", "eth0")
	}
	return spaces
}

// remove removes a host's namespace, and those that a failed test left in it.
func remove(t *testing.T, space string) {
	t.Helper()
	info, err := os.Stat("/run/netns/" + space)
	ok(t, err)
	inside, err := filepath.Glob(fmt.Sprintf("/run/netns/*-%d-*", info.Sys().(*syscall.Stat_t).Ino))
	ok(t, err)
	for _, path := range append(inside, space) {
		ip(t, "netns", "del", filepath.Base(path))
	}
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	// Also what cleans up after the test, whose context is over.
	if out, err := exec.CommandContext(context.WithoutCancel(t.Context()), "ip", args...).CombinedOutput(); err != nil {
		t.Errorf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
