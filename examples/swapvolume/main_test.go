package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack"
	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"

	"github.com/nacre-cloud/nacre/embedded"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
)

func TestVolumesAreFilesOnTheNAS(t *testing.T) {
	dir := t.TempDir()
	client := connect(t, dir)
	v, err := volumes.Create(t.Context(), client, volumes.CreateOpts{Name: "disk", Size: 2}, nil).Extract()
	if err != nil {
		t.Fatal(err)
	}
	flowtest.Eventually(t, "the volume is available", func() bool {
		v, err = volumes.Get(t.Context(), client, v.ID).Extract()
		return err == nil && v.Status == "available"
	})
	file := filepath.Join(dir, v.ID)
	if info, err := os.Stat(file); err != nil || info.Size() != 2<<30 {
		t.Fatalf("%v, %v", info, err)
	}
	if err := volumes.Delete(t.Context(), client, v.ID, nil).ExtractErr(); err != nil {
		t.Fatal(err)
	}
	flowtest.Eventually(t, "the file is gone", func() bool {
		_, err := os.Stat(file)
		return os.IsNotExist(err)
	})
}

// connect starts the cloud and returns what its administrator talks to volumes with.
func connect(t *testing.T, dir string) *gophercloud.ServiceClient {
	t.Helper()
	cloud, err := embedded.Start(t.Context(), embedded.Config{Dir: t.TempDir(), Options: withNAS(dir)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cloud.Stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	provider, err := openstack.AuthenticatedClient(t.Context(), gophercloud.AuthOptions{
		IdentityEndpoint: cloud.AuthURL(), Username: "admin", Password: cloud.Password, TenantName: "admin", DomainName: "Default",
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := openstack.NewBlockStorageV3(provider, gophercloud.EndpointOpts{})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
