package compute_test

import (
	"context"
	"testing"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/compute/computetest"
	computememory "github.com/nacre-cloud/nacre/compute/memory"
	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/identitytest"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/db/dbtest"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow/flowtest"
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

// disk makes a volume of the project.
func (c *cloud) disk(t *testing.T) volume.ID {
	t.Helper()
	ctx := identitytest.In(t, computetest.Project, identity.RoleMember)
	v, err := c.volumes.CreateVolume(ctx, volume.CreateSpec{SizeGiB: 1})
	must(t, err)
	c.diskBecomes(t, v.ID, "available")
	return v.ID
}

func (c *cloud) diskBecomes(t *testing.T, id volume.ID, want string) {
	t.Helper()
	flowtest.Eventually(t, "the volume is "+want, func() bool {
		v, err := c.volumes.Volume(identitytest.In(t, computetest.Project, identity.RoleMember), id)
		must(t, err)
		return v.State() == want
	})
}

// forgetful is a volume service whose caller is gone when it has reserved a volume.
type forgetful struct {
	volume.Service
	leave *context.CancelFunc
}

func (f forgetful) Attach(ctx context.Context, s volume.AttachSpec) (volume.Attachment, error) {
	a, err := f.Service.Attach(ctx, s)
	(*f.leave)()
	return a, err
}

func TestAVolumeIsAttachedThoughWhoeverAskedIsGone(t *testing.T) {
	ctx, leave := context.WithCancel(identitytest.In(t, computetest.Project, identity.RoleMember))
	c := newConfigured(t, dbtest.SQLite(t, migrations...), computememory.Config{}, compute.Config{}, func(p *compute.Params) {
		p.Volumes = forgetful{p.Volumes, &leave}
	})
	s, v := c.server(t, "left"), c.disk(t)
	_, _ = c.AttachVolume(ctx, compute.AttachVolumeSpec{ServerID: s.ID, VolumeID: string(v)})
	c.diskBecomes(t, v, "in-use")
	c.becomes(t, s.ID, compute.Active)
}

func TestAttachVolume(t *testing.T) {
	flowtest.Prove(t, func(t *testing.T) flowtest.World[compute.DiskState] {
		c := newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{})
		s, v := c.server(t, "proved"), c.disk(t)
		has := func(t *testing.T, n int, state string) {
			t.Helper()
			c.diskBecomes(t, v, state)
			now, err := c.Server(identitytest.In(t, computetest.Project, identity.RoleMember), s.ID)
			must(t, err)
			if g, _ := c.host.Guest(s.ID); len(g.Disks) != n || len(now.Disks) != n {
				t.Errorf("the guest has %d disks and its row %d, want %d", len(g.Disks), len(now.Disks), n)
			}
		}
		return flowtest.World[compute.DiskState]{
			DB: c.db, Flow: c.AttachVolumeFlow(), Subject: "server/" + string(s.ID), Context: identitytest.In(t, computetest.Project, identity.RoleMember),
			State: compute.DiskState{Server: s.ID, Host: "host1", Disk: compute.ServerDisk{VolumeID: string(v), AttachmentID: db.NewID(), Device: "/dev/vdb"}},
			Done:  func(t *testing.T) { has(t, 1, "in-use") },
			Clean: func(t *testing.T) { has(t, 0, "available") },
		}
	})
}
