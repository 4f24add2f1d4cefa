package network

import (
	"context"
	"slices"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// AddInterface implements Service.
func (m *Manager) AddInterface(ctx context.Context, s InterfaceSpec) (Port, error) {
	r, err := m.allowedRouter(ctx, s.Router, "network:router:update")
	if err != nil {
		return Port{}, err
	}
	var p Port
	switch {
	case s.Port != "" && s.Subnet != "":
		return Port{}, fault.Invalid.Errorf("cannot specify both subnet-id and port-id")
	case s.Port != "":
		p, err = m.interfaceByPort(ctx, r, s.Port)
	case s.Subnet != "":
		p, err = m.interfaceBySubnet(ctx, r, s.Subnet)
	default:
		err = fault.Invalid.Errorf("either subnet_id or port_id must be specified")
	}
	if err == nil {
		m.routersChanged(ctx)
	}
	return p, err
}

func (m *Manager) interfaceByPort(ctx context.Context, r Router, id PortID) (Port, error) {
	if _, err := m.allowedPort(ctx, id, "network:port:update"); err != nil {
		return Port{}, err
	}
	var p Port
	return p, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockRouter(ctx, tx, r.ID); err != nil {
			return err
		}
		if err := lockPort(ctx, tx, id); err != nil {
			return err
		}
		var err error
		if p, err = loadPort(ctx, tx, id); err != nil {
			return err
		}
		if p.DeviceID != "" || p.Host != "" {
			return fault.Conflict.Errorf("port %s is in use by device %s", id, p.DeviceID)
		}
		if len(p.Addresses) == 0 {
			return fault.Invalid.Errorf("router port must have at least one fixed IP: port %s has none", id)
		}
		subnets, err := subnetsOf(ctx, tx, p.NetworkID)
		if err != nil {
			return err
		}
		for _, a := range p.Addresses {
			i := slices.IndexFunc(subnets, func(s Subnet) bool { return s.ID == a.SubnetID })
			if err := noClash(ctx, tx, r, subnets[i]); err != nil {
				return err
			}
		}
		p.DeviceID, p.DeviceOwner, p.RouterID, p.Status = string(r.ID), OwnerInterface, r.ID, Active
		p.touch()
		return updatePort(ctx, tx, &p)
	})
}

func (m *Manager) interfaceBySubnet(ctx context.Context, r Router, id SubnetID) (Port, error) {
	sub, err := m.Subnet(ctx, id)
	if err != nil {
		return Port{}, err
	}
	if err := trusted(ctx, m.db.Read(), sub.NetworkID, "the gateway's address"); err != nil {
		return Port{}, err
	}
	if !sub.Gateway.IsValid() {
		return Port{}, fault.Invalid.Errorf("subnet for router interface must have a gateway IP: subnet %s has none", id)
	}
	p := routerPort(r.ID, OwnerInterface, sub.NetworkID)
	p.ProjectID = r.ProjectID
	return p, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := m.reserve(ctx, tx, p.ProjectID, ResourcePorts, 1); err != nil {
			return err
		}
		if err := lockRouter(ctx, tx, r.ID); err != nil {
			return err
		}
		if err := lockNetwork(ctx, tx, sub.NetworkID); err != nil {
			return err
		}
		if err := noClash(ctx, tx, r, sub); err != nil {
			return err
		}
		return m.plug(ctx, tx, &p, &[]FixedIP{{SubnetID: sub.ID, Address: sub.Gateway.Addr}}, []Subnet{sub})
	})
}

// noClash demands that a router's subnets, with s, do not overlap.
func noClash(ctx context.Context, tx *db.Tx, r Router, s Subnet) error {
	near, err := subnetsNear(ctx, tx, r)
	if err != nil {
		return err
	}
	for _, o := range near {
		if o.ID == s.ID {
			return fault.Invalid.Errorf("router %s already has a port on subnet %s", r.ID, s.ID)
		}
		if o.CIDR.Overlaps(s.CIDR) {
			return fault.Invalid.Errorf("CIDR %s of subnet %s overlaps with CIDR %s of subnet %s, which router %s is on", s.CIDR, s.ID, o.CIDR, o.ID, r.ID)
		}
	}
	return nil
}

// RemoveInterface implements Service.
func (m *Manager) RemoveInterface(ctx context.Context, s InterfaceSpec) (Port, error) {
	if _, err := m.allowedRouter(ctx, s.Router, "network:router:update"); err != nil {
		return Port{}, err
	}
	if s.Port == "" && s.Subnet == "" {
		return Port{}, fault.Invalid.Errorf("either subnet_id or port_id must be specified")
	}
	var p Port
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockRouter(ctx, tx, s.Router); err != nil {
			return err
		}
		r, err := loadRouter(ctx, tx, s.Router)
		if err != nil {
			return err
		}
		if p, err = findInterface(ctx, tx, s); err != nil {
			return err
		}
		if err := unneeded(ctx, tx, r, p); err != nil {
			return err
		}
		if err := erasePort(ctx, tx, p.ID); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, PortDeleted{ID: p.ID, NetworkID: p.NetworkID, ProjectID: p.ProjectID, DeviceID: p.DeviceID})
	})
	if err == nil {
		m.routersChanged(ctx)
	}
	return p, err
}

// findInterface returns the port by which a router is where s says.
func findInterface(ctx context.Context, tx *db.Tx, s InterfaceSpec) (Port, error) {
	legs, err := interfacesOf(ctx, tx, s.Router)
	if err != nil {
		return Port{}, err
	}
	for _, p := range legs {
		on := slices.ContainsFunc(p.Addresses, func(a FixedIP) bool { return a.SubnetID == s.Subnet })
		switch {
		case s.Port == p.ID && s.Subnet != "" && !on:
			return Port{}, fault.Conflict.Errorf("subnet ID mismatch: port %s is not on subnet %s", s.Port, s.Subnet)
		case s.Port == p.ID, s.Port == "" && on:
			return p, nil
		}
	}
	return Port{}, fault.NotFound.Errorf("router %s has no interface on subnet %q or with port %q", s.Router, s.Subnet, s.Port)
}

// unneeded demands that neither floating IPs nor routes need a router's port.
func unneeded(ctx context.Context, tx *db.Tx, r Router, p Port) error {
	floating, err := floatingOf(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	subnets, err := subnetsOf(ctx, tx, p.NetworkID)
	if err != nil {
		return err
	}
	for _, s := range subnets {
		if !slices.ContainsFunc(p.Addresses, func(a FixedIP) bool { return a.SubnetID == s.ID }) {
			continue
		}
		for _, f := range floating {
			if s.CIDR.Contains(f.FixedAddress.Addr) {
				return ErrInUse.Errorf("router interface for subnet %s on router %s cannot be deleted, as it is required by one or more floating IPs", s.ID, r.ID)
			}
		}
		for _, route := range r.Routes {
			if s.CIDR.Contains(route.NextHop) {
				return ErrInUse.Errorf("router interface for subnet %s on router %s cannot be deleted, as it is required by one or more routes", s.ID, r.ID)
			}
		}
	}
	return nil
}
