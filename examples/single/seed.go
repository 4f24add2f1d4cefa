package main

import (
	"context"
	"net/netip"

	"github.com/nacre-cloud/nacre"
	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

// The ids are fixed, so that seeding twice is seeding once.
const (
	publicNetwork = network.ID("00000000-0000-7000-8000-000000000001")
	publicSubnet  = network.SubnetID("00000000-0000-7000-8000-000000000002")
)

// seed gives a new cloud flavors and a network that leads outside.
func seed(ctx context.Context, cloud *nacre.Cloud, external netip.Prefix) error {
	caller := identity.System("single.seed")
	projects, err := cloud.Identity.Projects(identity.With(ctx, caller), identity.ProjectQuery{Name: "admin"})
	if err != nil || len(projects.Items) == 0 {
		return err // whoever used the directory before has made it theirs
	}
	caller.System, caller.ProjectID = false, string(projects.Items[0].ID)
	ctx = identity.With(ctx, caller)
	for _, f := range []compute.Flavor{
		{ID: "1", Name: "m1.tiny", VCPUs: 1, MemoryMiB: 128, RootGiB: 1, Public: true},
		{ID: "2", Name: "m1.small", VCPUs: 1, MemoryMiB: 512, RootGiB: 5, Public: true},
		{ID: "3", Name: "m1.medium", VCPUs: 2, MemoryMiB: 2048, RootGiB: 20, Public: true},
	} {
		if _, err := cloud.Servers.CreateFlavor(ctx, f); err != nil && fault.Of(err) != fault.Conflict {
			return err
		}
	}
	_, err = cloud.Networks.CreateNetwork(ctx, network.Spec{ID: publicNetwork, Base: network.Base{Name: "public"}, External: true})
	if err != nil {
		return err
	}
	_, err = cloud.Networks.CreateSubnet(ctx, network.SubnetSpec{
		ID: publicSubnet, Base: network.Base{Name: "public"}, NetworkID: publicNetwork, CIDR: external, NoDHCP: true,
	})
	return err
}
