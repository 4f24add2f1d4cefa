package compute_test

import (
	"context"
	"sync/atomic"
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
)

func TestAGuestThatStopsByItselfIsSeen(t *testing.T) {
	c := newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{})
	s := c.server(t, "crashes")
	c.host.Crash(s.ID)
	c.becomes(t, s.ID, compute.ShutOff)
}

// server makes one that is Active.
func (c *cloud) server(t *testing.T, name string) compute.Server {
	t.Helper()
	ctx := identitytest.In(t, computetest.Project, identity.RoleMember)
	if _, err := c.Flavor(ctx, "1"); err != nil {
		c.tiny(t)
	}
	s, err := c.CreateServer(ctx, compute.CreateSpec{Name: name, FlavorID: "1", ImageID: c.image, NoNetwork: true})
	must(t, err)
	c.becomes(t, s.ID, compute.Active)
	return s
}

// order gives one and waits until it is done.
func (c *cloud) order(t *testing.T, id compute.ServerID, do compute.Order, want compute.Status) {
	t.Helper()
	must(t, c.Power(identitytest.In(t, computetest.Project, identity.RoleMember), compute.PowerSpec{ID: id, Do: do}))
	c.becomes(t, id, want)
}

func TestServersThatRanComeBackAfterAPowerCut(t *testing.T) {
	for name, config := range map[string]compute.Config{"started again": {}, "left off": {LeaveOff: true}} {
		t.Run(name, func(t *testing.T) {
			c := newConfigured(t, dbtest.SQLite(t, migrations...), computememory.Config{}, config)
			ran, stopped, held, asleep := c.server(t, "ran"), c.server(t, "stopped"), c.server(t, "held"), c.server(t, "asleep")
			c.order(t, stopped.ID, compute.Stop, compute.ShutOff)
			c.order(t, held.ID, compute.Pause, compute.OnHold)
			c.order(t, asleep.ID, compute.Suspend, compute.Asleep)

			c.host.PowerCut()
			c.becomes(t, held.ID, compute.ShutOff)
			want := map[compute.ServerID]compute.Power{ran.ID: compute.Running, stopped.ID: compute.Cut, held.ID: compute.Cut, asleep.ID: compute.Suspended}
			if config.LeaveOff {
				want[ran.ID] = compute.Cut
				c.becomes(t, ran.ID, compute.ShutOff)
			}
			flowtest.Eventually(t, "each guest is as it should be", func() bool {
				guests, err := c.host.Guests(t.Context())
				must(t, err)
				for _, g := range guests {
					if g.Power != want[g.ID] {
						return false
					}
				}
				return len(guests) == len(want)
			})
			if !config.LeaveOff {
				c.becomes(t, ran.ID, compute.Active)
			}
			must(t, c.Reconcile(t.Context()))
			for id, power := range want {
				c.becomes(t, id, map[compute.Power]compute.Status{compute.Running: compute.Active, compute.Cut: compute.ShutOff, compute.Suspended: compute.Asleep}[power])
			}
			c.order(t, held.ID, compute.Start, compute.Active)
		})
	}
}

func TestAServerThatCannotComeBackStaysOff(t *testing.T) {
	var broken atomic.Bool
	c := newCloud(t, dbtest.SQLite(t, migrations...), computememory.Config{Before: func(_ context.Context, method string, _ compute.ServerID) error {
		if method == "SetPower" && broken.Load() {
			return fault.Exhausted.Errorf("half the memory is gone")
		}
		return nil
	}})
	s := c.server(t, "unlucky")
	broken.Store(true)
	c.host.PowerCut()
	c.becomes(t, s.ID, compute.ShutOff)
	must(t, c.Reconcile(t.Context()))
	actions, err := c.Actions(identitytest.In(t, computetest.Project, identity.RoleMember), compute.ActionQuery{ServerID: s.ID})
	must(t, err)
	if got := actions.Items[0]; len(actions.Items) != 2 || got.Name != "start" || got.Message == "" || got.UserID != "system:compute.agent" {
		t.Errorf("actions: %+v", actions.Items)
	}
	broken.Store(false)
	c.order(t, s.ID, compute.Start, compute.Active)
}

// TestRevive proves the flow at every step; a run that turned around leaves the server off.
func TestRevive(t *testing.T) {
	flowtest.Prove(t, func(t *testing.T) flowtest.World[compute.PowerState] {
		c := newConfigured(t, dbtest.SQLite(t, migrations...), computememory.Config{}, compute.Config{LeaveOff: true})
		s := c.server(t, "proved")
		c.host.PowerCut()
		c.becomes(t, s.ID, compute.ShutOff)
		return flowtest.World[compute.PowerState]{
			DB: c.db, Flow: c.ReviveFlow(), Subject: "server/" + string(s.ID), State: compute.PowerState{Server: s.ID, Host: "host1"}, Context: t.Context(),
			Begin: func(ctx context.Context, tx *db.Tx) error { return nil },
			Done:  func(t *testing.T) { c.is(t, s.ID, compute.Active, compute.Running) },
			Clean: func(t *testing.T) { c.is(t, s.ID, compute.ShutOff, "") },
		}
	})
}

// is fails the test unless the server has this status and, if any is given, its guest this power.
func (c *cloud) is(t *testing.T, id compute.ServerID, status compute.Status, power compute.Power) {
	t.Helper()
	s, err := c.Server(identitytest.In(t, computetest.Project, identity.RoleMember), id)
	must(t, err)
	guests, err := c.host.Guests(t.Context())
	must(t, err)
	if s.Status != status || power != "" && guests[0].Power != power {
		t.Errorf("server is %s and its guest %s", s.Status, guests[0].Power)
	}
}
