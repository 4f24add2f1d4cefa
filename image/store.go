package image

import (
	"context"
	"database/sql"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// missing words an error about one row.
func missing(err error, what, id string) error {
	if fault.Of(db.Fault(err, "")) == fault.NotFound {
		return fault.NotFound.Errorf("%s %s could not be found", what, id)
	}
	return db.Fault(err, "%s %s", what, id)
}

func loadImage(ctx context.Context, idb bun.IDB, id ID) (Image, error) {
	i := Image{ID: id}
	err := idb.NewSelect().Model(&i).WherePK().Scan(ctx)
	return i, missing(err, "image", string(id))
}

func insertImage(ctx context.Context, tx bun.IDB, i *Image) error {
	_, err := tx.NewInsert().Model(i).Exec(ctx)
	return db.Fault(err, "image %s", i.ID)
}

func updateImage(ctx context.Context, tx bun.IDB, i *Image) error {
	_, err := tx.NewUpdate().Model(i).WherePK().Exec(ctx)
	return db.Fault(err, "image %s", i.ID)
}

func deleteImage(ctx context.Context, tx bun.IDB, id ID) error {
	if _, err := tx.NewDelete().Model((*Member)(nil)).Where("image_id = ?", id).Exec(ctx); err != nil {
		return db.Fault(err, "members of image %s", id)
	}
	_, err := tx.NewDelete().Model((*Image)(nil)).Where("id = ?", id).Exec(ctx)
	return db.Fault(err, "image %s", id)
}

// lockImage makes others who lock the same image wait for the end of tx. Whoever
// changes an image's row holds it.
func lockImage(ctx context.Context, tx *db.Tx, id ID) error {
	return tx.Lock(ctx, "image/"+string(id))
}

// usage is a quota.Usage.
func usage(ctx context.Context, idb bun.IDB, project string) (quota.Amount, error) {
	var images, size int64
	err := idb.NewSelect().Model((*Image)(nil)).ColumnExpr("COUNT(*), COALESCE(SUM(size_bytes), 0)").
		Where("project_id = ?", project).Scan(ctx, &images, &size)
	return quota.Amount{ResourceImages: images, ResourceSizeMiB: mebibytes(size)}, db.Fault(err, "usage of project %s", project)
}

// rowsOf returns what the images with bytes in a store are called there.
func rowsOf(ctx context.Context, idb bun.IDB, store string) (map[ID]ID, error) {
	var rows []Image
	err := idb.NewSelect().Model(&rows).Column("id", "blob").Where("store = ? AND blob <> ''", store).Scan(ctx)
	out := make(map[ID]ID, len(rows))
	for _, i := range rows {
		out[i.Blob] = i.ID
	}
	return out, db.Fault(err, "images of store %s", store)
}

func isMember(ctx context.Context, idb bun.IDB, id MemberID) (bool, error) {
	is, err := idb.NewSelect().Model((*Member)(nil)).Where("image_id = ? AND project_id = ?", id.ImageID, id.ProjectID).Exists(ctx)
	return is, db.Fault(err, "members of image %s", id.ImageID)
}

func loadMember(ctx context.Context, idb bun.IDB, id MemberID) (Member, error) {
	m := Member{ImageID: id.ImageID, ProjectID: id.ProjectID}
	err := idb.NewSelect().Model(&m).WherePK().Scan(ctx)
	return m, missing(err, "member", id.ProjectID)
}

func listMembers(ctx context.Context, idb bun.IDB, id ID) ([]Member, error) {
	var all []Member
	err := idb.NewSelect().Model(&all).Where("image_id = ?", id).Order("created_at", "project_id").Scan(ctx)
	return all, db.Fault(err, "members of image %s", id)
}

func insertMember(ctx context.Context, tx bun.IDB, m *Member) error {
	_, err := tx.NewInsert().Model(m).Exec(ctx)
	return db.Fault(err, "member %s of image %s", m.ProjectID, m.ImageID)
}

func updateMember(ctx context.Context, tx bun.IDB, m *Member) error {
	_, err := tx.NewUpdate().Model(m).WherePK().Exec(ctx)
	return db.Fault(err, "member %s of image %s", m.ProjectID, m.ImageID)
}

func deleteMember(ctx context.Context, tx bun.IDB, id MemberID) error {
	_, err := tx.NewDelete().Model((*Member)(nil)).Where("image_id = ? AND project_id = ?", id.ImageID, id.ProjectID).Exec(ctx)
	return db.Fault(err, "member %s of image %s", id.ProjectID, id.ImageID)
}

// An upload is bytes on their way into a store. Its row is there from before the
// store hears of them until the image has them or the store is rid of them.
type upload struct {
	bun.BaseModel `bun:"table:image_uploads"`

	Blob      ID `bun:",pk"`
	ImageID   ID
	Store     string
	ExpiresAt time.Time // when its process is taken for dead
	Dead      bool      // its image waits for another; what it stored is to go
}

func insertUpload(ctx context.Context, tx bun.IDB, u *upload) error {
	_, err := tx.NewInsert().Model(u).Exec(ctx)
	return db.Fault(err, "upload of image %s", u.ImageID)
}

// renewUpload reports whether the image still waits for this upload, and if so
// moves its end.
func renewUpload(ctx context.Context, tx bun.IDB, u *upload) (bool, error) {
	waiting := tx.NewSelect().Model((*Image)(nil)).ColumnExpr("1").Where("id = ? AND status = ?", u.ImageID, Saving)
	res, err := tx.NewUpdate().Model(u).WherePK().Column("expires_at").
		Where("dead = ?", false).Where("EXISTS (?)", waiting).Exec(ctx)
	return changed(res, err, u.Blob)
}

// finishUpload removes the row of an upload and reports whether it was alive.
func finishUpload(ctx context.Context, tx bun.IDB, blob ID) (bool, error) {
	res, err := tx.NewDelete().Model((*upload)(nil)).Where("blob = ? AND dead = ?", blob, false).Exec(ctx)
	return changed(res, err, blob)
}

// condemnUpload marks an upload dead, if it expired before a time or that is
// zero, and reports whether it did.
func condemnUpload(ctx context.Context, tx bun.IDB, blob ID, expired time.Time) (bool, error) {
	q := tx.NewUpdate().Model((*upload)(nil)).Where("blob = ?", blob).Set("dead = ?", true)
	if !expired.IsZero() {
		q.Where("dead = ? OR expires_at <= ?", true, expired)
	}
	res, err := q.Exec(ctx)
	return changed(res, err, blob)
}

func deleteUpload(ctx context.Context, tx bun.IDB, blob ID) error {
	_, err := tx.NewDelete().Model((*upload)(nil)).Where("blob = ?", blob).Exec(ctx)
	return db.Fault(err, "upload %s", blob)
}

func changed(res sql.Result, err error, blob ID) (bool, error) {
	if err != nil {
		return false, db.Fault(err, "upload %s", blob)
	}
	n, err := res.RowsAffected()
	return n > 0, db.Fault(err, "upload %s", blob)
}

// uploadsIn returns the uploads to a store, also those that expired.
func uploadsIn(ctx context.Context, idb bun.IDB, store string) ([]upload, error) {
	var all []upload
	err := idb.NewSelect().Model(&all).Where("store = ?", store).Scan(ctx)
	return all, db.Fault(err, "uploads to store %s", store)
}
