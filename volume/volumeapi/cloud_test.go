package volumeapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identityapi"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
	"github.com/nacre-cloud/nacre/kit/quota"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/volume"
	"github.com/nacre-cloud/nacre/volume/memory"
	"github.com/nacre-cloud/nacre/volume/volumeapi"
)

// A cloud is identity and volumes behind one address, with the users ada of
// project blue, eve of project red, and rex who may only read in blue.
type cloud struct {
	t       *testing.T
	url     string
	volumes *volume.Manager
	images  *shelf
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	d := dbtest.SQLite(t, bus.Migrations, flow.Migrations, quota.Migrations, identity.Migrations, volume.Migrations)
	ids, auth := identitytest.On(t, d, identitytest.Config(t))
	engine, images := flow.NewEngine(d, nil, flow.Config{}), &shelf{}
	volumes, err := volume.New(volume.Params{
		DB: d, Flows: engine, Images: images, Sink: images, Backends: []volume.Backend{{Name: "ram", Driver: memory.New()}},
	})
	ok(t, err)
	ok(t, errors.Join(volumes.Start(t.Context()), engine.Start(t.Context())))
	server, err := rest.New(rest.Params{Faces: []rest.Face{identityapi.New(ids), volumeapi.New(volumes)}, Authenticator: auth})
	ok(t, err)
	s := httptest.NewServer(server.Handler())
	t.Cleanup(func() {
		s.Close()
		ctx := context.WithoutCancel(t.Context())
		ok(t, errors.Join(engine.Stop(ctx), volumes.Stop(ctx)))
	})
	for user, project := range map[string]string{"ada": "blue", "eve": "red", "rex": "blue"} {
		settle(t, ids, user, project)
	}
	return &cloud{t, s.URL, volumes, images}
}

// settle makes a user with a role in a project.
func settle(t *testing.T, ids *identity.Manager, user, project string) {
	t.Helper()
	ctx := identitytest.Admin(t.Context())
	role := identity.RoleMember
	if user == "rex" {
		role = identity.RoleReader
	}
	roles, err := ids.Roles(ctx, identity.RoleQuery{Name: role})
	ok(t, err)
	_, err = ids.CreateProject(ctx, identity.ProjectSpec{ID: identity.ProjectID(project), Name: project, DomainID: identity.DefaultDomain})
	if !errors.Is(err, fault.Conflict) {
		ok(t, err)
	}
	u, err := ids.CreateUser(ctx, identity.UserSpec{Name: user, DomainID: identity.DefaultDomain, Password: identitytest.Password})
	ok(t, err)
	ok(t, ids.Assign(ctx, identity.Assignment{UserID: u.ID, RoleID: roles.Items[0].ID, Scope: identity.On(identity.ProjectID(project))}))
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		ok(t, err)
		return v
	}
}

// as returns a client of the volume service, at a microversion unless it is empty.
func (c *cloud) as(user, version string) *gophercloud.ServiceClient {
	c.t.Helper()
	project := map[string]string{"admin": "admin", "ada": "blue", "eve": "red", "rex": "blue"}[user]
	p := must[*gophercloud.ProviderClient](c.t)(openstack.AuthenticatedClient(c.t.Context(), gophercloud.AuthOptions{
		IdentityEndpoint: c.url + "/identity/v3", Username: user, Password: identitytest.Password, DomainName: "Default", TenantName: project,
	}))
	client := must[*gophercloud.ServiceClient](c.t)(openstack.NewBlockStorageV3(p, gophercloud.EndpointOpts{Region: "RegionOne"}))
	client.Microversion = version
	return client
}

// An answer is what a call was answered with.
type answer struct {
	status int
	header http.Header
	body   map[string]any
	text   string
}

// call sends a body, if there is one, to a path below the project's.
func call(t *testing.T, c *gophercloud.ServiceClient, method, path, body string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.Endpoint+strings.TrimPrefix(path, "/"), strings.NewReader(body))
	ok(t, err)
	r.Header.Set("X-Auth-Token", c.Token())
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.Microversion != "" {
		r.Header.Set("OpenStack-API-Version", "volume "+c.Microversion)
	}
	res, err := http.DefaultClient.Do(r)
	ok(t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	ok(t, err)
	a := answer{status: res.StatusCode, header: res.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.body) // a test that needs it misses it
	return a
}

// eventually waits until a volume has a status, or is "gone".
func eventually(t *testing.T, c *gophercloud.ServiceClient, id, status string) {
	t.Helper()
	flowtest.Eventually(t, "volume "+id+" is "+status, func() bool {
		a := call(t, c, "GET", "/volumes/"+id, "")
		v, _ := a.body["volume"].(map[string]any)
		return status == "gone" && a.status == http.StatusNotFound || v["status"] == status
	})
}

// shelf is an image service with one image, which forgets what is uploaded.
type shelf struct{ uploaded int64 }

func (*shelf) Image(_ context.Context, id string) (volume.Image, error) {
	if id != "image" {
		return volume.Image{}, fault.NotFound.Errorf("image %s", id)
	}
	return volume.Image{ID: id, DiskFormat: "raw", SizeBytes: 5, MinDiskGiB: 2, Metadata: map[string]string{"os": "linux"}}, nil
}

func (*shelf) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("image")), nil
}

func (*shelf) CreateImage(context.Context, volume.ImageSpec) error { return nil }

func (s *shelf) UploadImage(_ context.Context, _ string, r io.Reader) (err error) {
	s.uploaded, err = io.Copy(io.Discard, r)
	return err
}

func (*shelf) DeleteImage(context.Context, string) error { return nil }
