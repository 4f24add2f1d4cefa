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
	"github.com/nacre-cloud/nacre/network"
)

func TestOfTwoServersWithOnePortTheFirstKeepsIt(t *testing.T) {
	c := newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{})
	c.tiny(t)
	ctx := identitytest.In(t, computetest.Project, identity.RoleMember)
	p, err := c.networks.CreatePort(ctx, network.PortSpec{NetworkID: network.ID(c.network)})
	must(t, err)
	spec := compute.CreateSpec{Name: "one of two", FlavorID: "1", ImageID: c.image, Networks: []compute.NetworkSpec{{PortID: string(p.ID)}}}
	late, state, err := c.Plan(ctx, spec) // while the port is free
	must(t, err)
	first, err := c.CreateServer(ctx, spec)
	must(t, err)
	c.becomes(t, first.ID, compute.Active)
	bound, err := c.networks.Port(ctx, p.ID)
	must(t, err)

	must(t, c.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := compute.Insert(ctx, tx, &late); err != nil {
			return err
		}
		return c.Boot(ctx, tx, state)
	}))
	c.becomes(t, late.ID, compute.Failed)
	c.keeps(t, bound)
	must(t, c.DeleteServer(ctx, late.ID))
	c.gone(t, late.ID)
	c.keeps(t, bound)
}

func TestAPortThatAnotherHasByNowStaysItsOwn(t *testing.T) {
	c := newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{})
	c.tiny(t)
	ctx := identitytest.In(t, computetest.Project, identity.RoleMember)
	p, err := c.networks.CreatePort(ctx, network.PortSpec{NetworkID: network.ID(c.network)})
	must(t, err)
	s, err := c.CreateServer(ctx, compute.CreateSpec{
		Name: "first", FlavorID: "1", ImageID: c.image, Networks: []compute.NetworkSpec{{PortID: string(p.ID)}},
	})
	must(t, err)
	c.becomes(t, s.ID, compute.Active)
	operator := identity.With(t.Context(), identity.System("test"))
	must(t, c.networks.Unbind(operator, network.UnbindSpec{Port: p.ID}))
	_, err = c.networks.Bind(operator, network.BindSpec{Port: p.ID, Host: "host1", ServerID: "somebody else"})
	must(t, err)
	given, err := c.networks.Port(ctx, p.ID)
	must(t, err)
	must(t, c.DeleteServer(ctx, s.ID))
	c.gone(t, s.ID)
	c.keeps(t, given)
}

// keeps fails the test unless a port belongs to whom it did, where it did.
func (c *cloud) keeps(t *testing.T, was network.Port) {
	t.Helper()
	p, err := c.networks.Port(identitytest.In(t, computetest.Project, identity.RoleMember), was.ID)
	must(t, err)
	if p.DeviceID != was.DeviceID || p.DeviceOwner != was.DeviceOwner || p.Host != was.Host {
		t.Errorf("the port is %q of %q on %q, was %q of %q on %q", p.DeviceID, p.DeviceOwner, p.Host, was.DeviceID, was.DeviceOwner, was.Host)
	}
}

// gone waits until a server is no more.
func (c *cloud) gone(t *testing.T, id compute.ServerID) {
	t.Helper()
	flowtest.Eventually(t, "the server is gone", func() bool {
		_, err := c.Server(identitytest.In(t, computetest.Project, identity.RoleMember), id)
		return fault.Of(err) == fault.NotFound
	})
}
