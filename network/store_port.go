package network

import (
	"context"
	"slices"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

var portListing = listing[Port]{
	filters: standard(map[string]filter{
		"network_id": text("network_id"), "mac_address": text("mac"), "admin_state_up": flag("admin_up"), "status": text("status"),
		"device_id": text("device_id"), "device_owner": text("device_owner"), "binding:host_id": text("host"),
		"binding:vnic_type": text("vnic_type"), "port_security_enabled": flag("port_security"), "fixed_ips": fixedIPs,
		"security_groups": func(q *bun.SelectQuery, values []string) error {
			q.Where("?TableAlias.id IN (SELECT port_id FROM network_port_groups WHERE group_id IN (?))", bun.List(values))
			return nil
		},
	}),
	columns: sortable("network_id", "status", "device_id", "device_owner", "mac"),
	id:      func(p Port) string { return string(p.ID) },
}

// A portGroup is a row that says that a port has a security group.
type portGroup struct {
	bun.BaseModel `bun:"table:network_port_groups,alias:pg"`

	PortID  PortID          `bun:",pk"`
	GroupID SecurityGroupID `bun:",pk"`
}

func loadPort(ctx context.Context, idb bun.IDB, id PortID) (Port, error) {
	p := Port{ID: id}
	if err := idb.NewSelect().Model(&p).WherePK().Scan(ctx); err != nil {
		return p, missing(err, "port", string(id))
	}
	one := []Port{p}
	err := completePorts(ctx, idb, one)
	return one[0], err
}

func listPorts(ctx context.Context, idb bun.IDB, project string, q Query) (page.Of[Port], error) {
	out, err := list(ctx, idb.NewSelect().Model((*Port)(nil)), q, project, portListing)
	if err != nil {
		return out, err
	}
	return out, completePorts(ctx, idb, out.Items)
}

// portsWhere returns all ports that a condition holds for, complete.
func portsWhere(ctx context.Context, idb bun.IDB, where string, args ...any) ([]Port, error) {
	var all []Port
	if err := idb.NewSelect().Model(&all).Where(where, args...).Order("created_at", "id").Scan(ctx); err != nil {
		return nil, db.Fault(err, "ports")
	}
	return all, completePorts(ctx, idb, all)
}

// lockPort makes others who change the same port wait for the end of tx. It comes after
// the locks of networks and routers.
func lockPort(ctx context.Context, tx *db.Tx, id PortID) error {
	return tx.Lock(ctx, "network/port/"+string(id))
}

func portsOn(ctx context.Context, idb bun.IDB, host string) ([]Port, error) {
	return portsWhere(ctx, idb, "host = ?", host)
}

func portsByID(ctx context.Context, idb bun.IDB, ids []PortID) ([]Port, error) {
	return portsWhere(ctx, idb, "id IN (?)", bun.List(ids))
}

// legsOf returns the ports of routers: interfaces and gateways.
func legsOf(ctx context.Context, idb bun.IDB, routers []RouterID) ([]Port, error) {
	return portsWhere(ctx, idb, "router_id IN (?)", bun.List(routers))
}

// completePorts gives ports their addresses and groups, in two queries.
func completePorts(ctx context.Context, idb bun.IDB, ports []Port) error {
	if len(ports) == 0 {
		return nil
	}
	at, ids := map[PortID]int{}, make([]PortID, len(ports))
	for i, p := range ports {
		at[p.ID], ids[i] = i, p.ID
	}
	var held []address
	if err := idb.NewSelect().Model(&held).Column("port_id", "subnet_id", "address").Where("port_id IN (?)", bun.List(ids)).
		Order("position").Scan(ctx); err != nil {
		return db.Fault(err, "addresses of ports")
	}
	for _, a := range held {
		p := &ports[at[a.PortID]]
		p.Addresses = append(p.Addresses, FixedIP{a.SubnetID, a.Address})
	}
	var groups []portGroup
	err := idb.NewSelect().Model(&groups).Where("port_id IN (?)", bun.List(ids)).Order("group_id").Scan(ctx)
	for _, g := range groups {
		p := &ports[at[g.PortID]]
		p.Groups = append(p.Groups, g.GroupID)
	}
	return db.Fault(err, "security groups of ports")
}

// insertPort inserts p with its groups, and chooses a MAC where it has none; its
// addresses are taken one by one.
func insertPort(ctx context.Context, tx bun.IDB, p *Port) error {
	chosen := p.MAC != ""
	for range maxTries {
		if !chosen {
			p.MAC = newMAC()
		}
		res, err := tx.NewInsert().Model(p).On("CONFLICT (network_id, mac) DO NOTHING").Exec(ctx)
		if err != nil && db.IsDuplicate(err) {
			return fault.Conflict.Errorf("port %s, or one whose device is called %s, exists already: choose another id, or none", p.ID, TapName(string(p.ID)))
		}
		if err != nil {
			return db.Fault(err, "insert port %s", p.ID)
		}
		if n, err := res.RowsAffected(); err != nil || n == 1 {
			if err != nil {
				return db.Fault(err, "insert port %s", p.ID)
			}
			return insertPortGroups(ctx, tx, p)
		}
		if chosen {
			break
		}
	}
	return ErrMACInUse.Errorf("MAC address %s is in use on network %s", p.MAC, p.NetworkID)
}

// maxTries is how often a MAC is chosen. With a million ports on a network it takes two.
const maxTries = 32

func insertPortGroups(ctx context.Context, tx bun.IDB, p *Port) error {
	if len(p.Groups) == 0 {
		return nil
	}
	rows := make([]portGroup, len(p.Groups))
	for i, g := range p.Groups {
		rows[i] = portGroup{PortID: p.ID, GroupID: g}
	}
	return insert(ctx, tx, &rows, "security groups of port "+string(p.ID))
}

func replacePortGroups(ctx context.Context, tx bun.IDB, p *Port) error {
	slices.Sort(p.Groups)
	if _, err := remove(ctx, tx, (*portGroup)(nil), "port_id = ?", p.ID); err != nil {
		return err
	}
	return insertPortGroups(ctx, tx, p)
}

func updatePort(ctx context.Context, tx bun.IDB, p *Port) error {
	err := update(ctx, tx, p, "port "+string(p.ID))
	if err != nil && db.IsDuplicate(err) {
		err = ErrMACInUse.Errorf("MAC address %s is in use on network %s", p.MAC, p.NetworkID)
	}
	return err
}

// erasePort deletes a port with all it holds.
func erasePort(ctx context.Context, tx bun.IDB, id PortID) error {
	if _, err := remove(ctx, tx, (*address)(nil), "port_id = ?", id); err != nil {
		return err
	}
	if _, err := remove(ctx, tx, (*portGroup)(nil), "port_id = ?", id); err != nil {
		return err
	}
	n, err := remove(ctx, tx, (*Port)(nil), "id = ?", id)
	if err == nil && n == 0 {
		return fault.NotFound.Errorf("port %s could not be found", id)
	}
	return err
}

// markActive says that a host carries ports, where they are still bound to it.
func markActive(ctx context.Context, tx bun.IDB, host string, ids []PortID) error {
	_, err := tx.NewUpdate().Model((*Port)(nil)).Set("status = ?", Active).
		Where("id IN (?) AND host = ? AND admin_up", bun.List(ids), host).Exec(ctx)
	return db.Fault(err, "status of ports of host %s", host)
}

// boundMembers returns the bound ports that have one of groups.
func boundMembers(ctx context.Context, idb bun.IDB, groups []SecurityGroupID) ([]Port, error) {
	return portsWhere(ctx, idb, "host <> '' AND id IN (SELECT port_id FROM network_port_groups WHERE group_id IN (?))", bun.List(groups))
}
