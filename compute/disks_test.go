package compute_test

import (
	"context"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computetest"
	computememory "github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/volume"
)

func TestABootThatFailsLeavesAVolumeWithASnapshot(t *testing.T) {
	ctx := identitytest.In(t, computetest.Project, identity.RoleMember)
	var c *cloud
	c = newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{Before: func(_ context.Context, method string, _ compute.ServerID) error {
		if method != "Spawn" {
			return nil
		}
		all, err := c.volumes.Volumes(ctx, volume.Query{})
		if err != nil {
			return err
		}
		if _, err := c.volumes.CreateSnapshot(ctx, volume.SnapshotSpec{VolumeID: all.Items[0].ID, Force: true}); err != nil {
			return err
		}
		return fault.Invalid.Errorf("told to")
	}})
	c.tiny(t)
	s, err := c.CreateServer(ctx, compute.CreateSpec{
		Name: "refused", FlavorID: "1", NoNetwork: true, BlockDevices: []compute.BlockDevice{{Boot: true, ImageID: c.image, SizeGiB: 1}},
	})
	must(t, err)
	c.becomes(t, s.ID, compute.Failed)
	all, err := c.volumes.Volumes(ctx, volume.Query{})
	must(t, err)
	if len(all.Items) != 1 || all.Items[0].State() != string(volume.Available) {
		t.Errorf("volumes: %+v", all.Items)
	}
}
