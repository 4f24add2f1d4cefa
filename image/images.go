package image

import (
	"context"
	"slices"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
	"github.com/nacre-cloud/nacre/kit/quota"
)

// CreateImage implements Service.
func (m *Manager) CreateImage(ctx context.Context, s CreateSpec) (Image, error) {
	c, err := identity.Own(ctx, "image:create")
	if err != nil {
		return Image{}, err
	}
	if s.ID != "" {
		if i, err := loadImage(ctx, m.db.Read(), s.ID); err == nil {
			return again(ctx, i)
		}
	}
	i, err := m.plan(ctx, c, s)
	if err != nil {
		return Image{}, err
	}
	return i, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := m.quota.Reserve(ctx, tx, i.ProjectID, quota.Amount{ResourceImages: 1}, usage); err != nil {
			return err
		}
		return insertImage(ctx, tx, &i)
	})
}

// again returns an image that was created before under the id that a caller chose.
func again(ctx context.Context, i Image) (Image, error) {
	if err := identity.Allow(ctx, "image:create", i); err != nil {
		return Image{}, identity.Hide(err, "image", string(i.ID))
	}
	if i.Status == Deleting {
		return Image{}, fault.Conflict.Errorf("image %s is being deleted", i.ID)
	}
	return i, nil
}

// plan checks s and completes it to the image that will be made.
func (m *Manager) plan(ctx context.Context, c identity.Caller, s CreateSpec) (Image, error) {
	i := Image{
		ID: s.ID, ProjectID: s.ProjectID, Name: s.Name, Status: Queued, Visibility: s.Visibility,
		Protected: s.Protected, Hidden: s.Hidden, DiskFormat: s.DiskFormat, ContainerFormat: s.ContainerFormat,
		MinDiskGiB: s.MinDiskGiB, MinMemoryMiB: s.MinMemoryMiB, Properties: s.Properties, Tags: s.Tags,
		CreatedAt: db.Now(), UpdatedAt: db.Now(),
	}
	if i.ID == "" {
		i.ID = ID(db.NewID())
	}
	if i.Visibility == "" {
		i.Visibility = Shared
	}
	if i.ProjectID == "" {
		i.ProjectID = c.ProjectID
	}
	i.Tags = tidy(i.Tags)
	var err error
	if i.Store, err = m.placeable(s.Store); err != nil {
		return Image{}, err
	}
	return i, accept(ctx, Image{ProjectID: c.ProjectID}, i)
}

// accept refuses to make i of old where the caller may not or i is not well formed.
func accept(ctx context.Context, old, i Image) error {
	if err := permit(ctx, old, i); err != nil {
		return err
	}
	return check(i)
}

// permit refuses a change from old to i that needs a role of its own.
func permit(ctx context.Context, old, i Image) error {
	if i.ProjectID != old.ProjectID {
		if err := identity.Allow(ctx, "image:create:other", nil); err != nil {
			return err
		}
	}
	if i.Visibility == old.Visibility {
		return nil
	}
	switch i.Visibility {
	case Public:
		return identity.Allow(ctx, "image:publicize", i)
	case Community:
		return identity.Allow(ctx, "image:communitize", i)
	}
	return nil
}

// Image implements Service.
func (m *Manager) Image(ctx context.Context, id ID) (Image, error) {
	return allowed(ctx, m.db.Read(), id, "image:show")
}

// Images implements Service.
func (m *Manager) Images(ctx context.Context, q Query) (page.Of[Image], error) {
	c := identity.CallerOf(ctx)
	all := identity.Allow(ctx, "image:list-all", nil) == nil
	if !all {
		if err := identity.Allow(ctx, "image:list", identity.InProject(c.ProjectID)); err != nil {
			return page.Of[Image]{}, err
		}
	}
	if q.Marker != "" {
		if _, err := m.Image(ctx, ID(q.Marker)); err != nil {
			return page.Of[Image]{}, fault.Invalid.Errorf("the marker: %w", err)
		}
	}
	return listImages(ctx, m.db.Read(), reach{c.ProjectID, all}, q)
}

// UpdateImage implements Service.
func (m *Manager) UpdateImage(ctx context.Context, p Patch) (i Image, err error) {
	err = m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockImage(ctx, tx, p.ID); err != nil {
			return err
		}
		old, err := allowed(ctx, tx, p.ID, "image:update")
		if err != nil {
			return err
		}
		if i, err = m.patched(old, p); err != nil {
			return err
		}
		if err := accept(ctx, old, i); err != nil {
			return err
		}
		if err := updateImage(ctx, tx, &i); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, Updated{ID: i.ID, ProjectID: i.ProjectID})
	})
	return i, err
}

// patched returns i with the changes of p.
func (m *Manager) patched(i Image, p Patch) (Image, error) {
	if (p.DiskFormat != nil || p.ContainerFormat != nil || p.Store != nil) && i.Status != Queued {
		return i, fault.Forbidden.Errorf("image %s is %s: format and store can only be changed while it is queued", i.ID, i.Status)
	}
	set(&i.Name, p.Name)
	set(&i.Visibility, p.Visibility)
	set(&i.Protected, p.Protected)
	set(&i.Hidden, p.Hidden)
	set(&i.DiskFormat, p.DiskFormat)
	set(&i.ContainerFormat, p.ContainerFormat)
	set(&i.MinDiskGiB, p.MinDiskGiB)
	set(&i.MinMemoryMiB, p.MinMemoryMiB)
	set(&i.ProjectID, p.ProjectID)
	i.Properties = db.Merge(i.Properties, p.Properties)
	if p.Tags != nil {
		i.Tags = p.Tags
	}
	i.Tags = slices.DeleteFunc(tidy(append(slices.Clone(i.Tags), p.AddTags...)), func(t string) bool {
		return slices.Contains(p.RemoveTags, t)
	})
	i.UpdatedAt = db.Now()
	if p.Store == nil {
		return i, nil
	}
	store, err := m.placeable(*p.Store)
	i.Store = store
	return i, err
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

// SetActive implements Service.
func (m *Manager) SetActive(ctx context.Context, s ActiveSpec) error {
	from, to := Active, Deactivated
	if s.Active {
		from, to = to, from
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lockImage(ctx, tx, s.ID); err != nil {
			return err
		}
		i, err := allowed(ctx, tx, s.ID, "image:deactivate")
		if err != nil || i.Status == to {
			return err
		}
		if i.Status != from {
			return ErrState.Errorf("image %s is %s: it cannot become %s", i.ID, i.Status, to)
		}
		i.Status, i.UpdatedAt = to, db.Now()
		return updateImage(ctx, tx, &i)
	})
}

var (
	// ErrState is a request that the image's state does not allow.
	ErrState = fault.Conflict.Reason("image.state")
	// ErrNoBytes is an attempt to read an image that has no bytes yet.
	ErrNoBytes = fault.Conflict.Reason("image.no-bytes")
)
