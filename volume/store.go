package volume

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

var columns = db.Columns{
	"id": "id", "created_at": "created_at", "updated_at": "updated_at",
	"name": "name", "status": "status", "size": "size_gib", "availability_zone": "availability_zone",
	"bootable": "bootable", "project_id": "project_id",
}

func loadVolume(ctx context.Context, idb bun.IDB, id ID) (Volume, error) {
	v := Volume{ID: id}
	if err := idb.NewSelect().Model(&v).WherePK().Scan(ctx); err != nil {
		return v, missing(err, "volume", string(id))
	}
	list := []Volume{v}
	err := addAttachments(ctx, idb, list)
	return list[0], err
}

// missing words an error about one row.
func missing(err error, what, id string) error {
	if fault.Of(db.Fault(err, "")) == fault.NotFound {
		return fault.NotFound.Errorf("%s %s could not be found", what, id)
	}
	return db.Fault(err, "%s %s", what, id)
}

func listVolumes(ctx context.Context, idb bun.IDB, project string, q Query) (page.Of[Volume], error) {
	query := idb.NewSelect().Model((*Volume)(nil))
	where(query, "project_id", project)
	where(query, "name", q.Name)
	whereState(query, string(q.Status))
	where(query, "availability_zone", q.Zone)
	if q.Bootable != nil {
		query.Where("bootable = ?", *q.Bootable)
	}
	if len(q.IDs) > 0 {
		query.Where("id IN (?)", bun.List(q.IDs))
	}
	if err := whereMetadata(query, q.Metadata); err != nil {
		return page.Of[Volume]{}, err
	}
	out, err := db.List(ctx, query, q.Query, columns, func(v Volume) string { return string(v.ID) })
	if err != nil {
		return out, err
	}
	return out, addAttachments(ctx, idb, out.Items)
}

func where(q *bun.SelectQuery, column, value string) {
	if value != "" {
		q.Where("? = ?", bun.Ident(column), value)
	}
}

// whereState matches what Volume.State tells.
func whereState(q *bun.SelectQuery, state string) {
	attached := q.NewSelect().Model((*Attachment)(nil)).Where("volume_id = volume.id")
	switch state {
	case string(Available):
		q.Where("NOT EXISTS (?)", attached)
	case stateInUse:
		q.Where("EXISTS (?)", attached.Where("attached_at IS NOT NULL"))
	case stateAttaching:
		q.Where("EXISTS (?)", attached.Where("attached_at IS NULL AND (host <> '' OR server_id = '')"))
	case stateReserved:
		q.Where("EXISTS (?)", attached.Where("attached_at IS NULL AND host = '' AND server_id <> ''"))
	default:
		where(q, "status", state)
		return
	}
	q.Where("status = ?", Available)
}

// whereMetadata matches items in the column, a JSON object of strings.
func whereMetadata(q *bun.SelectQuery, items map[string]string) error {
	for k, v := range items {
		text, err := json.Marshal(map[string]string{k: v})
		if err != nil {
			return fault.Invalid.Errorf("metadata %.40q cannot be searched for", k)
		}
		q.Where("COALESCE(metadata, '') LIKE ? ESCAPE '!'", containing(text[1:len(text)-1]))
	}
	return nil
}

// containing returns the pattern of all texts that hold text.
func containing(text []byte) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(string(text)) + "%"
}

func insertVolume(ctx context.Context, tx bun.IDB, v *Volume) error {
	_, err := tx.NewInsert().Model(v).Exec(ctx)
	return db.Fault(err, "volume %s", v.ID)
}

// updateVolume writes the named columns alone, so that nothing which a flow
// changes at the same time is undone.
func updateVolume(ctx context.Context, tx bun.IDB, v *Volume, columns ...string) error {
	_, err := tx.NewUpdate().Model(v).Column(columns...).WherePK().Exec(ctx)
	return db.Fault(err, "volume %s", v.ID)
}

func setVolumeStatus(ctx context.Context, tx bun.IDB, id ID, s Status, message string) error {
	_, err := tx.NewUpdate().Model((*Volume)(nil)).Where("id = ?", id).
		Set("status = ?", s).Set("message = ?", message).Set("updated_at = ?", db.Now()).Exec(ctx)
	return db.Fault(err, "volume %s", id)
}

func deleteVolume(ctx context.Context, tx bun.IDB, id ID) error {
	_, err := tx.NewDelete().Model((*Volume)(nil)).Where("id = ?", id).Exec(ctx)
	return db.Fault(err, "volume %s", id)
}

// lockVolume makes others who lock the same volume wait for the end of tx, and
// returns the volume as it is now.
func lockVolume(ctx context.Context, tx *db.Tx, id ID) (Volume, error) {
	if err := tx.Lock(ctx, "volume/"+string(id)); err != nil {
		return Volume{}, err
	}
	return loadVolume(ctx, tx, id)
}

func snapshotsOf(ctx context.Context, tx bun.IDB, id ID) (all []Snapshot, err error) {
	err = tx.NewSelect().Model(&all).Where("volume_id = ?", id).Scan(ctx)
	return all, db.Fault(err, "snapshots of volume %s", id)
}

// usage is a quota.Usage.
func usage(ctx context.Context, idb bun.IDB, project string) (quota.Amount, error) {
	var volumes, volumeGiB, snapshots, snapshotGiB int64
	err := errors.Join(
		idb.NewSelect().Model((*Volume)(nil)).ColumnExpr("COUNT(*), COALESCE(SUM(size_gib), 0)").
			Where("project_id = ?", project).Scan(ctx, &volumes, &volumeGiB),
		idb.NewSelect().Model((*Snapshot)(nil)).ColumnExpr("COUNT(*), COALESCE(SUM(size_gib), 0)").
			Where("project_id = ?", project).Scan(ctx, &snapshots, &snapshotGiB),
	)
	return quota.Amount{
		ResourceVolumes: volumes, ResourceSnapshots: snapshots, ResourceGigabytes: volumeGiB + snapshotGiB,
	}, db.Fault(err, "usage of project %s", project)
}

func loadSnapshot(ctx context.Context, idb bun.IDB, id SnapshotID) (Snapshot, error) {
	s := Snapshot{ID: id}
	err := idb.NewSelect().Model(&s).WherePK().Scan(ctx)
	return s, missing(err, "snapshot", string(id))
}

func lockSnapshot(ctx context.Context, tx *db.Tx, id SnapshotID) (Snapshot, error) {
	if err := tx.Lock(ctx, "snapshot/"+string(id)); err != nil {
		return Snapshot{}, err
	}
	return loadSnapshot(ctx, tx, id)
}

func listSnapshots(ctx context.Context, idb bun.IDB, project string, q SnapshotQuery) (page.Of[Snapshot], error) {
	query := idb.NewSelect().Model((*Snapshot)(nil))
	where(query, "project_id", project)
	where(query, "name", q.Name)
	where(query, "status", string(q.Status))
	where(query, "volume_id", string(q.VolumeID))
	return db.List(ctx, query, q.Query, columns, func(s Snapshot) string { return string(s.ID) })
}

func insertSnapshot(ctx context.Context, tx bun.IDB, s *Snapshot) error {
	_, err := tx.NewInsert().Model(s).Exec(ctx)
	return db.Fault(err, "snapshot %s", s.ID)
}

func updateSnapshot(ctx context.Context, tx bun.IDB, s *Snapshot, columns ...string) error {
	_, err := tx.NewUpdate().Model(s).Column(columns...).WherePK().Exec(ctx)
	return db.Fault(err, "snapshot %s", s.ID)
}

func setSnapshotStatus(ctx context.Context, tx bun.IDB, id SnapshotID, s Status, message string) error {
	_, err := tx.NewUpdate().Model((*Snapshot)(nil)).Where("id = ?", id).
		Set("status = ?", s).Set("message = ?", message).Set("updated_at = ?", db.Now()).Exec(ctx)
	return db.Fault(err, "snapshot %s", id)
}

func deleteSnapshot(ctx context.Context, tx bun.IDB, id SnapshotID) error {
	_, err := tx.NewDelete().Model((*Snapshot)(nil)).Where("id = ?", id).Exec(ctx)
	return db.Fault(err, "snapshot %s", id)
}

func loadAttachment(ctx context.Context, idb bun.IDB, id AttachmentID) (Attachment, error) {
	a := Attachment{ID: id}
	err := idb.NewSelect().Model(&a).WherePK().Scan(ctx)
	return a, missing(err, "attachment", string(id))
}

func listAttachments(ctx context.Context, idb bun.IDB, project string, q AttachmentQuery) (page.Of[Attachment], error) {
	query := idb.NewSelect().Model((*Attachment)(nil))
	where(query, "project_id", project)
	where(query, "volume_id", string(q.VolumeID))
	where(query, "server_id", q.ServerID)
	return db.List(ctx, query, q.Query, columns, func(a Attachment) string { return string(a.ID) })
}

// addAttachments gives volumes their attachments, in one query.
func addAttachments(ctx context.Context, idb bun.IDB, volumes []Volume) error {
	if len(volumes) == 0 {
		return nil
	}
	at := map[ID]int{}
	ids := make([]ID, len(volumes))
	for i, v := range volumes {
		at[v.ID], ids[i] = i, v.ID
	}
	var all []Attachment
	err := idb.NewSelect().Model(&all).Where("volume_id IN (?)", bun.List(ids)).Order("created_at", "id").Scan(ctx)
	for _, a := range all {
		v := &volumes[at[a.VolumeID]]
		v.Attachments = append(v.Attachments, a)
	}
	return db.Fault(err, "attachments")
}

func insertAttachment(ctx context.Context, tx bun.IDB, a *Attachment) error {
	_, err := tx.NewInsert().Model(a).Exec(ctx)
	return db.Fault(err, "attachment of volume %s", a.VolumeID)
}

func updateAttachment(ctx context.Context, tx bun.IDB, a *Attachment, columns ...string) error {
	_, err := tx.NewUpdate().Model(a).Column(columns...).WherePK().Exec(ctx)
	return db.Fault(err, "attachment %s", a.ID)
}

func deleteAttachment(ctx context.Context, tx bun.IDB, id AttachmentID) error {
	_, err := tx.NewDelete().Model((*Attachment)(nil)).Where("id = ?", id).Exec(ctx)
	return db.Fault(err, "attachment %s", id)
}
