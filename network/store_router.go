package network

import (
	"context"
	"net/netip"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/page"
)

var routerListing = listing[Router]{
	filters: standard(map[string]filter{
		"admin_state_up": flag("admin_up"), "status": always(string(Active)),
		"distributed": always("false"), "ha": always("false"),
	}),
	columns: sortable("admin_up"),
	id:      func(r Router) string { return string(r.ID) },
}

func loadRouter(ctx context.Context, idb bun.IDB, id RouterID) (Router, error) {
	r := Router{ID: id}
	if err := idb.NewSelect().Model(&r).WherePK().Scan(ctx); err != nil {
		return r, missing(err, "router", string(id))
	}
	one := []Router{r}
	err := addGateways(ctx, idb, one)
	return one[0], err
}

func listRouters(ctx context.Context, idb bun.IDB, project string, q Query) (page.Of[Router], error) {
	out, err := list(ctx, idb.NewSelect().Model((*Router)(nil)), q, project, routerListing)
	if err != nil {
		return out, err
	}
	return out, addGateways(ctx, idb, out.Items)
}

// addGateways gives routers the addresses of their gateways, in one query.
func addGateways(ctx context.Context, idb bun.IDB, routers []Router) error {
	at, ids := map[PortID]int{}, []PortID{}
	for i, r := range routers {
		if r.GatewayPortID != "" {
			at[r.GatewayPortID], ids = i, append(ids, r.GatewayPortID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var held []address
	err := idb.NewSelect().Model(&held).Where("port_id IN (?)", bun.List(ids)).Order("position").Scan(ctx)
	for _, a := range held {
		r := &routers[at[a.PortID]]
		r.GatewayAddresses = append(r.GatewayAddresses, FixedIP{a.SubnetID, a.Address})
	}
	return db.Fault(err, "gateways of routers")
}

// allRouters returns every router that is up, with its gateway.
func allRouters(ctx context.Context, idb bun.IDB) ([]Router, error) {
	var all []Router
	if err := idb.NewSelect().Model(&all).Where("admin_up").Order("id").Scan(ctx); err != nil {
		return nil, db.Fault(err, "routers")
	}
	return all, addGateways(ctx, idb, all)
}

func lockRouter(ctx context.Context, tx *db.Tx, id RouterID) error {
	return tx.Lock(ctx, "network/router/"+string(id))
}

// interfacesOf returns the ports by which a router is on subnets.
func interfacesOf(ctx context.Context, idb bun.IDB, router RouterID) ([]Port, error) {
	return portsWhere(ctx, idb, "router_id = ? AND device_owner <> ?", router, OwnerGateway)
}

// routersAt returns the ports by which routers are on a subnet.
func routersAt(ctx context.Context, idb bun.IDB, subnet SubnetID) ([]Port, error) {
	return portsWhere(ctx, idb, "router_id <> '' AND device_owner <> ? AND id IN (SELECT port_id FROM network_addresses WHERE subnet_id = ?)", OwnerGateway, subnet)
}

var floatingListing = listing[FloatingIP]{
	filters: standard(map[string]filter{
		"floating_network_id": text("network_id"), "floating_ip_address": text("address"), "port_id": text("port_id"),
		"fixed_ip_address": text("fixed_address"), "router_id": text("router_id"),
		"status": func(q *bun.SelectQuery, values []string) error {
			q.Where("CASE WHEN ?TableAlias.port_id = '' THEN 'DOWN' ELSE 'ACTIVE' END IN (?)", bun.List(values))
			return nil
		},
	}),
	columns: sortable("address", "port_id", "router_id", "network_id"),
	id:      func(f FloatingIP) string { return string(f.ID) },
}

func loadFloating(ctx context.Context, idb bun.IDB, id FloatingID) (FloatingIP, error) {
	f := FloatingIP{ID: id}
	err := idb.NewSelect().Model(&f).WherePK().Scan(ctx)
	return f, missing(err, "floating IP", string(id))
}

func listFloating(ctx context.Context, idb bun.IDB, project string, q Query) (page.Of[FloatingIP], error) {
	return list(ctx, idb.NewSelect().Model((*FloatingIP)(nil)), q, project, floatingListing)
}

// floatingOf returns the floating IPs that reach ports by routers.
func floatingOf(ctx context.Context, idb bun.IDB, routers ...RouterID) ([]FloatingIP, error) {
	if len(routers) == 0 {
		return nil, nil
	}
	var all []FloatingIP
	err := idb.NewSelect().Model(&all).Where("router_id IN (?)", bun.List(routers)).Order("id").Scan(ctx)
	return all, db.Fault(err, "floating IPs of routers")
}

// floatingFor returns the outside addresses of a port.
func floatingFor(ctx context.Context, idb bun.IDB, port PortID) ([]FloatingAddress, error) {
	var all []FloatingIP
	err := idb.NewSelect().Model(&all).Where("port_id = ?", port).Order("id").Scan(ctx)
	out := make([]FloatingAddress, len(all))
	for i, f := range all {
		out[i] = FloatingAddress{Outside: f.Address, Fixed: f.FixedAddress.Addr}
	}
	return out, db.Fault(err, "floating IPs of port %s", port)
}

// freeFloating makes the floating IPs of a port stand for nobody. With keep, those for these addresses stay.
func freeFloating(ctx context.Context, tx bun.IDB, port PortID, keep ...netip.Addr) (int64, error) {
	q := tx.NewUpdate().Model((*FloatingIP)(nil)).Set("port_id = ''").Set("fixed_address = ''").Set("router_id = ''").
		Set("updated_at = ?", db.Now()).Set("revision = revision + 1").Where("port_id = ?", port)
	if len(keep) > 0 {
		q.Where("fixed_address NOT IN (?)", bun.List(keep))
	}
	res, err := q.Exec(ctx)
	if err != nil {
		return 0, db.Fault(err, "floating IPs of port %s", port)
	}
	n, err := res.RowsAffected()
	return n, db.Fault(err, "floating IPs of port %s", port)
}

// idleFloating returns the floating IPs of a network that stand for nobody.
func idleFloating(ctx context.Context, tx bun.IDB, network ID) ([]FloatingIP, error) {
	var all []FloatingIP
	err := tx.NewSelect().Model(&all).Where("network_id = ? AND port_id = ''", network).Scan(ctx)
	return all, db.Fault(err, "floating IPs of network %s", network)
}
