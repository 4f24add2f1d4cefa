//go:build libvirt

package libvirt

import (
	"context"
	"errors"
	"net"
	"time"

	"libvirt.org/go/libvirt"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// tapPatience is how long a start waits for the network's driver, which runs beside it.
const tapPatience = 5 * time.Second

// Spawn implements compute.Driver.
func (d *Driver) Spawn(ctx context.Context, g compute.Guest) error {
	if err := g.Check(); err != nil {
		return err
	}
	_, err := inOrder(ctx, d, g.ID, func(c *libvirt.Connect) (struct{}, error) {
		dom, err := find(c, g.ID)
		if errors.Is(err, fault.NotFound) {
			dom, err = d.define(ctx, c, g)
		}
		if err != nil {
			return struct{}{}, err
		}
		defer free(dom)
		return struct{}{}, d.setPower(ctx, guest{g.ID, dom}, compute.Running, 0)
	})
	return err
}

// define comes after the files: a guest that libvirt knows is complete.
func (d *Driver) define(ctx context.Context, c *libvirt.Connect, g compute.Guest) (*libvirt.Domain, error) {
	x, err := domain(g, d.files.of(g.ID), d.config.Accelerator)
	if err != nil {
		return nil, err
	}
	text, err := x.Marshal()
	if err != nil {
		return nil, fault.Internal.Wrap(err, "describing server %s", g.ID)
	}
	if err := d.files.make(ctx, g); err != nil {
		return nil, err
	}
	dom, err := c.DomainDefineXML(text)
	if err != nil {
		return nil, faultOf(err, "defining server %s", g.ID)
	}
	return dom, nil
}

// start boots a guest, or wakes it from its saved memory.
func (d *Driver) start(ctx context.Context, g guest) error {
	x, err := describe(g, nextBoot)
	if err != nil {
		return err
	}
	if err := reachVolumes(x); err != nil {
		return fault.Unavailable.Wrap(err, "starting server %s", g.id)
	}
	for _, nic := range x.Devices.Interfaces {
		if nic.Target != nil && nic.Target.Managed == "no" {
			if err := waitForTap(ctx, nic.Target.Dev); err != nil {
				return fault.Unavailable.Wrap(err, "starting server %s", g.id)
			}
		}
	}
	return faultOf(g.Create(), "starting server %s", g.id)
}

// waitForTap looks before QEMU does, whose failure would not say what is missing.
func waitForTap(ctx context.Context, tap string) error {
	patience, cancel := context.WithTimeout(ctx, tapPatience)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, err := net.InterfaceByName(tap); err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-patience.Done():
			return fault.Unavailable.Errorf("there is no tap %s on this host: has the network plugged the port?", tap)
		}
	}
}

// Destroy implements compute.Driver.
func (d *Driver) Destroy(ctx context.Context, id compute.ServerID) error {
	_, err := inOrder(ctx, d, id, func(c *libvirt.Connect) (struct{}, error) {
		if err := undefine(c, id); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, d.files.remove(id)
	})
	return err
}

func undefine(c *libvirt.Connect, id compute.ServerID) error {
	dom, err := find(c, id)
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer free(dom)
	if err := pullPlug(guest{id, dom}); err != nil {
		return err
	}
	err = dom.UndefineFlags(libvirt.DOMAIN_UNDEFINE_MANAGED_SAVE | libvirt.DOMAIN_UNDEFINE_NVRAM |
		libvirt.DOMAIN_UNDEFINE_SNAPSHOTS_METADATA | libvirt.DOMAIN_UNDEFINE_CHECKPOINTS_METADATA)
	return faultOf(ignore(err, libvirt.ERR_NO_DOMAIN), "removing server %s from libvirt", id)
}
