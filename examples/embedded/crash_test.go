package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/embedded"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/network"
	"github.com/nacre-cloud/nacre/scheduler"
)

// hosts is enough for all boots of a round.
const hosts = 8

// TestKilledInTheMiddleOfBoots kills the cloud with -9 while servers boot, again
// and again, and looks whether every server ends active or cleanly failed, and
// whether anything is held twice or by nobody.
func TestKilledInTheMiddleOfBoots(t *testing.T) {
	const rounds, boots = 10, 1000
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	program := build(t)
	for round := range rounds {
		dir := t.TempDir()
		prepare(t, dir)
		p := launch(t, program, dir)
		kill := time.AfterFunc(time.Duration(50+random.IntN(3000))*time.Millisecond, func() { _ = p.cmd.Process.Kill() })
		accepted := p.boot(boots)
		_ = p.cmd.Wait() // it was killed
		kill.Stop()

		p = launch(t, program, dir)
		p.settle(t)
		p.stop(t)
		active, failed := verify(t, dir)
		t.Logf("round %d: %d boots accepted, %d active, %d failed", round+1, accepted, active, failed)
		if active < int(accepted) {
			t.Errorf("%d boots were accepted and %d came up", accepted, active)
		}
	}
}

// build compiles the cloud without the race detector, which would hide how fast
// things happen at once.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "embedded")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

func admin(t *testing.T, c *embedded.Cloud) (context.Context, string) {
	t.Helper()
	ctx := identity.With(t.Context(), identity.System("test"))
	projects, err := c.Identity.Projects(ctx, identity.ProjectQuery{Name: "admin"})
	if err != nil || len(projects.Items) != 1 {
		t.Fatal(projects, err)
	}
	return ctx, string(projects.Items[0].ID)
}

// prepare gives a new cloud a network and enough quota.
func prepare(t *testing.T, dir string) {
	t.Helper()
	c, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	ctx, project := admin(t, c)
	caller := identity.CallerOf(ctx)
	caller.ProjectID = project
	ctx = identity.With(ctx, caller)
	unlimited := quota.Amount{compute.ResourceServers: -1, compute.ResourceCores: -1, compute.ResourceMemoryMiB: -1}
	if _, err = c.Servers.SetQuota(ctx, compute.QuotaPatch{ProjectID: project, Limits: unlimited}); err != nil {
		t.Fatal(err)
	}
	if _, err = c.Networks.SetQuota(ctx, network.QuotaPatch{ProjectID: project, Limits: quota.Amount{network.ResourcePorts: -1}}); err != nil {
		t.Fatal(err)
	}
	n, err := c.Networks.CreateNetwork(ctx, network.Spec{Base: network.Base{Name: "net"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = c.Networks.CreateSubnet(ctx, network.SubnetSpec{NetworkID: n.ID, CIDR: prefix}); err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A process is the cloud as a process of its own.
type process struct {
	cmd   *exec.Cmd
	url   string
	token string
}

var announced = regexp.MustCompile(`up at (http://\S+)`)

func launch(t *testing.T, program, dir string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, "-dir", dir, "-hosts", strconv.Itoa(hosts))}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errors bytes.Buffer
	p.cmd.Stderr = &errors
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	m := announced.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("the cloud does not start: %q %v %s", line, err, errors.String())
	}
	p.url = m[1]
	go func() { _, _ = io.Copy(io.Discard, out) }()
	p.logIn(t, dir)
	return p
}

func (p *process) logIn(t *testing.T, dir string) {
	t.Helper()
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","domain":{"id":"default"},"password":%q}}},
		"scope":{"project":{"name":"admin","domain":{"id":"default"}}}}}`, password(t, dir))
	res, err := http.Post(p.url+"/identity/v3/auth/tokens", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if p.token = res.Header.Get("X-Subject-Token"); p.token == "" {
		t.Fatalf("no token: %s", res.Status)
	}
}

func (p *process) call(method, path, body string) (*http.Response, error) {
	req, err := http.NewRequest(method, p.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-Auth-Token", p.token)
	req.Header.Set("Content-Type", "application/json")
	return http.DefaultClient.Do(req)
}

// boot asks for n servers, until the process dies, and returns how many were accepted.
func (p *process) boot(n int64) int64 {
	body := fmt.Sprintf(`{"server":{"name":"crash","flavorRef":%q,"imageRef":%q}}`, embedded.Flavor, embedded.Image)
	var asked, accepted atomic.Int64
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for asked.Add(1) <= n {
				res, err := p.call(http.MethodPost, "/compute/v2.1/servers", body)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, res.Body)
				_ = res.Body.Close()
				if res.StatusCode == http.StatusAccepted {
					accepted.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return accepted.Load()
}

// settle waits until nothing is being built.
func (p *process) settle(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		res, err := p.call(http.MethodGet, "/compute/v2.1/servers?status=BUILD&limit=1", "")
		if err != nil {
			t.Fatal(err)
		}
		var list struct{ Servers []struct{ ID string } }
		err = json.NewDecoder(res.Body).Decode(&list)
		_ = res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Servers) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("server %s is stuck in BUILD", list.Servers[0].ID)
		}
		<-time.After(50 * time.Millisecond)
	}
}

func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(interrupt); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("the cloud does not stop cleanly: %v", err)
	}
}

// all returns every item of a list.
func all[T any](t *testing.T, list func(page.Query) (page.Of[T], error)) (items []T) {
	t.Helper()
	for q := (page.Query{}); ; {
		p, err := list(q)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, p.Items...)
		if q.Marker = p.Next; q.Marker == "" {
			return items
		}
	}
}

// verify opens the cloud once more and compares what each domain holds.
func verify(t *testing.T, dir string) (active, failed int) {
	t.Helper()
	c, err := embedded.Start(t.Context(), embedded.Config{Dir: dir, Hosts: hosts})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := c.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	ctx, project := admin(t, c)
	servers := map[string]compute.Server{}
	for _, s := range all(t, func(q page.Query) (page.Of[compute.Server], error) {
		return c.Servers.Servers(ctx, compute.Query{Query: q, AllProjects: true})
	}) {
		servers[string(s.ID)] = s
		switch s.Status {
		case compute.Active:
			active++
		case compute.Failed:
			failed++
		default:
			t.Errorf("server %s is %s", s.ID, s.Status)
		}
	}
	ports, addresses := map[string]int{}, map[string]string{}
	for _, p := range all(t, func(q page.Query) (page.Of[network.Port], error) {
		return c.Networks.Ports(ctx, network.Query{Query: q})
	}) {
		if !strings.HasPrefix(p.DeviceOwner, "compute:") {
			continue
		}
		ports[p.DeviceID]++
		if servers[p.DeviceID].Status != compute.Active {
			t.Errorf("port %s is held by %q, which is no active server", p.ID, p.DeviceID)
		}
		for _, a := range p.Addresses {
			if other := addresses[a.Address.String()]; other != "" {
				t.Errorf("address %s is held by %s and %s", a.Address, other, p.ID)
			}
			addresses[a.Address.String()] = string(p.ID)
		}
	}
	placed := map[string]bool{}
	for _, p := range all(t, func(q page.Query) (page.Of[scheduler.Placement], error) {
		return c.Scheduler.Placements(ctx, scheduler.PlacementQuery{Query: q})
	}) {
		placed[string(p.ConsumerID)] = true
		if servers[string(p.ConsumerID)].Status != compute.Active {
			t.Errorf("room is held by %s, which is no active server", p.ConsumerID)
		}
	}
	for id, s := range servers {
		if s.Status == compute.Active && (ports[id] != 1 || !placed[id]) {
			t.Errorf("server %s has %d ports, placed: %v", id, ports[id], placed[id])
		}
	}
	used, err := c.Servers.Quota(ctx, project)
	if err != nil || used.Used[compute.ResourceServers] != int64(len(servers)) {
		t.Errorf("quota counts %d servers of %d: %v", used.Used[compute.ResourceServers], len(servers), err)
	}
	return active, failed
}
