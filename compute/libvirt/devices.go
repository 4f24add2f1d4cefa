//go:build libvirt

package libvirt

import (
	"context"
	"errors"

	"libvirt.org/go/libvirt"
	"libvirt.org/go/libvirtxml"

	"github.com/nacre-cloud/nacre/compute"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// AttachDisk implements compute.Driver.
func (d *Driver) AttachDisk(ctx context.Context, id compute.ServerID, disk compute.Disk) error {
	x, err := diskXML(disk)
	if err != nil {
		return err
	}
	text, err := x.Marshal()
	if err != nil {
		return fault.Invalid.Wrap(err, "describing volume %s", disk.ID)
	}
	return d.attach(ctx, id, diskAlias(disk.ID), text)
}

// DetachDisk implements compute.Driver.
func (d *Driver) DetachDisk(ctx context.Context, id compute.ServerID, disk string) error {
	return d.detach(ctx, id, diskAlias(disk))
}

// AttachNIC implements compute.Driver.
func (d *Driver) AttachNIC(ctx context.Context, id compute.ServerID, nic compute.NIC) error {
	if nic.Tap != "" {
		if err := waitForTap(ctx, nic.Tap); err != nil {
			return err
		}
	}
	x := nicXML(nic)
	text, err := x.Marshal()
	if err != nil {
		return fault.Invalid.Wrap(err, "describing port %s", nic.Port)
	}
	return d.attach(ctx, id, nicAlias(nic.Port), text)
}

// DetachNIC implements compute.Driver.
func (d *Driver) DetachNIC(ctx context.Context, id compute.ServerID, port string) error {
	return d.detach(ctx, id, nicAlias(port))
}

// A side is one of the two lists of devices that a domain has.
type side struct {
	modify libvirt.DomainDeviceModifyFlags
	read   libvirt.DomainXMLFlags
}

var (
	nextBoot = side{libvirt.DOMAIN_DEVICE_MODIFY_CONFIG, libvirt.DOMAIN_XML_INACTIVE}
	now      = side{libvirt.DOMAIN_DEVICE_MODIFY_LIVE, 0}
)

// sides returns which lists a guest has at the moment.
func sides(g guest) ([]side, compute.Power, error) {
	power, err := powerOf(g.Domain)
	if power == compute.Running || power == compute.Paused {
		return []side{nextBoot, now}, power, err
	}
	return []side{nextBoot}, power, err
}

func (d *Driver) attach(ctx context.Context, id compute.ServerID, alias, text string) error {
	return d.change(ctx, id, func(g guest) error {
		in, power, err := sides(g)
		if err != nil {
			return err
		}
		for _, s := range in {
			present, err := has(g, s, alias)
			switch {
			case err != nil:
				return err
			case present:
				continue
			case power == compute.Suspended:
				return fault.Conflict.Errorf("server %s is suspended: its devices cannot change", id)
			}
			if err := g.AttachDeviceFlags(text, s.modify); err != nil {
				return faultOf(err, "attaching %s to server %s", alias, id)
			}
		}
		return nil
	})
}

func (d *Driver) detach(ctx context.Context, id compute.ServerID, alias string) error {
	err := d.change(ctx, id, func(g guest) error {
		in, power, err := sides(g)
		if err != nil {
			return err
		}
		for _, s := range in {
			present, err := has(g, s, alias)
			if err != nil {
				return err
			}
			if !present {
				continue
			}
			if power == compute.Suspended {
				return fault.Conflict.Errorf("server %s is suspended: its devices cannot change", id)
			}
			if err := d.takeBack(ctx, g, s, alias); err != nil {
				return err
			}
		}
		return nil
	})
	if errors.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// takeBack removes the device from one list. A running guest is asked until it lets
// go; one that stops meanwhile has let go.
func (d *Driver) takeBack(ctx context.Context, g guest, s side, alias string) error {
	if s == nextBoot {
		err := g.DetachDeviceAlias(alias, s.modify)
		return faultOf(err, "detaching %s from server %s", alias, g.id)
	}
	var refusal error
	err := d.until(ctx, g.id, func() (bool, error) {
		active, err := g.IsActive()
		if err != nil || !active {
			return true, faultOf(err, "looking at server %s", g.id)
		}
		present, err := has(g, s, alias)
		if err != nil || !present {
			return true, err
		}
		// Refused where a request is on its way to the guest or was granted just now.
		refusal = g.DetachDeviceAlias(alias, s.modify)
		return false, nil
	})
	if ctx.Err() != nil {
		return fault.Unavailable.Errorf("server %s still holds %s: %w", g.id, alias, errors.Join(ctx.Err(), refusal))
	}
	return faultOf(err, "detaching %s from server %s", alias, g.id)
}

// has says whether the device is in one of the domain's lists.
func has(g guest, s side, alias string) (bool, error) {
	x, err := describe(g, s)
	if err != nil {
		return false, err
	}
	for _, disk := range x.Devices.Disks {
		if disk.Alias != nil && disk.Alias.Name == alias {
			return true, nil
		}
	}
	for _, nic := range x.Devices.Interfaces {
		if nic.Alias != nil && nic.Alias.Name == alias {
			return true, nil
		}
	}
	return false, nil
}

// describe reads what libvirt knows of a guest.
func describe(g guest, s side) (*libvirtxml.Domain, error) {
	text, err := g.GetXMLDesc(s.read)
	if err != nil {
		return nil, faultOf(err, "reading the description of server %s", g.id)
	}
	x := &libvirtxml.Domain{}
	if err := x.Unmarshal(text); err != nil {
		return nil, fault.Internal.Wrap(err, "reading the description of server %s", g.id)
	}
	return x, nil
}

func (d *Driver) change(ctx context.Context, id compute.ServerID, f func(guest) error) error {
	_, err := inOrder(ctx, d, id, func(c *libvirt.Connect) (struct{}, error) {
		dom, err := find(c, id)
		if err != nil {
			return struct{}{}, err
		}
		defer free(dom)
		return struct{}{}, f(guest{id, dom})
	})
	return err
}
