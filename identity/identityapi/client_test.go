package identityapi_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/applicationcredentials"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/catalog"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/domains"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/endpoints"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/groups"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/projects"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/roles"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/users"
	"github.com/gophercloud/gophercloud/v2/pagination"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identityapi"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/rest"
	"github.com/nacre-cloud/nacre/kit/rest/dialect"
)

// serve returns the address of a cloud that has only identity, and a volume
// service in its catalog.
func serve(t testing.TB, c identity.Config) string {
	t.Helper()
	m, auth := identitytest.New(t, c)
	volume := rest.Face{
		Name: "volume", Prefix: "/volume", Dialect: dialect.Keyed,
		Services: []rest.Service{{Type: "block-storage", Name: "cinder", Path: "/v3/%(project_id)s"}},
	}
	server, err := rest.New(rest.Params{Faces: []rest.Face{identityapi.New(m), volume}, Authenticator: auth})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(server.Handler())
	t.Cleanup(s.Close)
	return s.URL + "/identity"
}

func must[T any](t testing.TB) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func admin(t testing.TB, url string) *gophercloud.ServiceClient {
	t.Helper()
	return client(t, gophercloud.AuthOptions{
		IdentityEndpoint: url, Username: "admin", Password: identitytest.Password, DomainName: "Default", TenantName: "admin",
	})
}

func client(t testing.TB, o gophercloud.AuthOptions) *gophercloud.ServiceClient {
	t.Helper()
	p := must[*gophercloud.ProviderClient](t)(openstack.AuthenticatedClient(t.Context(), o))
	return must[*gophercloud.ServiceClient](t)(openstack.NewIdentityV3(p, gophercloud.EndpointOpts{Region: "RegionOne"}))
}

// pages reads a whole list.
func pages(t testing.TB, p pagination.Pager) pagination.Page {
	t.Helper()
	return must[pagination.Page](t)(p.AllPages(t.Context()))
}

// TestGophercloud does what an operator does, with a real client.
func TestGophercloud(t *testing.T) {
	url, ctx := serve(t, identitytest.Config(t)), t.Context()
	c := admin(t, url)

	d := must[*domains.Domain](t)(domains.Create(ctx, c, domains.CreateOpts{Name: "engineering"}).Extract())
	p := must[*projects.Project](t)(projects.Create(ctx, c, projects.CreateOpts{Name: "web", DomainID: d.ID, Tags: []string{"a"}}).Extract())
	if p.ParentID != d.ID || len(p.Tags) != 1 {
		t.Errorf("%+v", p)
	}
	u := must[*users.User](t)(users.Create(ctx, c, users.CreateOpts{
		Name: "ada", DomainID: d.ID, Password: "engine", Extra: map[string]any{"team": "analytical"},
	}).Extract())
	if u.Extra["team"] != "analytical" {
		t.Errorf("%+v", u)
	}
	all := must[[]roles.Role](t)(roles.ExtractRoles(pages(t, roles.List(c, roles.ListOpts{Name: "member"}))))
	if len(all) != 1 {
		t.Fatalf("%v", all)
	}
	ok(t, roles.Assign(ctx, c, all[0].ID, roles.AssignOpts{UserID: u.ID, ProjectID: p.ID}).ExtractErr())
	yes, no := true, false
	assigned := must[[]roles.RoleAssignment](t)(roles.ExtractRoleAssignments(pages(t,
		roles.ListAssignments(c, roles.ListAssignmentsOpts{UserID: u.ID, IncludeNames: &yes}))))
	if len(assigned) != 1 || assigned[0].User.Name != "ada" || assigned[0].Scope.Project.Domain.Name != "engineering" || assigned[0].Role.Name != "member" {
		t.Errorf("%+v", assigned)
	}

	mine := client(t, gophercloud.AuthOptions{IdentityEndpoint: url + "/v3", Username: "ada", DomainID: d.ID, Password: "engine", TenantID: p.ID})
	project := must[*tokens.Project](t)(tokens.Get(ctx, mine, mine.Token()).ExtractProject())
	if project.Name != "web" || project.Domain.Name != "engineering" {
		t.Errorf("%+v", project)
	}
	entries := must[[]tokens.CatalogEntry](t)(catalog.ExtractServiceCatalog(pages(t, catalog.List(mine))))
	if len(entries) != 2 || len(entries[1].Endpoints) != 3 || !strings.HasSuffix(entries[1].Endpoints[0].URL, "/volume/v3/"+p.ID) {
		t.Errorf("%+v", entries)
	}
	secret := must[*applicationcredentials.ApplicationCredential](t)(applicationcredentials.Create(ctx, mine, u.ID,
		applicationcredentials.CreateOpts{Name: "ci", Roles: []applicationcredentials.Role{{Name: "reader"}}}).Extract())
	robot := client(t, gophercloud.AuthOptions{IdentityEndpoint: url, ApplicationCredentialID: secret.ID, ApplicationCredentialSecret: secret.Secret})
	if got := must[[]tokens.Role](t)(tokens.Get(ctx, robot, robot.Token()).ExtractRoles()); len(got) != 1 || got[0].Name != "reader" {
		t.Errorf("%+v", got)
	}
	g := must[*groups.Group](t)(groups.Create(ctx, c, groups.CreateOpts{Name: "team", DomainID: d.ID}).Extract())
	ok(t, users.AddToGroup(ctx, c, g.ID, u.ID).ExtractErr())
	if in := must[bool](t)(users.IsMemberOfGroup(ctx, c, g.ID, u.ID).Extract()); !in {
		t.Error("not in the group")
	}
	ok(t, users.ChangePassword(ctx, mine, u.ID, users.ChangePasswordOpts{OriginalPassword: "engine", Password: "difference"}).ExtractErr())
	if good, err := tokens.Validate(ctx, c, mine.Token()); err != nil || good {
		t.Errorf("the token survived a new password: %v %v", good, err)
	}
	ok(t, roles.Unassign(ctx, c, all[0].ID, roles.UnassignOpts{UserID: u.ID, ProjectID: p.ID}).ExtractErr())
	if listed := must[[]endpoints.Endpoint](t)(endpoints.ExtractEndpoints(pages(t, endpoints.List(c, nil)))); len(listed) != 6 {
		t.Errorf("%v", listed)
	}
	must[*domains.Domain](t)(domains.Update(ctx, c, d.ID, domains.UpdateOpts{Enabled: &no}).Extract())
	ok(t, domains.Delete(ctx, c, d.ID).ExtractErr())
}
