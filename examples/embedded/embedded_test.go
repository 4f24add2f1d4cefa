package main

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

	"github.com/nacre-cloud/nacre/embedded"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

var prefix = netip.MustParsePrefix("10.0.0.0/16")

const interrupt = syscall.SIGINT

func password(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "admin-password"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// TestRealClient drives the cloud as its first user would.
func TestRealClient(t *testing.T) {
	cloud, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Stop(t.Context()) })
	provider, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{
		IdentityEndpoint: cloud.AuthURL(), Username: "admin", Password: cloud.Password, TenantName: "admin", DomainID: "default",
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := openstack.NewComputeV2(provider, gophercloud.EndpointOpts{Region: "RegionOne"})
	if err != nil {
		t.Fatal(err)
	}
	client.Microversion = "2.37" // has servers without networks
	s, err := servers.Create(t.Context(), client, servers.CreateOpts{
		Name: "first", FlavorRef: embedded.Flavor, ImageRef: string(embedded.Image), Networks: "none",
	}, nil).Extract()
	if err != nil {
		t.Fatal(err)
	}
	flowtest.Eventually(t, "the server is active", func() bool {
		s, err = servers.Get(t.Context(), client, s.ID).Extract()
		if err != nil {
			t.Fatal(err)
		}
		return s.Status == "ACTIVE"
	})
	if err := servers.Delete(t.Context(), client, s.ID).ExtractErr(); err != nil {
		t.Error(err)
	}
}
