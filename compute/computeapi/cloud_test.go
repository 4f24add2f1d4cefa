package computeapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computeapi"
	computememory "github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/image"
	imagememory "github.com/nacre-cloud/nacre/image/memory"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/runtest"
	"github.com/nacre-cloud/nacre/network"
	networkmemory "github.com/nacre-cloud/nacre/network/memory"
	"github.com/nacre-cloud/nacre/scheduler"
	"github.com/nacre-cloud/nacre/volume"
	volumememory "github.com/nacre-cloud/nacre/volume/memory"
)

// project is whose token the tests use, unless they use "admin".
const project = "p1"

// A cloud is the face on a real Manager, with everything else in RAM.
type cloud struct {
	t        testing.TB
	url      string
	servers  compute.Service
	networks network.Service
	volumes  volume.Service
	image    string
	network  string
}

func newCloud(t testing.TB) *cloud {
	t.Helper()
	d := dbtest.SQLite(t, bus.Migrations, flow.Migrations, quota.Migrations, image.Migrations, network.Migrations,
		volume.Migrations, scheduler.Migrations, compute.Migrations)
	e := flow.NewEngine(d, nil, flow.Config{})
	images, err := image.New(image.Params{DB: d, Flows: e, Stores: []image.Store{{Name: "memory", Driver: imagememory.New(imagememory.Config{})}}})
	must(t, err)
	networks, err := network.New(network.Params{DB: d, Hosts: []network.Host{{Name: "host1", Driver: networkmemory.New()}}})
	must(t, err)
	volumes, err := volume.New(volume.Params{DB: d, Flows: e, Backends: []volume.Backend{{Name: "memory", Driver: volumememory.New()}}})
	must(t, err)
	placer, err := scheduler.New(scheduler.Params{DB: d})
	must(t, err)
	host := computememory.New(computememory.Config{Inventory: compute.Inventory{VCPUs: 1 << 20, MemoryMiB: 1 << 30, DiskGiB: 1 << 20}})
	servers, err := compute.New(compute.Params{
		DB: d, Flows: e, Images: images, Networks: networks, Volumes: volumes, Scheduler: placer,
		Hosts: []compute.Host{{Name: "host1", Driver: host}},
	})
	must(t, err)
	agent := compute.NewAgent(compute.Host{Name: "host1", Driver: host}, placer, servers, nil)
	for _, p := range []any{images, networks, volumes, placer, servers, agent, e} {
		runtest.Start(t, p)
	}
	c := &cloud{t: t, servers: servers, networks: networks, volumes: volumes}
	c.url = serve(t, computeapi.Face(computeapi.Params{Servers: servers, Networks: networks, Images: images, Scheduler: placer}))
	c.seed(images)
	return c
}

// serve returns the address of a face. A token is a project's name, or "admin".
func serve(t testing.TB, face rest.Face) string {
	t.Helper()
	server, err := rest.New(rest.Params{Faces: []rest.Face{face}, Authenticator: rest.AuthenticatorFunc(
		func(ctx context.Context, token string) (context.Context, error) { return as(ctx, token), nil },
	)})
	must(t, err)
	s := httptest.NewServer(server.Handler())
	t.Cleanup(s.Close)
	return s.URL + "/compute/v2.1/"
}

func as(ctx context.Context, token string) context.Context {
	role := identity.RoleMember
	if token == "admin" {
		role = identity.RoleAdmin
	}
	return identity.With(ctx, identity.Caller{UserID: "user-of-" + token, ProjectID: token, Roles: identity.Expand(role)})
}

func (c *cloud) seed(images *image.Manager) {
	admin := as(c.t.Context(), "admin")
	i, err := images.CreateImage(admin, image.CreateSpec{Name: "image", Visibility: image.Public, DiskFormat: "raw", ContainerFormat: "bare"})
	must(c.t, err)
	_, err = images.Upload(admin, i.ID, bytes.NewReader(make([]byte, 4096)))
	must(c.t, err)
	member := as(c.t.Context(), project)
	n, err := c.networks.CreateNetwork(member, network.Spec{Base: network.Base{Name: "net"}})
	must(c.t, err)
	_, err = c.networks.CreateSubnet(member, network.SubnetSpec{NetworkID: n.ID, CIDR: netip.MustParsePrefix("10.0.0.0/16")})
	must(c.t, err)
	_, err = c.servers.CreateFlavor(admin, compute.Flavor{ID: "1", Name: "tiny", VCPUs: 1, MemoryMiB: 64, RootGiB: 1, Public: true})
	must(c.t, err)
	c.image, c.network = string(i.ID), string(n.ID)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// client returns a gophercloud client at a microversion.
func (c *cloud) client(token, version string) *gophercloud.ServiceClient {
	return &gophercloud.ServiceClient{
		ProviderClient: &gophercloud.ProviderClient{TokenID: token}, Endpoint: c.url, Type: "compute", Microversion: version,
	}
}

// A reply is an answer as a client without a library sees it.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// do sends a request: its method and path below /v2.1/ in one string.
func (c *cloud) do(token, version, request, body string) reply {
	c.t.Helper()
	method, path, _ := strings.Cut(request, " ")
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, strings.NewReader(body))
	must(c.t, err)
	req.Header.Set("X-Auth-Token", token)
	req.Header.Set("X-OpenStack-Nova-API-Version", version)
	res, err := http.DefaultClient.Do(req)
	must(c.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	must(c.t, err)
	out := reply{status: res.StatusCode, header: res.Header, text: string(text)}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out.body); err != nil {
			c.t.Fatalf("%s: %s", request, text)
		}
	}
	return out
}

// want is do that fails the test unless the status is this one.
func (c *cloud) want(status int, token, version, request, body string) reply {
	c.t.Helper()
	got := c.do(token, version, request, body)
	if got.status != status {
		c.t.Errorf("%s %s at %s: %d %s, want %d", request, body, version, got.status, got.text, status)
	}
	return got
}

// boot creates a server and waits until it is active.
func (c *cloud) boot(name string) string {
	c.t.Helper()
	got := c.want(http.StatusAccepted, project, "2.1", "POST servers",
		`{"server":{"name":"`+name+`","flavorRef":"1","imageRef":"`+c.image+`","metadata":{"k":"v"},"networks":[{"uuid":"`+c.network+`"}]}}`)
	id, _ := dig(got.body, "server", "id").(string)
	c.wait(id, "ACTIVE")
	return id
}

// wait returns when a server has a status and nothing is under way.
func (c *cloud) wait(id, status string) {
	c.t.Helper()
	flowtest.Eventually(c.t, "server "+id+" is "+status, func() bool {
		got := c.do(project, "2.1", "GET servers/"+id, "")
		if dig(got.body, "server", "status") == "ERROR" {
			c.t.Fatal(got.text)
		}
		s, err := c.servers.Server(as(c.t.Context(), project), compute.ServerID(id))
		must(c.t, err)
		return dig(got.body, "server", "status") == status && dig(got.body, "server", "OS-EXT-STS:task_state") == nil && s.Doing.Flow == ""
	})
}

// dig follows members, and elements where a step is a number.
func dig(v any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			l, _ := v.([]any)
			if s >= len(l) {
				return nil
			}
			v = l[s]
		}
	}
	return v
}
