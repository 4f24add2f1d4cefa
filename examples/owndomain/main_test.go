package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/gophercloud/gophercloud/v2/openstack/identity/v3/tokens"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/networks"
	"github.com/gophercloud/gophercloud/v2/openstack/networking/v2/subnets"

	"github.com/nacre-cloud/nacre/embedded"
	"github.com/nacre-cloud/nacre/examples/owndomain/dns"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

func TestAServerHasAName(t *testing.T) {
	c := dns.Config{Zone: "cloud.example", Dir: t.TempDir()}
	provider := login(t, c)
	compute, err := openstack.NewComputeV2(provider, gophercloud.EndpointOpts{})
	ok(t, err)
	server := boot(t, provider, compute, "Web 1")

	endpoint, err := provider.EndpointLocator(gophercloud.EndpointOpts{Type: "dns-records", Availability: gophercloud.AvailabilityPublic})
	ok(t, err)
	names := &gophercloud.ServiceClient{ProviderClient: provider, Endpoint: endpoint}
	var list struct {
		Records []struct {
			ServerID string `json:"server_id"`
			Name     string `json:"name"`
			Address  string `json:"address"`
		} `json:"records"`
	}
	flowtest.Eventually(t, "the server has a name", func() bool {
		_, err := names.Get(t.Context(), names.ServiceURL("records"), &list, nil) //nolint:bodyclose // it was read
		ok(t, err)
		return len(list.Records) == 1
	})
	r, file := list.Records[0], filepath.Join(c.Dir, server)
	if want := "web-1." + projectOf(t, provider) + ".cloud.example"; r.ServerID != server || r.Name != want {
		t.Errorf("%+v, want %s", r, want)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != r.Address+" "+r.Name+"\n" {
		t.Errorf("%q, %v", text, err)
	}

	ok(t, servers.Delete(t.Context(), compute, server).ExtractErr())
	flowtest.Eventually(t, "the name is gone", func() bool {
		_, err := names.Get(t.Context(), names.ServiceURL("records", server), nil, nil) //nolint:bodyclose // it was read
		_, left := os.Stat(file)
		return gophercloud.ResponseCodeIs(err, 404) && os.IsNotExist(left)
	})
}

// login starts the cloud and logs in as its administrator.
func login(t *testing.T, c dns.Config) *gophercloud.ProviderClient {
	t.Helper()
	cloud, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), Options: withDNS(c)})
	ok(t, err)
	t.Cleanup(func() { ok(t, cloud.Stop(context.WithoutCancel(t.Context()))) })
	provider, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{
		IdentityEndpoint: cloud.AuthURL(), Username: "admin", Password: cloud.Password, TenantName: "admin", DomainName: "Default",
	})
	ok(t, err)
	return provider
}

// boot makes a network with a server on it.
func boot(t *testing.T, p *gophercloud.ProviderClient, compute *gophercloud.ServiceClient, name string) string {
	t.Helper()
	client, err := openstack.NewNetworkV2(p, gophercloud.EndpointOpts{})
	ok(t, err)
	n, err := networks.Create(t.Context(), client, networks.CreateOpts{Name: "private"}).Extract()
	ok(t, err)
	_, err = subnets.Create(t.Context(), client, subnets.CreateOpts{NetworkID: n.ID, CIDR: "10.0.0.0/24", IPVersion: 4}).Extract()
	ok(t, err)
	s, err := servers.Create(t.Context(), compute, servers.CreateOpts{
		Name: name, FlavorRef: embedded.Flavor, ImageRef: string(embedded.Image), Networks: []servers.Network{{UUID: n.ID}},
	}, nil).Extract()
	ok(t, err)
	return s.ID
}

func projectOf(t *testing.T, p *gophercloud.ProviderClient) string {
	t.Helper()
	project, err := p.GetAuthResult().(tokens.CreateResult).ExtractProject()
	ok(t, err)
	return project.ID
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
