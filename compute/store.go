package compute

import (
	"context"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

var serverColumns = db.Columns{
	"id": "id", "uuid": "id", "created_at": "created_at", "updated_at": "updated_at", "launched_at": "launched_at",
	"display_name": "name", "name": "name", "host": "host", "project_id": "project_id", "user_id": "user_id",
	"vm_state": "status", "key_name": "key_name", "instance_type_id": "flavor_id", "image_ref": "image_id",
	"availability_zone": "availability_zone", "display_description": "description", "config_drive": "config_drive",
	"launch_index": "launch_index", "locked": "locked",
}

func loadServer(ctx context.Context, idb bun.IDB, id ServerID) (Server, error) {
	s := Server{ID: id}
	return s, missing(idb.NewSelect().Model(&s).WherePK().Scan(ctx), "server", string(id))
}

// missing words an error about one row.
func missing(err error, what, id string) error {
	if err != nil && fault.Of(db.Fault(err, "")) == fault.NotFound {
		return fault.NotFound.Errorf("%s %s could not be found", what, id)
	}
	return db.Fault(err, "%s %s", what, id)
}

func listServers(ctx context.Context, idb bun.IDB, project string, q Query) (page.Of[Server], error) {
	query := idb.NewSelect().Model((*Server)(nil))
	for column, value := range map[string]string{
		"project_id": project, "user_id": q.UserID, "flavor_id": q.FlavorID, "image_id": q.ImageID, "host": q.Host,
		"key_name": q.KeyName, "availability_zone": q.AvailabilityZone, "reservation_id": q.ReservationID,
	} {
		if value != "" {
			query.Where("? = ?", bun.Ident(column), value)
		}
	}
	if q.Name != "" {
		query.Where("name LIKE ? ESCAPE '!'", "%"+escapeLike(q.Name)+"%")
	}
	if len(q.Status) > 0 {
		query.Where("status IN (?)", bun.List(q.Status))
	}
	if len(q.IDs) > 0 {
		query.Where("id IN (?)", bun.List(q.IDs))
	}
	if q.Locked != nil {
		query.Where("locked = ?", *q.Locked)
	}
	if q.ChangedSince > 0 {
		query.Where("updated_at >= ?", time.Unix(q.ChangedSince, 0).UTC())
	}
	if q.ChangedBefore > 0 {
		query.Where("updated_at <= ?", time.Unix(q.ChangedBefore, 0).UTC())
	}
	whereTags(query, q)
	return db.List(ctx, query, q.Query, serverColumns, func(s Server) string { return string(s.ID) })
}

func escapeLike(s string) string {
	return strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(s)
}

// whereTags matches tags in the column, a JSON list of strings.
func whereTags(query *bun.SelectQuery, q Query) {
	has := func(tag string) string { return `%"` + escapeLike(tag) + `"%` }
	const like = "COALESCE(tags, '') LIKE ? ESCAPE '!'"
	for _, t := range q.Tags {
		query.Where(like, has(t))
	}
	oneOf := func(tags []string) func(*bun.SelectQuery) *bun.SelectQuery {
		return func(sub *bun.SelectQuery) *bun.SelectQuery {
			for _, t := range tags {
				sub.WhereOr(like, has(t))
			}
			return sub
		}
	}
	if len(q.TagsAny) > 0 {
		query.WhereGroup(" AND ", oneOf(q.TagsAny))
	}
	for _, t := range q.NotTagsAny {
		query.Where("NOT "+like, has(t))
	}
	if len(q.NotTags) > 0 { // not all of them
		query.WhereGroup(" AND ", func(sub *bun.SelectQuery) *bun.SelectQuery {
			for _, t := range q.NotTags {
				sub.WhereOr("NOT "+like, has(t))
			}
			return sub
		})
	}
}

func insertServer(ctx context.Context, tx bun.IDB, s *Server) error {
	_, err := tx.NewInsert().Model(s).Exec(ctx)
	return db.Fault(err, "server %s", s.ID)
}

// changeServer lets change alter a server's row in tx, ends the action that asked
// for it, and tells who listens when the status is another one.
func changeServer(ctx context.Context, tx *db.Tx, id ServerID, action string, change func(*Server)) error {
	if err := tx.Lock(ctx, subject(id)); err != nil {
		return err
	}
	s, err := loadServer(ctx, tx, id)
	if err != nil {
		return err
	}
	was := s.Status
	change(&s)
	s.UpdatedAt = db.Now()
	if _, err := tx.NewUpdate().Model(&s).WherePK().Exec(ctx); err != nil {
		return db.Fault(err, "server %s", s.ID)
	}
	if action != "" {
		if err := endAction(ctx, tx, action, ""); err != nil {
			return err
		}
	}
	if s.Status == was || s.Status == Active && was == Building {
		return nil // ServerStarted says more
	}
	return bus.Publish(ctx, tx, ServerChanged{ID: s.ID, ProjectID: s.ProjectID, Status: s.Status, At: s.UpdatedAt})
}

func deleteServer(ctx context.Context, tx bun.IDB, id ServerID) error {
	_, err := tx.NewDelete().Model((*Server)(nil)).Where("id = ?", id).Exec(ctx)
	return db.Fault(err, "server %s", id)
}

// hostedServers returns what a host should run, with the columns that a
// comparison with its driver needs.
func hostedServers(ctx context.Context, idb bun.IDB, host string) ([]Server, error) {
	var all []Server
	err := idb.NewSelect().Model(&all).Column("id", "project_id", "status", "host").Where("host = ?", host).Scan(ctx)
	return all, db.Fault(err, "servers on host %s", host)
}

// loadStatuses returns the same columns of the servers with these ids.
func loadStatuses(ctx context.Context, idb bun.IDB, ids []ServerID) ([]Server, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var all []Server
	err := idb.NewSelect().Model(&all).Column("id", "project_id", "status", "host").Where("id IN (?)", bun.List(ids)).Scan(ctx)
	return all, db.Fault(err, "statuses of servers")
}

// serversOnHosts counts servers by host.
func serversOnHosts(ctx context.Context, idb bun.IDB) (map[string]int, error) {
	var rows []struct {
		Host string
		N    int
	}
	err := idb.NewSelect().Model((*Server)(nil)).Column("host").ColumnExpr("COUNT(*) AS n").Group("host").Scan(ctx, &rows)
	out := map[string]int{}
	for _, r := range rows {
		out[r.Host] = r.N
	}
	return out, db.Fault(err, "servers by host")
}

// usage is a quota.Usage.
func usage(ctx context.Context, idb bun.IDB, project string) (quota.Amount, error) {
	var servers, cores, memory int64
	err := idb.NewSelect().Model((*Server)(nil)).
		ColumnExpr("COUNT(*), COALESCE(SUM(vcpus), 0), COALESCE(SUM(memory_mib), 0)").
		Where("project_id = ?", project).Scan(ctx, &servers, &cores, &memory)
	return quota.Amount{ResourceServers: servers, ResourceCores: cores, ResourceMemoryMiB: memory}, db.Fault(err, "usage of project %s", project)
}

func beginAction(ctx context.Context, tx bun.IDB, s Server, id, name string) error {
	a := Action{
		ID: id, ServerID: s.ID, ProjectID: s.ProjectID, UserID: identity.CallerOf(ctx).UserID,
		RequestID: bus.Baggage(ctx)["request-id"], Name: name, StartedAt: db.Now(),
	}
	_, err := tx.NewInsert().Model(&a).Exec(ctx)
	return db.Fault(err, "action on server %s", s.ID)
}

func endAction(ctx context.Context, tx bun.IDB, id, message string) error {
	_, err := tx.NewUpdate().Model((*Action)(nil)).Where("id = ?", id).
		Set("message = ?", message).Set("finished_at = ?", db.Now()).Exec(ctx)
	return db.Fault(err, "action %s", id)
}

func listActions(ctx context.Context, idb bun.IDB, q ActionQuery) (page.Of[Action], error) {
	query := idb.NewSelect().Model((*Action)(nil)).Where("server_id = ?", q.ServerID)
	if q.RequestID != "" {
		query.Where("request_id = ?", q.RequestID)
	}
	return db.List(ctx, query, q.Query, db.Columns{"id": "id"}, func(a Action) string { return a.ID })
}

func pruneActions(ctx context.Context, tx bun.IDB, before time.Time) error {
	_, err := tx.NewDelete().Model((*Action)(nil)).Where("finished_at < ?", before).
		Where("server_id NOT IN (SELECT id FROM servers)").Exec(ctx)
	return db.Fault(err, "prune actions")
}
