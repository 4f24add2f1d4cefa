package volume

import (
	"context"
	"errors"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// seed makes the default type in a cloud that has none.
func (m *Manager) seed(ctx context.Context) error {
	_, err := loadType(ctx, m.db.Read(), DefaultType)
	if !errors.Is(err, fault.NotFound) {
		return err
	}
	_, err = m.CreateType(identity.With(ctx, identity.System("volume.seed")), Type{Name: DefaultType, Description: "Default type", Public: true})
	if errors.Is(err, fault.Conflict) { // another process was first
		return nil
	}
	return err
}

// typeFor returns the type a user asked for.
func (m *Manager) typeFor(ctx context.Context, idOrName string) (Type, error) {
	if idOrName == "" {
		return loadType(ctx, m.db.Read(), DefaultType)
	}
	t, err := m.Type(ctx, idOrName)
	return t, asReference(err)
}

func (m *Manager) backendOf(t Type) string {
	if t.Backend != "" {
		return t.Backend
	}
	return m.config.DefaultBackend
}

// CreateType implements Service.
func (m *Manager) CreateType(ctx context.Context, t Type) (Type, error) {
	if err := identity.Allow(ctx, "volume:type:manage", nil); err != nil {
		return Type{}, err
	}
	if t.ID == "" {
		t.ID = TypeID(db.NewID())
	}
	t.CreatedAt, t.UpdatedAt = db.Now(), db.Now()
	if err := m.checkType(t); err != nil {
		return Type{}, err
	}
	return t, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return insertType(ctx, tx, &t) })
}

func (m *Manager) checkType(t Type) error {
	if t.Name == "" {
		return fault.Invalid.Errorf("a volume type needs a name")
	}
	if _, ok := m.backends[t.Backend]; t.Backend != "" && !ok {
		return fault.Invalid.Errorf("volume type %s: there is no backend %q", t.Name, t.Backend)
	}
	return checkTexts(t.Name, t.Description, t.Specs)
}

// Type implements Service.
func (m *Manager) Type(ctx context.Context, idOrName string) (Type, error) {
	if err := identity.Allow(ctx, "volume:type:list", nil); err != nil {
		return Type{}, err
	}
	t, err := loadType(ctx, m.db.Read(), idOrName)
	if c := identity.CallerOf(ctx); err == nil && !t.For(c.ProjectID) && !c.Admin() {
		return Type{}, fault.NotFound.Errorf("volume type %s could not be found", idOrName)
	}
	return t, err
}

// Types implements Service.
func (m *Manager) Types(ctx context.Context, q TypeQuery) (page.Of[Type], error) {
	if err := identity.Allow(ctx, "volume:type:list", nil); err != nil {
		return page.Of[Type]{}, err
	}
	c := identity.CallerOf(ctx)
	if c.Admin() {
		return listTypes(ctx, m.db.Read(), q, nil)
	}
	return listTypes(ctx, m.db.Read(), q, &c.ProjectID)
}

// UpdateType implements Service.
func (m *Manager) UpdateType(ctx context.Context, t Type) (Type, error) {
	if err := identity.Allow(ctx, "volume:type:manage", nil); err != nil {
		return Type{}, err
	}
	old, err := loadType(ctx, m.db.Read(), string(t.ID))
	if err != nil {
		return Type{}, err
	}
	t.CreatedAt, t.UpdatedAt = old.CreatedAt, db.Now()
	if err := m.checkType(t); err != nil {
		return Type{}, err
	}
	return t, m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error { return updateType(ctx, tx, &t) })
}

// DeleteType implements Service.
func (m *Manager) DeleteType(ctx context.Context, id TypeID) error {
	if err := identity.Allow(ctx, "volume:type:manage", nil); err != nil {
		return err
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		used, err := typeUsed(ctx, tx, id)
		if err == nil && used {
			err = fault.Conflict.Errorf("volume type %s cannot be deleted: volumes have it", id)
		}
		if err != nil {
			return err
		}
		return deleteType(ctx, tx, id)
	})
}
