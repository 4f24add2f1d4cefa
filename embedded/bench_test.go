package embedded_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/embedded"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/network"
)

// client is a cloud, and a user of it over HTTP.
type client struct {
	*embedded.Cloud
	token string
	ctx   context.Context // of the administrator, for calls without HTTP
}

func newClient(b *testing.B) *client {
	b.Helper()
	was := debug.SetGCPercent(400) // as examples/embedded does
	b.Cleanup(func() { debug.SetGCPercent(was) })
	cloud, err := embedded.Start(b.Context(), embedded.Config{Dir: b.TempDir(), Hosts: 8})
	check(b, err)
	b.Cleanup(func() { check(b, cloud.Stop(context.Background())) })
	c := &client{Cloud: cloud}
	c.logIn(b)
	system := identity.With(b.Context(), identity.System("bench"))
	projects, err := cloud.Identity.Projects(system, identity.ProjectQuery{Name: "admin"})
	check(b, err)
	caller := identity.System("bench")
	caller.System, caller.ProjectID = false, string(projects.Items[0].ID)
	c.ctx = identity.With(b.Context(), caller)
	_, err = cloud.Servers.SetQuota(c.ctx, compute.QuotaPatch{ProjectID: caller.ProjectID, Limits: quota.Amount{
		compute.ResourceServers: -1, compute.ResourceCores: -1, compute.ResourceMemoryMiB: -1,
	}})
	check(b, err)
	_, err = cloud.Networks.SetQuota(c.ctx, network.QuotaPatch{ProjectID: caller.ProjectID, Limits: quota.Amount{network.ResourcePorts: -1}})
	check(b, err)
	n, err := cloud.Networks.CreateNetwork(c.ctx, network.Spec{Base: network.Base{Name: "bench"}})
	check(b, err)
	_, err = cloud.Networks.CreateSubnet(c.ctx, network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.0.0.0/14")})
	check(b, err)
	return c
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (c *client) logIn(b *testing.B) {
	b.Helper()
	body := fmt.Sprintf(`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"admin","domain":{"id":"default"},"password":%q}}},
		"scope":{"project":{"name":"admin","domain":{"id":"default"}}}}}`, c.Password)
	res, err := http.Post(c.AuthURL()+"/auth/tokens", "application/json", strings.NewReader(body))
	check(b, err)
	defer res.Body.Close()
	c.token = res.Header.Get("X-Subject-Token")
}

// request returns the bytes of a request, to be sent many times.
func (c *client) request(method, path, body string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: nacre\r\nX-Auth-Token: %s\r\nX-Subject-Token: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
		method, path, c.token, c.token, len(body), body)
}

// A wire is a connection that does no more than a load generator such as wrk, so
// that the cores are left to the cloud.
type wire struct {
	net.Conn
	in *bufio.Reader
}

func (c *client) dial(b *testing.B) *wire {
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.URL(), "http://"))
	check(b, err)
	return &wire{conn, bufio.NewReaderSize(conn, 64<<10)}
}

// call sends a request and returns the body of the answer.
func (w *wire) call(b *testing.B, request []byte, want int) []byte {
	_, err := w.Write(request)
	var res *http.Response
	if err == nil {
		res, err = http.ReadResponse(w.in, nil)
	}
	if err != nil {
		b.Error(err)
		return nil
	}
	defer res.Body.Close()
	body := make([]byte, max(0, res.ContentLength))
	if _, err = io.ReadFull(res.Body, body); err != nil || res.StatusCode != want {
		b.Errorf("%s: %s %v", res.Status, body, err)
	}
	return body
}

// boot makes n servers over HTTP from 16 connections and waits until all are active.
func (c *client) boot(b *testing.B, n int) {
	b.Helper()
	request := c.request(http.MethodPost, "/compute/v2.1/servers",
		fmt.Sprintf(`{"server":{"name":"bench","flavorRef":%q,"imageRef":%q}}`, embedded.Flavor, embedded.Image))
	work := make(chan int)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			wire := c.dial(b)
			defer wire.Close()
			for range work {
				wire.call(b, request, http.StatusAccepted)
			}
		})
	}
	for i := range n {
		work <- i
	}
	close(work)
	wg.Wait()
	building := compute.Query{AllProjects: true, Status: []compute.Status{compute.Building}}
	building.Limit = 1
	for {
		p, err := c.Servers.Servers(c.ctx, building)
		check(b, err)
		if len(p.Items) == 0 {
			return
		}
		<-time.After(20 * time.Millisecond)
	}
}

// BenchmarkBoot is POST to ACTIVE: HTTP, quota, scheduler, network, driver and
// every save, on SQLite with synchronous=FULL.
func BenchmarkBoot(b *testing.B) {
	c := newClient(b)
	c.boot(b, 20)
	b.ResetTimer()
	c.boot(b, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "servers/s")
	failed := compute.Query{AllProjects: true, Status: []compute.Status{compute.Failed}}
	if p, err := c.Servers.Servers(c.ctx, failed); err != nil || len(p.Items) > 0 {
		b.Fatalf("%d servers failed: %v: %v", len(p.Items), err, p.Items[0].Fault)
	}
}

// BenchmarkListServers is GET /servers/detail of 1,000 servers.
func BenchmarkListServers(b *testing.B) {
	c := newClient(b)
	c.boot(b, 1000)
	wire, request := c.dial(b), c.request(http.MethodGet, "/compute/v2.1/servers/detail?limit=1000", "")
	defer wire.Close()
	var text []byte
	for b.Loop() {
		text = wire.call(b, request, http.StatusOK)
	}
	b.SetBytes(int64(len(text)))
	var list struct{ Servers []json.RawMessage }
	check(b, json.Unmarshal(text, &list))
	if len(list.Servers) != 1000 {
		b.Errorf("%d servers", len(list.Servers))
	}
}

// BenchmarkValidateToken is GET /v3/auth/tokens over HTTP from 16 connections.
func BenchmarkValidateToken(b *testing.B) {
	c := newClient(b)
	b.SetParallelism(8)
	b.ResetTimer()
	request := c.request(http.MethodGet, "/identity/v3/auth/tokens?nocatalog", "")
	b.RunParallel(func(p *testing.PB) {
		wire := c.dial(b)
		defer wire.Close()
		for p.Next() {
			wire.call(b, request, http.StatusOK)
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "validations/s")
}

// BenchmarkStart is the time from nothing to a cloud that answers.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		cloud, err := embedded.Start(b.Context(), embedded.Config{Dir: b.TempDir()})
		check(b, err)
		check(b, cloud.Stop(context.Background()))
	}
}
