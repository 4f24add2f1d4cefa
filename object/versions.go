package object

import (
	"context"
	"crypto/md5" //nolint:gosec // an object's ETag is its MD5 by protocol
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// DeleteMarker is the content type of what stands, among the versions of an
// object, for its deletion.
const DeleteMarker = "application/x-deleted;swift_versions_deleted=1"

// check reports what of v cannot be, in the container that has it.
func (v Versions) check(in Name) error {
	if v.VersionsIn == "" {
		return nil
	}
	if v.VersionsIn == in {
		return ErrPrecondition.Errorf("container %s cannot keep versions of its own objects", in)
	}
	if err := checkContainer(v.VersionsIn); err != nil {
		return ErrPrecondition.Errorf("the versions location: %w", err)
	}
	return nil
}

// kept returns the container where the versions of c are, which must be there.
func kept(ctx context.Context, q bun.IDB, c Container) (Container, error) {
	v, err := loadContainer(ctx, q, ContainerID{c.ProjectID, c.VersionsIn})
	if fault.Of(err) == fault.NotFound && err != nil {
		return v, ErrPrecondition.Errorf("the versions container %s does not exist; create it, or remove the versions location", c.VersionsIn)
	}
	return v, err
}

// lockVersioned locks containers together with those that keep their versions.
func lockVersioned(ctx context.Context, tx *db.Tx, ids ...ContainerID) error {
	before, err := withVersions(ctx, tx, ids)
	if err != nil {
		return err
	}
	if err := lock(ctx, tx, before...); err != nil {
		return err
	}
	now, err := withVersions(ctx, tx, ids)
	if err == nil && !slices.Equal(before, now) {
		err = fault.Unavailable.Errorf("container %s changed where its versions are; try again", ids[0].Container)
	}
	return err
}

func withVersions(ctx context.Context, tx *db.Tx, ids []ContainerID) ([]ContainerID, error) {
	all := slices.Clone(ids)
	for _, id := range ids {
		c, err := loadContainer(ctx, tx, id)
		if err := ignoreMissing(err); err != nil {
			return nil, err
		}
		if c.VersionsIn != "" {
			all = append(all, ContainerID{id.ProjectID, c.VersionsIn})
		}
	}
	return all, nil
}

// versionPrefix is how the names of an object's versions begin: with the length of
// its name, so that no other object's versions begin alike.
func versionPrefix(n Name) Name { return Name(fmt.Sprintf("%03x%s/", len(n), n)) }

// versionName orders the versions of an object by when each was stored.
func versionName(n Name, at time.Time) Name {
	return versionPrefix(n) + Name(fmt.Sprintf("%010d.%06d", at.Unix(), at.Nanosecond()/1000))
}

// keep makes a version of o, in a transaction that has the locks of c and of the
// container that keeps its versions. The blob is shared until o goes.
func (m *Manager) keep(ctx context.Context, tx *db.Tx, c Container, o Object) error {
	v, err := kept(ctx, tx, c)
	if err != nil {
		return err
	}
	o.Container, o.Name = v.Name, versionName(o.Name, o.CreatedAt)
	return m.put(ctx, tx, change{container: v, object: o})
}

// removeVersioned deletes o, of a container that keeps versions: with history it
// becomes a version and its deletion another, else the version before comes back.
func (m *Manager) removeVersioned(ctx context.Context, tx *db.Tx, c Container, o Object) error {
	if c.KeepDeleted {
		if err := m.keep(ctx, tx, c, o); err != nil {
			return err
		}
		if err := m.markDeleted(ctx, tx, c, o); err != nil {
			return err
		}
		return m.remove(ctx, tx, o)
	}
	q := Query{ContainerID: ContainerID{c.ProjectID, c.VersionsIn}, Prefix: versionPrefix(o.Name), Reverse: true}
	b := q.bounds()
	b.limit = 1
	found, err := findObjects(ctx, tx, q.ContainerID, b)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return m.remove(ctx, tx, o)
	}
	last, err := loadObject(ctx, tx, found[0].ID(), time.Time{})
	if err != nil {
		return err
	}
	if last.ContentType == DeleteMarker {
		err = m.remove(ctx, tx, o)
	} else {
		back := last
		back.Container, back.Name = o.Container, o.Name
		_, err = m.place(ctx, tx, change{c, back, o})
	}
	if err != nil {
		return err
	}
	return m.remove(ctx, tx, last)
}

func (m *Manager) markDeleted(ctx context.Context, tx *db.Tx, c Container, o Object) error {
	v, err := kept(ctx, tx, c)
	if err != nil {
		return err
	}
	at := m.now()
	if !at.After(o.CreatedAt) {
		at = o.CreatedAt.Add(time.Microsecond)
	}
	empty := md5.Sum(nil) //nolint:gosec // as above
	return m.put(ctx, tx, change{container: v, object: Object{
		ProjectID: o.ProjectID, Container: v.Name, Name: versionName(o.Name, at), ETag: hex.EncodeToString(empty[:]),
		Properties: Properties{ContentType: DeleteMarker}, CreatedAt: at, UpdatedAt: at,
	}})
}
