package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/bus/bustest"
	"github.com/nacre-cloud/nacre/kit/bus/nats"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/machinetest"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/scheduler/schedulerrpc"
)

// The program under test is the test program itself, so that it has its build tags.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && parts[os.Args[1]] != nil {
		main()
		return
	}
	os.Exit(m.Run())
}

// A process is one part of a cloud. It can be killed and started again.
type process struct {
	args []string
	cmd  *exec.Cmd
}

func (p *process) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = t.Output(), t.Output()
	ok(t, p.cmd.Start())
}

// kill ends a process as a crash would.
func (p *process) kill() {
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// A setting is where a cloud runs.
type setting struct {
	dir     string                     // empty: a fresh one
	address string                     // of the control plane
	bus     string                     // a NATS server elsewhere; empty: in the control plane
	beside  bool                       // a second control plane; needs a NATS server elsewhere
	within  map[string][]string        // by host: the command that starts a program where the host is
	flags   func(name string) []string // of a host
}

// A cloud is a control plane, perhaps another beside it, and two hosts.
type cloud struct {
	dir, url, bus string
	control       *process
	second        *process // nil: there is one
	secondURL     string
	hosts         map[string]*process
	peer          *bus.Bus // of the test
}

var hostNames = []string{"host1", "host2"}

// newCloud starts a cloud and waits until its hosts are known.
func newCloud(t *testing.T, s setting) *cloud {
	t.Helper()
	c := &cloud{dir: s.dir, hosts: map[string]*process{}}
	if c.dir == "" {
		c.dir = t.TempDir()
	}
	api := address(t, s.address)
	c.url, c.bus = "http://"+api, s.bus
	serve := s.bus
	if s.bus == "" {
		serve = address(t, s.address)
		c.bus = "nats://" + serve
	}
	for _, name := range hostNames {
		args := slices.Clone(s.within[name])
		args = append(args, os.Args[0], "host", "-name", name, "-bus", c.bus, "-token", tokenIn(c.dir), "-dir", filepath.Join(c.dir, name))
		c.hosts[name] = &process{args: append(args, s.flags(name)...)}
	}
	database := dbtest.PostgresURL(t)
	control := func(api string) *process {
		return &process{args: []string{os.Args[0], "control", "-dir", c.dir, "-listen", api, "-bus", serve, "-database", database}}
	}
	c.control = control(api)
	_, err := makeToken(tokenIn(c.dir))
	ok(t, err)
	// A host that is there before the control plane waits for it.
	for _, name := range hostNames {
		c.hosts[name].start(t)
		t.Cleanup(c.hosts[name].kill)
	}
	c.control.start(t)
	t.Cleanup(c.control.kill)
	if s.beside { // at once: they share the first start, too
		beside := address(t, s.address)
		c.second, c.secondURL = control(beside), "http://"+beside
		c.second.start(t)
		t.Cleanup(c.second.kill)
	}
	c.connect(t)
	c.ready(t)
	return c
}

// inMemory is a cloud on this machine's loopback interface.
var inMemory = setting{address: "127.0.0.1", flags: func(string) []string { return []string{"-driver", "memory"} }}

// address returns one that nobody listens on.
func address(t *testing.T, ip string) string {
	t.Helper()
	l, err := net.Listen("tcp", ip+":0")
	ok(t, err)
	defer l.Close()
	return l.Addr().String()
}

// connect gives the test a place on the bus.
func (c *cloud) connect(t *testing.T) {
	t.Helper()
	token, err := readToken(tokenIn(c.dir))
	ok(t, err)
	client := nats.New(nats.Config{URL: c.bus, Token: token})
	ok(t, client.Start(t.Context()))
	t.Cleanup(func() { _ = client.Stop(context.WithoutCancel(t.Context())) })
	c.peer = bustest.Start(t, bus.Params{Transport: client.Transport()})
}

// ready waits until the control plane answers and both hosts have reported.
func (c *cloud) ready(t *testing.T) {
	t.Helper()
	eventually(t, "the cloud is ready", func() error {
		if err := healthy(c.url); err != nil {
			return err
		}
		known, err := schedulerrpc.Client{Bus: c.peer}.Hosts(system(t), scheduler.HostQuery{})
		if err == nil && len(known.Items) != len(hostNames) {
			err = fmt.Errorf("%d hosts are known", len(known.Items))
		}
		return err
	})
}

func healthy(url string) error {
	resp, err := http.Get(url + "/healthz")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

func system(t *testing.T) context.Context { return identity.With(t.Context(), identity.System("test")) }

func (c *cloud) password(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dir, "admin-password"))
	ok(t, err)
	return strings.TrimSpace(string(text))
}

// login returns what the administrator talks to the cloud with.
func (c *cloud) login(t *testing.T) *gophercloud.ProviderClient {
	t.Helper()
	return c.loginAt(t, c.url)
}

func (c *cloud) loginAt(t *testing.T, url string) *gophercloud.ProviderClient {
	t.Helper()
	p, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{
		IdentityEndpoint: url + "/identity/v3", Username: "admin", Password: c.password(t), TenantName: "admin", DomainName: "Default",
	})
	ok(t, err)
	return p
}

// openstack runs the command of that name and returns what it prints.
func (c *cloud) openstack(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), machinetest.Program(t, "openstack", "python3-openstackclient"), args...)
	cmd.Env = append(os.Environ(), "OS_AUTH_URL="+c.url+"/identity/v3", "OS_USERNAME=admin", "OS_PASSWORD="+c.password(t),
		"OS_PROJECT_NAME=admin", "OS_USER_DOMAIN_NAME=Default", "OS_PROJECT_DOMAIN_NAME=Default")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openstack %s: %v\n%s%s", strings.Join(args, " "), err, out, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// eventually waits until done returns nil, longer than a lease lasts.
func eventually(t *testing.T, what string, done func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(2 * time.Minute)
	for {
		err := done()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: not within two minutes: %v", what, err)
		}
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
