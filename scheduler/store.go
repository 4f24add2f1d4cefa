package scheduler

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// loadHosts returns every host with its inventories.
func loadHosts(ctx context.Context, d bun.IDB) ([]Host, error) {
	var hosts []Host
	if err := d.NewSelect().Model(&hosts).Order("name").Scan(ctx); err != nil {
		return nil, db.Fault(err, "read hosts")
	}
	return hosts, loadInventories(ctx, d, hosts, nil)
}

// loadInventories fills in the inventories of hosts; ids nil means of all.
func loadInventories(ctx context.Context, d bun.IDB, hosts []Host, ids []HostID) error {
	var all []Inventory
	q := d.NewSelect().Model(&all).Order("host_id", "class")
	if ids != nil {
		q = q.Where("host_id IN (?)", bun.List(ids))
	}
	if err := q.Scan(ctx); err != nil {
		return db.Fault(err, "read inventories")
	}
	at := make(map[HostID]*Host, len(hosts))
	for i := range hosts {
		at[hosts[i].ID] = &hosts[i]
	}
	for _, inv := range all {
		if h := at[inv.HostID]; h != nil {
			h.Inventories = append(h.Inventories, inv)
		}
	}
	return nil
}

func loadHost(ctx context.Context, d bun.IDB, id HostID) (Host, error) {
	hosts := make([]Host, 1)
	if err := d.NewSelect().Model(&hosts[0]).Where("id = ?", id).Scan(ctx); err != nil {
		return Host{}, db.Fault(err, "host %s", id)
	}
	err := loadInventories(ctx, d, hosts, []HostID{id})
	return hosts[0], err
}

func listHosts(ctx context.Context, d bun.IDB, q HostQuery) (page.Of[Host], error) {
	sel := d.NewSelect().Model((*Host)(nil))
	if q.Name != "" {
		sel = sel.Where("name = ?", q.Name)
	}
	if q.AvailabilityZone != "" {
		sel = sel.Where("availability_zone = ?", q.AvailabilityZone)
	}
	if len(q.Sort) == 0 {
		q.Sort = []page.Sort{{Key: "name"}}
	}
	columns := db.Columns{"id": "id", "name": "name", "created_at": "created_at"}
	p, err := db.List(ctx, sel, q.Query, columns, func(h Host) string { return string(h.ID) })
	if err != nil || len(p.Items) == 0 {
		return p, err
	}
	ids := make([]HostID, len(p.Items))
	for i, h := range p.Items {
		ids[i] = h.ID
	}
	return p, loadInventories(ctx, d, p.Items, ids)
}

// touchHost notes that a host said again what it said before; false when it did not.
func touchHost(ctx context.Context, tx bun.IDB, id HostID, digest string, at time.Time) (bool, error) {
	n, err := rows(tx.ExecContext(ctx, "UPDATE scheduler_hosts SET seen_at = ? WHERE id = ? AND digest = ?", at, id, digest))
	return n > 0, db.Fault(err, "host %s", id)
}

// saveHost writes what a host reported. What an operator decided, and what is
// used, stays.
func saveHost(ctx context.Context, tx bun.IDB, h Host) error {
	_, err := tx.NewInsert().Model(&h).On("CONFLICT (id) DO UPDATE").
		Set("availability_zone = EXCLUDED.availability_zone").Set("traits = EXCLUDED.traits").Set("digest = EXCLUDED.digest").
		Set("seen_at = EXCLUDED.seen_at").Set("generation = h.generation + 1").Exec(ctx)
	if err != nil {
		return db.Fault(err, "save host %s", h.Name)
	}
	// A class that the host no longer has stays while consumers hold some of it.
	_, err = tx.ExecContext(ctx, "UPDATE scheduler_inventories SET total = 0, reserved = 0, capacity = 0 WHERE host_id = ?", h.ID)
	if err != nil {
		return db.Fault(err, "save host %s", h.Name)
	}
	if len(h.Inventories) > 0 {
		_, err = tx.NewInsert().Model(&h.Inventories).On("CONFLICT (host_id, class) DO UPDATE").
			Set("total = EXCLUDED.total").Set("reserved = EXCLUDED.reserved").
			Set("ratio = EXCLUDED.ratio").Set("capacity = EXCLUDED.capacity").Exec(ctx)
		if err != nil {
			return db.Fault(err, "save the inventories of %s", h.Name)
		}
	}
	_, err = tx.ExecContext(ctx, "DELETE FROM scheduler_inventories WHERE host_id = ? AND total = 0 AND used = 0", h.ID)
	return db.Fault(err, "save host %s", h.Name)
}

func setEnabled(ctx context.Context, tx bun.IDB, id HostID, enabled bool, reason string) error {
	_, err := tx.ExecContext(ctx, "UPDATE scheduler_hosts SET enabled = ?, disabled_reason = ? WHERE id = ?", enabled, reason, id)
	return db.Fault(err, "update host %s", id)
}

// removeHost deletes a host that nobody is placed on.
func removeHost(ctx context.Context, tx bun.IDB, id HostID) error {
	n, err := tx.NewSelect().Model((*Placement)(nil)).Where("host_id = ?", id).Count(ctx)
	if err != nil {
		return db.Fault(err, "host %s", id)
	}
	if n > 0 {
		return fault.Conflict.Errorf("host %s holds %d consumers: move or delete them first", id, n)
	}
	for _, text := range []string{"DELETE FROM scheduler_inventories WHERE host_id = ?", "DELETE FROM scheduler_hosts WHERE id = ?"} {
		if _, err := tx.ExecContext(ctx, text, id); err != nil {
			return db.Fault(err, "delete host %s", id)
		}
	}
	return nil
}

// insertPlacement writes p; false when its consumer is placed already, or its
// host is disabled or gone.
func insertPlacement(ctx context.Context, tx bun.IDB, p Placement) (bool, error) {
	resources, err := json.Marshal(p.Resources)
	if err != nil {
		return false, fault.Internal.Wrap(err, "place %s", p.ConsumerID)
	}
	n, err := rows(tx.ExecContext(ctx, `INSERT INTO scheduler_placements
		(consumer_id, host_id, host_name, project_id, user_id, resources, created_at)
		SELECT ?, id, name, ?, ?, ?, ? FROM scheduler_hosts WHERE id = ? AND enabled
		ON CONFLICT (consumer_id) DO NOTHING`,
		p.ConsumerID, p.ProjectID, p.UserID, string(resources), p.CreatedAt, p.HostID))
	return n > 0, db.Fault(err, "place %s", p.ConsumerID)
}

// takeRoom takes resources from a host, all or nothing in the caller's
// transaction: false means that one was short and the caller must roll back.
// Every row says itself whether the room is there, so no two takers can both win.
func takeRoom(ctx context.Context, tx bun.IDB, host HostID, r Resources) (bool, error) {
	if len(r) == 0 {
		return true, nil
	}
	var sum, fits strings.Builder
	var sums, fit []any
	for class, amount := range r {
		sum.WriteString(" WHEN ? THEN ?")
		sums = append(sums, class, amount)
		if fits.Len() > 0 {
			fits.WriteString(" OR ")
		}
		fits.WriteString("class = ? AND used + ? <= capacity")
		fit = append(fit, class, amount)
	}
	text := "UPDATE scheduler_inventories SET used = used + CASE class" + sum.String() + " END WHERE host_id = ? AND (" + fits.String() + ")"
	n, err := rows(tx.ExecContext(ctx, text, append(append(sums, host), fit...)...))
	return n == int64(len(r)), db.Fault(err, "take room on host %s", host)
}

// giveRoom returns what takeRoom took.
func giveRoom(ctx context.Context, tx bun.IDB, host HostID, r Resources) error {
	for class, amount := range r {
		_, err := tx.ExecContext(ctx, "UPDATE scheduler_inventories SET used = used - ? WHERE host_id = ? AND class = ?", amount, host, class)
		if err != nil {
			return db.Fault(err, "give room on host %s back", host)
		}
	}
	return nil
}

func loadPlacement(ctx context.Context, d bun.IDB, consumer ConsumerID) (Placement, error) {
	var p Placement
	err := d.NewSelect().Model(&p).Where("consumer_id = ?", consumer).Scan(ctx)
	return p, db.Fault(err, "placement of %s", consumer)
}

func listPlacements(ctx context.Context, d bun.IDB, q PlacementQuery) (page.Of[Placement], error) {
	sel := d.NewSelect().Model((*Placement)(nil))
	if q.HostID != "" {
		sel = sel.Where("host_id = ?", q.HostID)
	}
	if q.ProjectID != "" {
		sel = sel.Where("project_id = ?", q.ProjectID)
	}
	columns := db.Columns{"id": "consumer_id", "created_at": "created_at"}
	return db.List(ctx, sel, q.Query, columns, func(p Placement) string { return string(p.ConsumerID) })
}

// removePlacement deletes p; false when it was gone, or its consumer has moved.
func removePlacement(ctx context.Context, tx bun.IDB, p Placement) (bool, error) {
	n, err := rows(tx.ExecContext(ctx, "DELETE FROM scheduler_placements WHERE consumer_id = ? AND host_id = ?", p.ConsumerID, p.HostID))
	return n > 0, db.Fault(err, "release %s", p.ConsumerID)
}

// setUsed makes the inventories of a host say what its placements add up to,
// and returns the classes that said something else.
func setUsed(ctx context.Context, tx bun.IDB, host HostID) ([]Class, error) {
	var held []Placement
	var inventories []Inventory
	if err := tx.NewSelect().Model(&held).Column("resources").Where("host_id = ?", host).Scan(ctx); err != nil {
		return nil, db.Fault(err, "read the placements of host %s", host)
	}
	if err := tx.NewSelect().Model(&inventories).Where("host_id = ?", host).Scan(ctx); err != nil {
		return nil, db.Fault(err, "read the inventories of host %s", host)
	}
	sum := Resources{}
	for _, p := range held {
		for class, amount := range p.Resources {
			sum[class] += amount
		}
	}
	var wrong []Class
	for _, inv := range inventories {
		if inv.Used == sum[inv.Class] {
			continue
		}
		wrong = append(wrong, inv.Class)
		_, err := tx.ExecContext(ctx, "UPDATE scheduler_inventories SET used = ? WHERE host_id = ? AND class = ?", sum[inv.Class], host, inv.Class)
		if err != nil {
			return nil, db.Fault(err, "correct the inventories of host %s", host)
		}
	}
	return wrong, nil
}

func rows(r sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}
