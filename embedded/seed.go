package embedded

import (
	"bytes"
	"context"
	"net/netip"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/image"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/network"
)

// What a new cloud holds. The ids are fixed, so that seeding twice is seeding once.
const (
	PublicNetwork = network.ID("00000000-0000-7000-8000-000000000001")
	publicIPv4    = network.SubnetID("00000000-0000-7000-8000-000000000002")
	publicIPv6    = network.SubnetID("00000000-0000-7000-8000-000000000003")
	Image         = image.ID("00000000-0000-7000-8000-000000000011")
	OtherImage    = image.ID("00000000-0000-7000-8000-000000000012")
	Flavor        = "1" // m1.tiny
	OtherFlavor   = "2" // m1.small
)

// seed gives a new cloud two flavors, two images and a network that leads outside.
func (c *Cloud) seed(ctx context.Context) error {
	projects, err := c.Identity.Projects(identity.With(ctx, identity.System("embedded.seed")), identity.ProjectQuery{Name: "admin"})
	if err != nil {
		return err
	}
	if len(projects.Items) == 0 {
		return nil // whoever used the directory before has made it theirs
	}
	caller := identity.System("embedded.seed")
	caller.System, caller.ProjectID = false, string(projects.Items[0].ID)
	ctx = identity.With(ctx, caller)
	for _, f := range []compute.Flavor{
		{ID: Flavor, Name: "m1.tiny", VCPUs: 1, MemoryMiB: 128, RootGiB: 1, Public: true},
		{ID: OtherFlavor, Name: "m1.small", VCPUs: 2, MemoryMiB: 256, RootGiB: 2, Public: true},
	} {
		if _, err := c.Servers.CreateFlavor(ctx, f); err != nil && fault.Of(err) != fault.Conflict {
			return err
		}
	}
	for id, name := range map[image.ID]string{Image: "demo", OtherImage: "demo-alt"} {
		if err := c.seedImage(ctx, id, name); err != nil {
			return err
		}
	}
	return c.seedNetwork(ctx)
}

// seedImage makes an image of zeros: servers in RAM read nothing.
func (c *Cloud) seedImage(ctx context.Context, id image.ID, name string) error {
	i, err := c.Images.CreateImage(ctx, image.CreateSpec{
		ID: id, Name: name, Visibility: image.Public, DiskFormat: "raw", ContainerFormat: "bare",
	})
	if err != nil || i.Status != image.Queued {
		return err
	}
	_, err = c.Content.Upload(ctx, id, bytes.NewReader(make([]byte, 64<<10)))
	return err
}

func (c *Cloud) seedNetwork(ctx context.Context) error {
	_, err := c.Networks.CreateNetwork(ctx, network.Spec{ID: PublicNetwork, Base: network.Base{Name: "public"}, External: true})
	if err != nil {
		return err
	}
	for id, cidr := range map[network.SubnetID]string{publicIPv4: "203.0.112.0/22", publicIPv6: "2001:db8:ffff::/64"} {
		_, err := c.Networks.CreateSubnet(ctx, network.SubnetSpec{
			ID: id, Base: network.Base{Name: "public"}, NetworkID: PublicNetwork, CIDR: netip.MustParsePrefix(cidr), NoDHCP: true,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
