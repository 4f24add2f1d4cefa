package network

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// A follow is a row that says that changes of a group reach a host.
type follow struct {
	bun.BaseModel `bun:"table:network_host_groups"`

	GroupID SecurityGroupID `bun:",pk"`
	Host    string          `bun:",pk"`
}

// touchHosts says that hosts were there at a time, some perhaps for the first time.
func touchHosts(ctx context.Context, tx bun.IDB, names []string, at time.Time) error {
	rows := make([]HostState, len(names))
	for i, name := range names {
		rows[i] = HostState{Name: name, SeenAt: at, CreatedAt: at}
	}
	_, err := tx.NewInsert().Model(&rows).On("CONFLICT (name) DO UPDATE").Set("seen_at = EXCLUDED.seen_at").Exec(ctx)
	return db.Fault(err, "note that hosts are there")
}

func listHosts(ctx context.Context, idb bun.IDB) ([]HostState, error) {
	var all []HostState
	err := idb.NewSelect().Model(&all).Order("name").Scan(ctx)
	return all, db.Fault(err, "read hosts")
}

// oldestHost returns the name of the host that has been there for longest, or "".
func oldestHost(ctx context.Context, idb bun.IDB) (string, error) {
	var name string
	err := idb.NewSelect().Model((*HostState)(nil)).Column("name").Order("created_at", "name").Limit(1).Scan(ctx, &name)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return name, db.Fault(err, "find the oldest host")
}

func hostSeen(ctx context.Context, idb bun.IDB, name string, since time.Time) (bool, error) {
	return exists(ctx, idb, (*HostState)(nil), "name = ? AND seen_at >= ?", name, since)
}

// nextGeneration numbers the View that is read next, and reports whether its number follows
// last.Generation. Without a host that was seen since last.SeenAt it is fault.NotFound. Numbers
// follow the clock too, so that a database restored from yesterday's copy does not repeat them.
func nextGeneration(ctx context.Context, tx bun.IDB, last HostState) (next int64, follows bool, err error) {
	now := time.Now().UnixMicro()
	number := func(where string, args ...any) error {
		return tx.NewUpdate().Model((*HostState)(nil)).
			Set("generation = CASE WHEN generation < ? THEN ? ELSE generation + 1 END", now, now).
			Where("name = ? AND seen_at >= ?", last.Name, last.SeenAt).Where(where, args...).
			Returning("generation").Scan(ctx, &next)
	}
	if err = number("generation = ?", last.Generation); err == nil {
		return next, true, nil
	}
	if errors.Is(err, sql.ErrNoRows) {
		err = number("TRUE")
	}
	return next, false, db.Fault(err, "number a view of host %s", last.Name)
}

// deleteHost forgets a host that has no ports.
func deleteHost(ctx context.Context, tx bun.IDB, name string) error {
	used, err := exists(ctx, tx, (*Port)(nil), "host = ?", name)
	if err != nil {
		return err
	}
	if used {
		return ErrInUse.Errorf("host %s in use: ports are plugged into it; move or delete their servers first", name)
	}
	if _, err := remove(ctx, tx, (*follow)(nil), "host = ?", name); err != nil {
		return err
	}
	_, err = remove(ctx, tx, (*HostState)(nil), "name = ?", name)
	return err
}

// silence says of ports that nobody knows whether their hosts, silent since a time, carry them.
func silence(ctx context.Context, tx bun.IDB, since time.Time) (int64, error) {
	res, err := tx.NewUpdate().Model((*Port)(nil)).Set("status = ?", Down).Where("status = ?", Active).
		Where("host IN (SELECT name FROM network_hosts WHERE seen_at < ?)", since).Exec(ctx)
	if err != nil {
		return 0, db.Fault(err, "ports of silent hosts")
	}
	n, err := res.RowsAffected()
	return n, fault.Internal.Wrap(err, "ports of silent hosts")
}

// hostsOn returns the hosts that ports of a network are plugged into.
func hostsOn(ctx context.Context, idb bun.IDB, network ID) (hosts []string, err error) {
	err = idb.NewSelect().Model((*Port)(nil)).Distinct().Column("host").Where("network_id = ? AND host <> ''", network).Scan(ctx, &hosts)
	return hosts, db.Fault(err, "hosts of network %s", network)
}

// followers returns the hosts whose rules depend on one of groups.
func followers(ctx context.Context, idb bun.IDB, groups []SecurityGroupID) (hosts []string, err error) {
	if len(groups) == 0 {
		return nil, nil
	}
	err = idb.NewSelect().Model((*follow)(nil)).Distinct().Column("host").Where("group_id IN (?)", bun.List(groups)).Scan(ctx, &hosts)
	return hosts, db.Fault(err, "hosts that depend on security groups")
}

// followedBy returns the groups that a host's rules depend on.
func followedBy(ctx context.Context, idb bun.IDB, host string) (map[SecurityGroupID]bool, error) {
	var groups []SecurityGroupID
	err := idb.NewSelect().Model((*follow)(nil)).Column("group_id").Where("host = ?", host).Scan(ctx, &groups)
	all := make(map[SecurityGroupID]bool, len(groups))
	for _, g := range groups {
		all[g] = true
	}
	return all, db.Fault(err, "security groups that host %s depends on", host)
}

func insertFollowed(ctx context.Context, tx bun.IDB, host string, groups []SecurityGroupID) error {
	rows := make([]follow, len(groups))
	for i, g := range groups {
		rows[i] = follow{GroupID: g, Host: host}
	}
	_, err := tx.NewInsert().Model(&rows).On("CONFLICT DO NOTHING").Exec(ctx)
	return db.Fault(err, "note what host %s depends on", host)
}

// dropFollowed is the opposite, where nobody has numbered a View after at.Generation.
func dropFollowed(ctx context.Context, tx bun.IDB, at HostState, groups []SecurityGroupID) error {
	// An update of nothing holds the row, and so the next number, until the transaction ends.
	res, err := tx.NewUpdate().Model((*HostState)(nil)).Set("generation = generation").
		Where("name = ? AND generation = ?", at.Name, at.Generation).Exec(ctx)
	if err != nil {
		return db.Fault(err, "look at host %s", at.Name)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return fault.Internal.Wrap(err, "look at host %s", at.Name)
	}
	_, err = remove(ctx, tx, (*follow)(nil), "host = ? AND group_id IN (?)", at.Name, bun.List(groups))
	return err
}
