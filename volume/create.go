package volume

import (
	"context"
	"errors"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/flow"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// createState is what a creation remembers.
type createState struct {
	Volume Volume
	Image  Image // when it is made from one
}

func (m *Manager) createFlow() *flow.Flow[createState] {
	return flow.New[createState]("volume.create").
		Record("begin", nil, m.createFailed).
		Step("make", m.makeVolume, m.unmakeVolume).Within(6*time.Hour). // a large image takes its time
		Record("finish", m.createDone, nil)
}

// CreateVolume implements Service.
func (m *Manager) CreateVolume(ctx context.Context, s CreateSpec) (Volume, error) {
	c, err := identity.Own(ctx, "volume:create")
	if err != nil {
		return Volume{}, err
	}
	if s.ID != "" {
		if v, err := loadVolume(ctx, m.db.Read(), s.ID); err == nil {
			return v, identity.Allow(ctx, "volume:create", v)
		}
	}
	state, err := m.plan(ctx, c, s)
	if err != nil {
		return Volume{}, err
	}
	v := &state.Volume
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		want := quota.Amount{ResourceVolumes: 1, ResourceGigabytes: int64(v.SizeGiB), ResourceSize: int64(v.SizeGiB)}
		if err := m.quota.Reserve(ctx, tx, v.ProjectID, want, usage); err != nil {
			return err
		}
		if err := insertVolume(ctx, tx, v); err != nil {
			return err
		}
		_, err := flow.Start(ctx, tx, m.create, subject(v.ID), state)
		return err
	})
	return *v, err
}

// plan checks s and completes it to the volume that will be made.
func (m *Manager) plan(ctx context.Context, c identity.Caller, s CreateSpec) (createState, error) {
	t, err := m.typeFor(ctx, s.Type)
	if err != nil {
		return createState{}, err
	}
	zone := s.AvailabilityZone
	if zone == "" {
		zone = m.config.AvailabilityZone
	}
	if zone != m.config.AvailabilityZone {
		return createState{}, fault.Invalid.Errorf("availability zone %q does not exist: use %q", zone, m.config.AvailabilityZone)
	}
	st := createState{Volume: Volume{
		ID: s.ID, ProjectID: c.ProjectID, UserID: c.UserID, Name: s.Name, Description: s.Description,
		SizeGiB: s.SizeGiB, Status: Creating, TypeID: t.ID, Backend: m.backendOf(t), AvailabilityZone: zone,
		SnapshotID: s.SnapshotID, SourceID: s.SourceID, ImageID: s.ImageID,
		Metadata: s.Metadata, CreatedAt: db.Now(), UpdatedAt: db.Now(),
	}}
	v := &st.Volume
	if v.ID == "" {
		v.ID = ID(db.NewID())
	}
	if err := m.planContent(ctx, &st, s); err != nil {
		return st, err
	}
	if v.SizeGiB < 1 || v.SizeGiB > m.config.MaxSizeGiB {
		return st, fault.Invalid.Errorf("a volume of %d GiB cannot be made: the size is from 1 to %d GiB", v.SizeGiB, m.config.MaxSizeGiB)
	}
	return st, checkTexts(v.Name, v.Description, v.Metadata)
}

// planContent takes over what the new volume inherits from what it is made from.
func (m *Manager) planContent(ctx context.Context, st *createState, s CreateSpec) error {
	v := &st.Volume
	least := 0
	switch {
	case s.SnapshotID != "":
		snap, err := m.Snapshot(ctx, s.SnapshotID)
		if err != nil {
			return asReference(err)
		}
		if snap.Status != Available {
			return fault.Invalid.Errorf("snapshot %s is %s and not available", snap.ID, snap.Status)
		}
		least, v.Backend = snap.SizeGiB, snap.Backend
	case s.SourceID != "":
		source, err := m.Volume(ctx, s.SourceID)
		if err != nil {
			return asReference(err)
		}
		if source.Status != Available || len(source.Attachments) > 0 {
			return fault.Invalid.Errorf("volume %s is %s: only an available volume can be copied", source.ID, source.State())
		}
		least, v.Backend, v.Bootable = source.SizeGiB, source.Backend, source.Bootable
		v.ImageMetadata = source.ImageMetadata
	case s.ImageID != "":
		if m.images == nil {
			return fault.Unsupported.Errorf("this cloud makes no volumes from images")
		}
		image, err := m.images.Image(ctx, s.ImageID)
		if err != nil {
			return asReference(err)
		}
		st.Image, v.Bootable, v.ImageMetadata = image, true, image.Metadata
		least = max(image.MinDiskGiB, int((image.SizeBytes+1<<30-1)>>30))
	}
	if v.SizeGiB == 0 && s.ImageID == "" {
		v.SizeGiB = least
	}
	if v.SizeGiB < least {
		return fault.Invalid.Errorf("a volume of %d GiB is too small: what it is made from needs %d GiB", v.SizeGiB, least)
	}
	return nil
}

// asReference makes "not found" what it is to a request that only mentions the thing.
func asReference(err error) error {
	if errors.Is(err, fault.NotFound) {
		return ErrReference.Errorf("%w", err)
	}
	return err
}

// ErrReference is a request that mentions a thing that does not exist.
var ErrReference = fault.NotFound.Reason("volume.reference")

func (m *Manager) makeVolume(ctx context.Context, st *createState) error {
	v := st.Volume
	err := m.fill(ctx, v, st.Image)
	return fault.Internal.Wrap(err, "backend %s: make volume %s", v.Backend, v.ID)
}

func (m *Manager) fill(ctx context.Context, v Volume, image Image) error {
	switch {
	case v.SnapshotID != "":
		d, err := power[Snapshotter](m, v.Backend, "make volumes from snapshots")
		if err != nil {
			return err
		}
		s, err := loadSnapshot(ctx, m.db.Read(), v.SnapshotID)
		if err != nil {
			return err
		}
		return d.CreateFromSnapshot(ctx, v, s)
	case v.SourceID != "":
		d, err := power[Cloner](m, v.Backend, "copy volumes")
		if err != nil {
			return err
		}
		source, err := loadVolume(ctx, m.db.Read(), v.SourceID)
		if err != nil {
			return err
		}
		return d.Clone(ctx, v, source)
	case v.ImageID != "":
		return m.importImage(ctx, v, image)
	}
	d, err := m.driver(v.Backend)
	if err != nil {
		return err
	}
	return d.Create(ctx, v)
}

func (m *Manager) importImage(ctx context.Context, v Volume, image Image) error {
	d, err := power[Importer](m, v.Backend, "make volumes from images")
	if err != nil {
		return err
	}
	r, err := m.images.Open(ctx, image.ID)
	if err != nil {
		return err
	}
	return errors.Join(d.Import(ctx, v, image, r), r.Close())
}

func (m *Manager) unmakeVolume(ctx context.Context, st *createState) error {
	d, err := m.driver(st.Volume.Backend)
	if err != nil {
		return err
	}
	return fault.Internal.Wrap(d.Delete(ctx, st.Volume), "backend %s: remove volume %s", st.Volume.Backend, st.Volume.ID)
}

func (m *Manager) createDone(ctx context.Context, tx *db.Tx, st *createState) error {
	v := st.Volume
	if err := setVolumeStatus(ctx, tx, v.ID, Available, ""); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, Created{ID: v.ID, ProjectID: v.ProjectID, SizeGiB: v.SizeGiB, Type: v.TypeID})
}

func (m *Manager) createFailed(ctx context.Context, tx *db.Tx, st *createState) error {
	return failVolume(ctx, tx, st.Volume.ID)
}

// failVolume records why a run unwound. A cancelled one is about to be deleted.
func failVolume(ctx context.Context, tx *db.Tx, id ID) error {
	cause := flow.Cause(ctx)
	if errors.Is(cause, flow.ErrCancelled) {
		return nil
	}
	return setVolumeStatus(ctx, tx, id, Failed, cause.Error())
}

func subject(id ID) string { return "volume/" + string(id) }

// Limits of what a user may write about a thing.
const (
	maxText     = 255
	maxMetadata = 128
)

func checkTexts(name, description string, metadata map[string]string) error {
	if len(name) > maxText || len(description) > maxText {
		return fault.Invalid.Errorf("name and description have at most %d characters", maxText)
	}
	if len(metadata) > maxMetadata {
		return fault.Invalid.Errorf("metadata has at most %d items, not %d", maxMetadata, len(metadata))
	}
	for k, v := range metadata {
		if k == "" || len(k) > maxText || len(v) > maxText {
			return fault.Invalid.Errorf("metadata %.40q: key and value have at most %d characters and the key at least one", k, maxText)
		}
	}
	return nil
}
