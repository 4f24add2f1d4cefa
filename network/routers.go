package network

import (
	"context"
	"slices"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// CreateRouter implements Service.
func (m *Manager) CreateRouter(ctx context.Context, s RouterSpec) (Router, error) {
	project, err := m.owner(ctx, "network:router:create", s.ProjectID)
	if err != nil {
		return Router{}, err
	}
	if s.ID != "" {
		if old, err := loadRouter(ctx, m.db.Read(), s.ID); err == nil {
			return old, identity.Allow(ctx, "network:router:create", old)
		}
	}
	r := Router{ID: s.ID, AdminUp: !s.AdminDown, SNAT: true}
	if r.Attributes, err = attributes(&r.ID, project, s.Base); err != nil {
		return Router{}, err
	}
	out, err := m.planGateway(ctx, s.Gateway)
	if err != nil {
		return Router{}, err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := m.reserve(ctx, tx, project, ResourceRouters, 1); err != nil {
			return err
		}
		if err := insert(ctx, tx, &r, "router "+string(r.ID)); err != nil {
			return err
		}
		if err := m.setGateway(ctx, tx, &r, out); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, RouterCreated{ID: r.ID, ProjectID: r.ProjectID})
	})
	if err == nil {
		m.routersChanged(ctx)
	}
	return r, err
}

// Router implements Service.
func (m *Manager) Router(ctx context.Context, id RouterID) (Router, error) {
	r, err := loadRouter(ctx, m.db.Read(), id)
	if err != nil {
		return Router{}, err
	}
	return asMissing(r, identity.Allow(ctx, "network:router:show", r), "router", string(id))
}

// allowedRouter loads a router that the caller may do action to.
func (m *Manager) allowedRouter(ctx context.Context, id RouterID, action string) (Router, error) {
	r, err := m.Router(ctx, id)
	if err != nil {
		return Router{}, err
	}
	return r, identity.Allow(ctx, action, r)
}

// Routers implements Service.
func (m *Manager) Routers(ctx context.Context, q Query) (page.Of[Router], error) {
	project, err := seen(ctx)
	if err != nil {
		return page.Of[Router]{}, err
	}
	return listRouters(ctx, m.db.Read(), project, q)
}

// UpdateRouter implements Service.
func (m *Manager) UpdateRouter(ctx context.Context, p RouterPatch) (Router, error) {
	if _, err := m.allowedRouter(ctx, p.ID, "network:router:update"); err != nil {
		return Router{}, err
	}
	var out *wayOut
	if p.Gateway != nil {
		var err error
		if out, err = m.planGateway(ctx, *p.Gateway); err != nil {
			return Router{}, err
		}
	}
	return m.changeRouter(ctx, p.ID, func(ctx context.Context, tx *db.Tx, r *Router) error {
		set(&r.AdminUp, p.AdminUp)
		if err := r.change(p.BasePatch); err != nil {
			return err
		}
		if p.Gateway != nil {
			if err := m.setGateway(ctx, tx, r, out); err != nil {
				return err
			}
		}
		if p.Routes == nil {
			return nil
		}
		r.Routes = *p.Routes
		return checkRoutes(ctx, tx, *r)
	})
}

// ChangeRoutes implements Service.
func (m *Manager) ChangeRoutes(ctx context.Context, s RoutesSpec) (Router, error) {
	if _, err := m.allowedRouter(ctx, s.Router, "network:router:update"); err != nil {
		return Router{}, err
	}
	return m.changeRouter(ctx, s.Router, func(ctx context.Context, tx *db.Tx, r *Router) error {
		r.Routes = slices.DeleteFunc(slices.Clone(r.Routes), func(o Route) bool { return slices.Contains(s.Remove, o) })
		for _, a := range s.Add {
			if !slices.Contains(r.Routes, a) {
				r.Routes = append(r.Routes, a)
			}
		}
		r.touch()
		return checkRoutes(ctx, tx, *r)
	})
}

// changeRouter changes a router's row while nobody else does.
func (m *Manager) changeRouter(ctx context.Context, id RouterID, f func(ctx context.Context, tx *db.Tx, r *Router) error) (Router, error) {
	var r Router
	err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockRouter(ctx, tx, id); err != nil {
			return err
		}
		var err error
		if r, err = loadRouter(ctx, tx, id); err != nil {
			return err
		}
		if err := f(ctx, tx, &r); err != nil {
			return err
		}
		return update(ctx, tx, &r, "router "+string(id))
	})
	if err == nil {
		m.routersChanged(ctx)
	}
	return r, err
}

// checkRoutes demands that each next hop is on a subnet that the router is on.
func checkRoutes(ctx context.Context, tx *db.Tx, r Router) error {
	if len(r.Routes) > maxList {
		return fault.Invalid.Errorf("a router has at most %d routes", maxList)
	}
	near, err := subnetsNear(ctx, tx, r)
	if err != nil {
		return err
	}
	for i, route := range r.Routes {
		if !valid(route) || slices.Contains(r.Routes[:i], route) {
			return fault.Invalid.Errorf("invalid format for routes: %s by %s", route.Destination, route.NextHop)
		}
		if !slices.ContainsFunc(near, func(s Subnet) bool { return s.CIDR.Contains(route.NextHop) }) {
			return fault.Invalid.Errorf("invalid format for routes: the nexthop %s is not connected with router %s", route.NextHop, r.ID)
		}
	}
	return nil
}

// subnetsNear returns the subnets that a router has an address in.
func subnetsNear(ctx context.Context, tx *db.Tx, r Router) ([]Subnet, error) {
	legs, err := legsOf(ctx, tx, []RouterID{r.ID})
	if err != nil {
		return nil, err
	}
	var networks []ID
	on := map[SubnetID]bool{}
	for _, p := range legs {
		networks = append(networks, p.NetworkID)
		for _, a := range p.Addresses {
			on[a.SubnetID] = true
		}
	}
	all, err := subnetsOf(ctx, tx, networks...)
	return slices.DeleteFunc(all, func(s Subnet) bool { return !on[s.ID] }), err
}

// DeleteRouter implements Service.
func (m *Manager) DeleteRouter(ctx context.Context, id RouterID) error {
	r, err := m.allowedRouter(ctx, id, "network:router:delete")
	if err != nil {
		return err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockRouter(ctx, tx, id); err != nil {
			return err
		}
		legs, err := interfacesOf(ctx, tx, id)
		if err != nil {
			return err
		}
		if len(legs) > 0 {
			return ErrInUse.Errorf("router %s still has ports", id)
		}
		if r, err = loadRouter(ctx, tx, id); err != nil {
			return err
		}
		if err := m.setGateway(ctx, tx, &r, nil); err != nil {
			return err
		}
		if _, err := remove(ctx, tx, (*Router)(nil), "id = ?", id); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, RouterDeleted{ID: id, ProjectID: r.ProjectID})
	})
	if err == nil {
		m.routersChanged(ctx)
	}
	return err
}

// A wayOut is a gateway that was checked; nil is none.
type wayOut struct {
	Gateway
	subnets []Subnet
}

// planGateway checks that the caller may lead a router outside in this way.
func (m *Manager) planGateway(ctx context.Context, g Gateway) (*wayOut, error) {
	if g.NetworkID == "" {
		return nil, nil
	}
	n, err := m.Network(ctx, g.NetworkID)
	if err != nil {
		return nil, err
	}
	if !n.External {
		return nil, fault.Invalid.Errorf("network %s is not an external network", n.ID)
	}
	if g.SNAT != nil || g.Addresses != nil {
		if err := identity.Allow(ctx, "network:router:create:nat", nil); err != nil {
			return nil, err
		}
	}
	subnets, err := subnetsOf(ctx, m.db.Read(), n.ID)
	return &wayOut{g, subnets}, err
}

// setGateway makes a router lead outside by out, and by nothing else.
func (m *Manager) setGateway(ctx context.Context, tx *db.Tx, r *Router, out *wayOut) error {
	if out != nil && out.NetworkID == r.GatewayNetworkID && out.Addresses == nil {
		set(&r.SNAT, out.SNAT)
		return nil
	}
	if err := dropGateway(ctx, tx, r, out); err != nil || out == nil {
		return err
	}
	if err := lockNetwork(ctx, tx, out.NetworkID); err != nil {
		return err
	}
	p := routerPort(r.ID, OwnerGateway, out.NetworkID)
	var want *[]FixedIP
	if out.Addresses != nil {
		want = &out.Addresses
	}
	if err := m.plug(ctx, tx, &p, want, out.subnets); err != nil {
		return err
	}
	r.SNAT = true
	set(&r.SNAT, out.SNAT)
	r.GatewayNetworkID, r.GatewayPortID, r.GatewayAddresses = p.NetworkID, p.ID, p.Addresses
	return update(ctx, tx, r, "router "+string(r.ID))
}

// dropGateway takes the gateway away, to put out in its place.
func dropGateway(ctx context.Context, tx *db.Tx, r *Router, out *wayOut) error {
	if r.GatewayPortID == "" {
		return nil
	}
	if out == nil || out.NetworkID != r.GatewayNetworkID {
		used, err := exists(ctx, tx, (*FloatingIP)(nil), "router_id = ?", r.ID)
		if err != nil {
			return err
		}
		if used {
			return ErrInUse.Errorf("gateway cannot be updated for router %s, since a gateway to external network %s is required by one or more floating IPs",
				r.ID, r.GatewayNetworkID)
		}
	}
	old := r.GatewayPortID
	r.GatewayNetworkID, r.GatewayPortID, r.GatewayAddresses = "", "", nil
	if err := update(ctx, tx, r, "router "+string(r.ID)); err != nil {
		return err
	}
	return erasePort(ctx, tx, old)
}

// routerPort returns a port that this domain makes for a router.
func routerPort(r RouterID, owner string, network ID) Port {
	now := db.Now()
	return Port{
		ID: PortID(db.NewID()), Attributes: Attributes{CreatedAt: now, UpdatedAt: now}, NetworkID: network,
		AdminUp: true, Status: Active, DeviceID: string(r), DeviceOwner: owner, RouterID: r, VNICType: "normal",
	}
}
