//go:build libvirt

package libvirt

import (
	"context"
	"errors"
	"slices"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// nudge is how often a guest that does not react is asked again: one that boots
// sees neither the power button nor a request to give a device back.
const nudge = 3 * time.Second

// SetPower implements compute.Driver.
func (d *Driver) SetPower(ctx context.Context, id compute.ServerID, want compute.Power, grace time.Duration) error {
	_, err := inOrder(ctx, d, id, func(c *libvirt.Connect) (struct{}, error) {
		dom, err := find(c, id)
		if err != nil {
			return struct{}{}, err
		}
		defer free(dom)
		return struct{}{}, d.setPower(ctx, guest{id, dom}, want, grace)
	})
	return err
}

// guest is a server and its domain.
type guest struct {
	id compute.ServerID
	*libvirt.Domain
}

func (d *Driver) setPower(ctx context.Context, g guest, want compute.Power, grace time.Duration) error {
	have, err := powerOf(g.Domain)
	if err != nil || have == want {
		return err
	}
	type change struct{ from, to compute.Power }
	switch (change{have, want}) {
	case change{compute.Paused, compute.Running}:
		return faultOf(g.Resume(), "resuming server %s", g.id)
	case change{compute.Stopped, compute.Running}, change{compute.Crashed, compute.Running},
		change{compute.Cut, compute.Running}, change{compute.Suspended, compute.Running}:
		return d.start(ctx, g)
	case change{compute.Running, compute.Paused}:
		return faultOf(g.Suspend(), "pausing server %s", g.id)
	case change{compute.Running, compute.Suspended}, change{compute.Paused, compute.Suspended}:
		return faultOf(g.ManagedSave(libvirt.DOMAIN_SAVE_RUNNING), "suspending server %s", g.id)
	case change{compute.Suspended, compute.Stopped}:
		return faultOf(g.ManagedSaveRemove(0), "dropping the memory of server %s", g.id)
	case change{compute.Crashed, compute.Stopped}, change{compute.Cut, compute.Stopped}:
		return nil
	case change{compute.Running, compute.Stopped}:
		if grace > 0 {
			if err := d.pressButton(ctx, g, grace); err != nil {
				return err
			}
		}
		return pullPlug(g)
	case change{compute.Paused, compute.Stopped}:
		return pullPlug(g)
	}
	return fault.Conflict.Errorf("server %s is %s and cannot become %s", g.id, have, want)
}

// pressButton returns when the guest is off or grace is over, with an error only when ctx ended first.
func (d *Driver) pressButton(ctx context.Context, g guest, grace time.Duration) error {
	patience, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	_ = d.until(patience, g.id, func() (bool, error) {
		active, err := g.IsActive()
		if err != nil || !active {
			return true, faultOf(err, "looking at server %s", g.id)
		}
		return false, g.ShutdownFlags(libvirt.DOMAIN_SHUTDOWN_ACPI_POWER_BTN)
	})
	if ctx.Err() != nil {
		return fault.Unavailable.Errorf("server %s has not shut down yet: %w", g.id, ctx.Err())
	}
	return nil
}

func pullPlug(g guest) error {
	if active, err := g.IsActive(); err == nil && !active {
		return nil
	}
	return faultOf(ignore(g.Destroy(), libvirt.ERR_OPERATION_INVALID), "stopping server %s", g.id)
}

// until calls done, at first, after each event of the guest and every few seconds,
// until it is true or fails, or ctx ends.
func (d *Driver) until(ctx context.Context, id compute.ServerID, done func() (bool, error)) error {
	bell, stop := d.link.listen(id)
	defer stop()
	ticker := time.NewTicker(nudge)
	defer ticker.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-bell:
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// powerOf returns the state of a domain.
func powerOf(dom *libvirt.Domain) (compute.Power, error) {
	state, reason, err := dom.GetState()
	if err != nil {
		return "", faultOf(err, "asking for a server's state")
	}
	power := powerFrom(state, reason)
	switch power {
	case compute.Running, compute.Paused:
		return power, nil
	}
	saved, err := dom.HasManagedSaveImage(0)
	if err != nil {
		return "", faultOf(err, "asking for a server's saved memory")
	}
	if saved {
		return compute.Suspended, nil
	}
	return power, nil
}

// powerFrom does not know of saved memory: such a guest is Stopped.
func powerFrom(state libvirt.DomainState, reason int) compute.Power {
	switch state {
	case libvirt.DOMAIN_PAUSED, libvirt.DOMAIN_PMSUSPENDED:
		return compute.Paused
	case libvirt.DOMAIN_CRASHED:
		return compute.Crashed
	case libvirt.DOMAIN_SHUTOFF:
		switch libvirt.DomainShutoffReason(reason) {
		case libvirt.DOMAIN_SHUTOFF_CRASHED, libvirt.DOMAIN_SHUTOFF_FAILED:
			return compute.Crashed
		case libvirt.DOMAIN_SHUTOFF_UNKNOWN:
			return compute.Cut // no reason outlives the host, nor a libvirtd whose guest is off
		}
		return compute.Stopped
	}
	return compute.Running
}

func find(c *libvirt.Connect, id compute.ServerID) (*libvirt.Domain, error) {
	if !valid(id) {
		return nil, fault.NotFound.Errorf("server %q is not on this host", id)
	}
	dom, err := c.LookupDomainByName(domainPrefix + string(id))
	if err != nil {
		return nil, faultOf(err, "looking for server %s", id)
	}
	return dom, nil
}

func free(d *libvirt.Domain) { _ = d.Free() }

// ignore turns the errors that mean "it is so already" into none.
func ignore(err error, codes ...libvirt.ErrorNumber) error {
	var e libvirt.Error
	if errors.As(err, &e) && slices.Contains(codes, e.Code) {
		return nil
	}
	return err
}
