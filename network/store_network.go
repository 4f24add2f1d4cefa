package network

import (
	"context"
	"encoding/hex"
	"net/netip"
	"strings"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

var networkListing = listing[Network]{
	filters: standard(map[string]filter{
		"admin_state_up": flag("admin_up"), "shared": flag("shared"), "router:external": flag("external"),
		"mtu": text("mtu"), "port_security_enabled": flag("port_security"), "status": always(string(Active)),
		"provider:physical_network": text("physical"),
		"subnets": func(q *bun.SelectQuery, values []string) error {
			q.Where("?TableAlias.id IN (SELECT network_id FROM network_subnets WHERE id IN (?))", bun.List(values))
			return nil
		},
	}),
	columns: sortable("mtu", "admin_up", "shared"),
	id:      func(n Network) string { return string(n.ID) },
	shared:  "?TableAlias.shared OR ?TableAlias.external",
}

// loadNetworkRow is loadNetwork without the subnets.
func loadNetworkRow(ctx context.Context, idb bun.IDB, id ID) (Network, error) {
	n := Network{ID: id}
	err := idb.NewSelect().Model(&n).WherePK().Scan(ctx)
	return n, missing(err, "network", string(id))
}

func loadNetwork(ctx context.Context, idb bun.IDB, id ID) (Network, error) {
	n, err := loadNetworkRow(ctx, idb, id)
	if err != nil {
		return n, err
	}
	one := []Network{n}
	err = addSubnets(ctx, idb, one)
	return one[0], err
}

func listNetworks(ctx context.Context, idb bun.IDB, project string, q Query) (page.Of[Network], error) {
	out, err := list(ctx, idb.NewSelect().Model((*Network)(nil)), q, project, networkListing)
	if err != nil {
		return out, err
	}
	return out, addSubnets(ctx, idb, out.Items)
}

func networksByID(ctx context.Context, idb bun.IDB, ids []ID) ([]Network, error) {
	var all []Network
	err := idb.NewSelect().Model(&all).Where("id IN (?)", bun.List(ids)).Scan(ctx)
	return all, db.Fault(err, "networks")
}

// addSubnets gives networks the ids of their subnets, in one query.
func addSubnets(ctx context.Context, idb bun.IDB, networks []Network) error {
	if len(networks) == 0 {
		return nil
	}
	at, ids := map[ID]int{}, make([]ID, len(networks))
	for i, n := range networks {
		at[n.ID], ids[i] = i, n.ID
	}
	var all []Subnet
	err := idb.NewSelect().Model(&all).Column("id", "network_id").Where("network_id IN (?)", bun.List(ids)).Order("created_at", "id").Scan(ctx)
	for _, s := range all {
		n := &networks[at[s.NetworkID]]
		n.Subnets = append(n.Subnets, s.ID)
	}
	return db.Fault(err, "subnets of networks")
}

var subnetListing = listing[Subnet]{
	filters: standard(map[string]filter{
		"network_id": text("network_id"), "cidr": text("cidr"), "gateway_ip": text("gateway"), "enable_dhcp": flag("dhcp"),
		"ipv6_address_mode": text("address_mode"), "ipv6_ra_mode": text("ra_mode"), "ip_version": ipVersion("cidr"), "subnetpool_id": text("subnet_pool_id"),
		"shared": flagOf("(?TableAlias.network_id IN (SELECT id FROM networks WHERE shared))"),
	}),
	columns: sortable("cidr", "network_id"),
	id:      func(s Subnet) string { return string(s.ID) },
	shared:  "?TableAlias.network_id IN (SELECT id FROM networks WHERE shared)",
}

// ipVersion is the filter of a column that holds ranges of addresses.
func ipVersion(column string) filter {
	return func(q *bun.SelectQuery, values []string) error {
		var like []string
		for _, v := range values {
			switch v {
			case "4":
				like = append(like, "%.%")
			case "6":
				like = append(like, "%:%")
			}
		}
		switch len(like) {
		case 0:
			q.Where("1 = 0")
		case 1:
			q.Where("?TableAlias.? LIKE ?", bun.Ident(column), like[0])
		}
		return nil
	}
}

// selectSubnets selects subnets with what they have of their network.
func selectSubnets(idb bun.IDB, model any) *bun.SelectQuery {
	return idb.NewSelect().Model(model).ColumnExpr("?TableAlias.*").
		ColumnExpr("(SELECT shared FROM networks WHERE networks.id = ?TableAlias.network_id) AS shared")
}

func loadSubnet(ctx context.Context, idb bun.IDB, id SubnetID) (Subnet, error) {
	s := Subnet{ID: id}
	err := selectSubnets(idb, &s).WherePK().Scan(ctx)
	return s, missing(err, "subnet", string(id))
}

func listSubnets(ctx context.Context, idb bun.IDB, project string, q Query) (page.Of[Subnet], error) {
	return list(ctx, selectSubnets(idb, (*Subnet)(nil)), q, project, subnetListing)
}

// subnetsOf returns the subnets of a network, oldest first.
func subnetsOf(ctx context.Context, idb bun.IDB, networks ...ID) ([]Subnet, error) {
	var all []Subnet
	if len(networks) == 0 {
		return nil, nil
	}
	err := selectSubnets(idb, &all).Where("network_id IN (?)", bun.List(networks)).Order("created_at", "id").Scan(ctx)
	return all, db.Fault(err, "subnets of networks")
}

// lockNetwork makes others who lock the same network wait for the end of tx: what
// holds addresses on it neither appears while it is deleted, nor the reverse.
func lockNetwork(ctx context.Context, tx *db.Tx, id ID) error {
	return tx.Lock(ctx, "network/"+string(id))
}

// An address is a row that says who holds an address.
type address struct {
	bun.BaseModel `bun:"table:network_addresses,alias:a"`

	NetworkID ID     `bun:",pk"`
	Position  string `bun:",pk"`
	SubnetID  SubnetID
	Address   netip.Addr
	PortID    PortID `bun:",nullzero"` // empty: it answers DHCP
}

// position orders addresses of either version as text.
func position(a netip.Addr) string {
	b := a.As16()
	return hex.EncodeToString(b[:])
}

func fromPosition(s string) netip.Addr {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 16 {
		return netip.Addr{}
	}
	return netip.AddrFrom16([16]byte(b)).Unmap()
}

// take inserts an address and reports whether it was free.
func take(ctx context.Context, tx bun.IDB, a address) (bool, error) {
	a.Position = position(a.Address)
	res, err := tx.NewInsert().Model(&a).On("CONFLICT (network_id, position) DO NOTHING").Exec(ctx)
	if err != nil {
		return false, db.Fault(err, "address %s", a.Address)
	}
	n, err := res.RowsAffected()
	return n == 1, db.Fault(err, "address %s", a.Address)
}

// takenFrom returns the positions in use in a range, in order and at most n.
func takenFrom(ctx context.Context, tx bun.IDB, network ID, in Pool, n int) ([]string, error) {
	var out []string
	err := tx.NewSelect().Model((*address)(nil)).Column("position").
		Where("network_id = ? AND position BETWEEN ? AND ?", network, position(in.First), position(in.Last)).
		Order("position").Limit(int64(n)).Scan(ctx, &out)
	return out, db.Fault(err, "addresses of network %s", network)
}

func release(ctx context.Context, tx bun.IDB, network ID, a netip.Addr) error {
	_, err := remove(ctx, tx, (*address)(nil), "network_id = ? AND position = ?", network, position(a))
	return err
}

// holder returns the port that holds an address of a network.
func holder(ctx context.Context, idb bun.IDB, network ID, a netip.Addr) (PortID, error) {
	row := address{NetworkID: network, Position: position(a)}
	err := idb.NewSelect().Model(&row).WherePK().Scan(ctx)
	if err == nil && row.PortID == "" {
		return "", fault.NotFound.Errorf("address %s of network %s belongs to no port", a, network)
	}
	return row.PortID, missing(err, "address", a.String())
}

// fixedIPs is the filter that reads "ip_address=…", "ip_address_substr=…" and "subnet_id=…".
func fixedIPs(q *bun.SelectQuery, values []string) error {
	for _, v := range values {
		key, value, _ := strings.Cut(v, "=")
		const held = "?TableAlias.id IN (SELECT port_id FROM network_addresses AS a WHERE "
		switch key {
		case "ip_address":
			a, err := netip.ParseAddr(value)
			if err != nil {
				return fault.Invalid.Errorf("fixed_ips: %q is not an address", value)
			}
			q.Where(held+"a.address = ?)", a.String())
		case "ip_address_substr":
			q.Where(held+"REPLACE(a.address, ?, '') <> a.address)", value)
		case "subnet_id":
			q.Where(held+"a.subnet_id = ?)", value)
		default:
			return fault.Invalid.Errorf("fixed_ips: search by ip_address=…, ip_address_substr=… or subnet_id=…, not by %q", v)
		}
	}
	return nil
}

// subnetUsed reports whether a port keeps s from being deleted. Addresses made of
// MACs do not, unless a router has them: guests make them by themselves.
func subnetUsed(ctx context.Context, tx bun.IDB, s Subnet) (bool, error) {
	q := tx.NewSelect().Model((*address)(nil)).Where("subnet_id = ? AND port_id IS NOT NULL", s.ID)
	if s.automatic() {
		q.Where("port_id IN (SELECT id FROM network_ports WHERE router_id <> '')")
	}
	used, err := q.Exists(ctx)
	return used, db.Fault(err, "use of subnet %s", s.ID)
}
