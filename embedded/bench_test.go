package embedded_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
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
	http  *http.Client
	token string
	ctx   context.Context // of the administrator, for calls without HTTP
}

func newClient(b *testing.B) *client {
	b.Helper()
	cloud, err := embedded.Start(b.Context(), embedded.Config{Dir: b.TempDir(), Hosts: 8})
	check(b, err)
	b.Cleanup(func() { check(b, cloud.Stop(context.Background())) })
	c := &client{Cloud: cloud, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
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
	res, err := c.http.Post(c.AuthURL()+"/auth/tokens", "application/json", strings.NewReader(body))
	check(b, err)
	defer res.Body.Close()
	c.token = res.Header.Get("X-Subject-Token")
}

func (c *client) call(b *testing.B, method, path, body string, want int) []byte {
	req, err := http.NewRequestWithContext(b.Context(), method, c.URL()+path, strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return nil
	}
	req.Header.Set("X-Auth-Token", c.token)
	req.Header.Set("X-Subject-Token", c.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		b.Error(err)
		return nil
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != want {
		b.Errorf("%s %s: %s %s %v", method, path, res.Status, text, err)
	}
	return text
}

// boot makes n servers over HTTP from 16 connections and waits until all are active.
func (c *client) boot(b *testing.B, n int) {
	b.Helper()
	body := fmt.Sprintf(`{"server":{"name":"bench","flavorRef":%q,"imageRef":%q}}`, embedded.Flavor, embedded.Image)
	work := make(chan int)
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range work {
				c.call(b, http.MethodPost, "/compute/v2.1/servers", body, http.StatusAccepted)
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
// every save, on SQLite with synchronous=NORMAL.
func BenchmarkBoot(b *testing.B) {
	c := newClient(b)
	c.boot(b, 20)
	b.ResetTimer()
	c.boot(b, b.N)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "servers/s")
	failed := compute.Query{AllProjects: true, Status: []compute.Status{compute.Failed}}
	if p, err := c.Servers.Servers(c.ctx, failed); err != nil || len(p.Items) > 0 {
		b.Errorf("%d servers failed: %v", len(p.Items), err)
	}
}

// BenchmarkListServers is GET /servers/detail of 1,000 servers.
func BenchmarkListServers(b *testing.B) {
	c := newClient(b)
	c.boot(b, 1000)
	b.ResetTimer()
	for b.Loop() {
		text := c.call(b, http.MethodGet, "/compute/v2.1/servers/detail?limit=1000", "", http.StatusOK)
		b.SetBytes(int64(len(text)))
	}
	b.StopTimer()
	var list struct{ Servers []json.RawMessage }
	check(b, json.Unmarshal(c.call(b, http.MethodGet, "/compute/v2.1/servers/detail?limit=1000", "", http.StatusOK), &list))
	if len(list.Servers) != 1000 {
		b.Errorf("%d servers", len(list.Servers))
	}
}

// BenchmarkValidateToken is GET /v3/auth/tokens over HTTP from 16 connections.
func BenchmarkValidateToken(b *testing.B) {
	c := newClient(b)
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			c.call(b, http.MethodGet, "/identity/v3/auth/tokens?nocatalog", "", http.StatusOK)
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
