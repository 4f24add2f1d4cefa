package volume

import (
	"context"
	"errors"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// Volume implements Service.
func (m *Manager) Volume(ctx context.Context, id ID) (Volume, error) {
	v, err := loadVolume(ctx, m.db.Read(), id)
	if err != nil {
		return Volume{}, err
	}
	return v, identity.Hide(identity.Allow(ctx, "volume:show", v), "volume", string(id))
}

// Volumes implements Service.
func (m *Manager) Volumes(ctx context.Context, q Query) (page.Of[Volume], error) {
	project, err := identity.ProjectToList(ctx, "volume:list", q.ProjectID, q.AllProjects)
	if err != nil {
		return page.Of[Volume]{}, err
	}
	return listVolumes(ctx, m.db.Read(), project, q)
}

// UpdateVolume implements Service.
func (m *Manager) UpdateVolume(ctx context.Context, p Patch) (Volume, error) {
	v, err := m.allowed(ctx, p.ID, "volume:update")
	if err != nil {
		return Volume{}, err
	}
	if p.Status != nil {
		if err := identity.Allow(ctx, "volume:reset", v); err != nil {
			return Volume{}, err
		}
	}
	if p.Type != nil {
		if err := m.retype(ctx, &v, *p.Type); err != nil {
			return Volume{}, err
		}
	}
	wanted := v.TypeID
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		var err error
		if v, err = lockVolume(ctx, tx, p.ID); err != nil {
			return err
		}
		if p.Type != nil {
			v.TypeID = wanted
		}
		columns := v.change(p)
		if err := errors.Join(checkTexts(v.Name, v.Description, v.Metadata), checkTexts("", "", v.ImageMetadata)); err != nil {
			return err
		}
		return updateVolume(ctx, tx, &v, columns...)
	})
	return v, err
}

// change does to v what p says of its own fields, and returns the columns of those.
func (v *Volume) change(p Patch) []string {
	columns := []string{"name", "description", "bootable", "metadata", "image_metadata", "type_id", "updated_at"}
	set(&v.Name, p.Name)
	set(&v.Description, p.Description)
	set(&v.Bootable, p.Bootable)
	v.Metadata = patched(v.Metadata, p.Metadata, p.MetadataItems)
	v.ImageMetadata = db.Merge(v.ImageMetadata, p.ImageMetadata)
	if p.Status != nil {
		v.Status, v.Message = *p.Status, ""
		columns = append(columns, "status", "message")
	}
	v.UpdatedAt = db.Now()
	return columns
}

// patched returns metadata with what a patch says: all of it, unless that is nil, and then some.
func patched(old, all map[string]string, some map[string]*string) map[string]string {
	if all != nil {
		old = all
	}
	return db.Merge(old, some)
}

// retype gives v another type, whose bytes must be where they are.
func (m *Manager) retype(ctx context.Context, v *Volume, idOrName string) error {
	t, err := m.typeFor(ctx, idOrName)
	if err != nil {
		return err
	}
	if b := m.backendOf(t); b != v.Backend {
		return fault.Unsupported.Errorf("volume %s is kept by backend %q and cannot move to %q: copy it instead", v.ID, v.Backend, b)
	}
	v.TypeID = t.ID
	return nil
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// allowed loads a volume that the caller may do action to.
func (m *Manager) allowed(ctx context.Context, id ID, action string) (Volume, error) {
	v, err := m.Volume(ctx, id)
	if err != nil {
		return Volume{}, err
	}
	return v, identity.Allow(ctx, action, v)
}

// State returns the status that clients know: that of the row, or where it is
// available, what its attachments make of it.
func (v Volume) State() string {
	if v.Status != Available || len(v.Attachments) == 0 {
		return string(v.Status)
	}
	for _, a := range v.Attachments {
		if a.Attached() {
			return stateInUse
		}
	}
	if a := v.Attachments[0]; a.Host != "" || a.ServerID == "" {
		return stateAttaching
	}
	return stateReserved
}

// What attachments make of an available volume.
const (
	stateReserved  = "reserved"
	stateAttaching = "attaching"
	stateInUse     = "in-use"
)

// extendState is what growing a volume remembers.
type extendState struct {
	ID      ID
	SizeGiB int
}

func (m *Manager) extendFlow() *flow.Flow[extendState] {
	return flow.New[extendState]("volume.extend").
		Record("begin", nil, func(ctx context.Context, tx *db.Tx, st *extendState) error { return failVolume(ctx, tx, st.ID) }).
		Step("resize", m.resize, nil).
		Record("finish", m.extended, nil)
}

// ExtendVolume implements Service.
func (m *Manager) ExtendVolume(ctx context.Context, e ExtendSpec) (Volume, error) {
	v, err := m.allowed(ctx, e.ID, "volume:extend")
	if err != nil {
		return Volume{}, err
	}
	if _, err := power[Resizer](m, v.Backend, "grow volumes"); err != nil {
		return Volume{}, err
	}
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if v, err = lockVolume(ctx, tx, e.ID); err != nil {
			return err
		}
		if v.State() != string(Available) {
			return ErrState.Errorf("volume %s is %s: only an available volume can be extended", v.ID, v.State())
		}
		if e.SizeGiB <= v.SizeGiB || e.SizeGiB > m.config.MaxSizeGiB {
			return fault.Invalid.Errorf("volume %s has %d GiB: its new size must be from %d to %d GiB", v.ID, v.SizeGiB, v.SizeGiB+1, m.config.MaxSizeGiB)
		}
		want := quota.Amount{ResourceGigabytes: int64(e.SizeGiB - v.SizeGiB), ResourceSize: int64(e.SizeGiB)}
		if err := m.quota.Reserve(ctx, tx, v.ProjectID, want, usage); err != nil {
			return err
		}
		if _, err := flow.Start(ctx, tx, m.extend, subject(v.ID), extendState(e)); err != nil {
			return err
		}
		return setVolumeStatus(ctx, tx, v.ID, Extending, "")
	})
	v.Status = Extending
	return v, err
}

// ErrState is a request that the thing's state does not allow.
var ErrState = fault.Invalid.Reason("volume.state")

func (m *Manager) resize(ctx context.Context, st *extendState) error {
	v, err := loadVolume(ctx, m.db.Read(), st.ID)
	if err != nil {
		return err
	}
	d, err := power[Resizer](m, v.Backend, "grow volumes")
	if err != nil {
		return err
	}
	v.SizeGiB = st.SizeGiB
	return fault.Internal.Wrap(d.Resize(ctx, v), "backend %s: grow volume %s", v.Backend, v.ID)
}

func (m *Manager) extended(ctx context.Context, tx *db.Tx, st *extendState) error {
	v, err := loadVolume(ctx, tx, st.ID)
	if err != nil {
		return err
	}
	v.SizeGiB, v.UpdatedAt, v.Status = st.SizeGiB, db.Now(), Available
	if err := updateVolume(ctx, tx, &v, "size_gib", "status", "updated_at"); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, Extended{ID: v.ID, ProjectID: v.ProjectID, SizeGiB: v.SizeGiB})
}
