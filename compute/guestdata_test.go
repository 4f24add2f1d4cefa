package compute_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computetest"
	computememory "github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/network"
)

// TestABootingServerFindsItsMetadata asks while the guest runs and its row does not say so yet.
func TestABootingServerFindsItsMetadata(t *testing.T) {
	spawning, goOn := make(chan compute.ServerID), make(chan struct{})
	c := newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{Before: func(_ context.Context, method string, id compute.ServerID) error {
		if method == "Spawn" {
			spawning <- id
			<-goOn
		}
		return nil
	}})
	c.tiny(t)
	ctx := identitytest.In(t, computetest.Project, identity.RoleMember)
	p, err := c.networks.CreatePort(ctx, network.PortSpec{NetworkID: network.ID(c.network)})
	must(t, err)
	s, err := c.CreateServer(ctx, compute.CreateSpec{
		Name: "early", FlavorID: "1", ImageID: c.image, Networks: []compute.NetworkSpec{{PortID: string(p.ID)}, {NetworkID: c.network}},
	})
	must(t, err)
	<-spawning
	host := identity.With(t.Context(), identity.System("test"))
	g, err := c.GuestData(host, compute.GuestAddress{NetworkID: c.network, IP: p.Addresses[0].Address.String()})
	must(t, err)
	var told struct {
		Links []struct {
			MAC string `json:"ethernet_mac_address"`
		}
	}
	must(t, json.Unmarshal(g.Files["openstack/latest/network_data.json"], &told))
	if g.ServerID != s.ID || g.Address != p.Addresses[0].Address.String() || len(told.Links) != 2 || told.Links[0].MAC != p.MAC || told.Links[1].MAC == "" {
		t.Errorf("server %s at %s with links %+v", g.ServerID, g.Address, told.Links)
	}
	close(goOn)
	c.becomes(t, s.ID, compute.Active)
}
