package identity

import (
	"context"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// CreateDomain implements Service.
func (m *Manager) CreateDomain(ctx context.Context, s DomainSpec) (Domain, error) {
	if err := Allow(ctx, "identity:create_domain", nil); err != nil {
		return Domain{}, err
	}
	if err := check(texts{"domain", s.Name, s.Description, maxShortName, s.Extra}); err != nil {
		return Domain{}, err
	}
	d := Domain{
		ID: orNew(s.ID), Name: s.Name, Description: s.Description, Enabled: !s.Disabled,
		Extra: s.Extra, CreatedAt: m.now(),
	}
	err := m.write(ctx, func(ctx context.Context, tx *db.Tx, _ *revoking) error {
		if err := insert(ctx, tx, &d, "domain "+d.Name); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, DomainCreated{d.ID})
	})
	return again[Domain](ctx, m.db.Read(), s.ID, err)(d)
}

// Domain implements Service.
func (m *Manager) Domain(ctx context.Context, id DomainID) (Domain, error) {
	if err := Allow(ctx, "identity:get_domain", held{domain: id}); err != nil {
		return Domain{}, err
	}
	return load[Domain](ctx, m.db.Read(), id, "domain")
}

// Domains implements Service.
func (m *Manager) Domains(ctx context.Context, q DomainQuery) (page.Of[Domain], error) {
	only, err := mayList(ctx, "identity:list_domains", "")
	if err != nil {
		return page.Of[Domain]{}, err
	}
	return listDomains(ctx, m.db.Read(), q, only)
}

// UpdateDomain implements Service.
func (m *Manager) UpdateDomain(ctx context.Context, p DomainPatch) (Domain, error) {
	var d Domain
	if err := Allow(ctx, "identity:update_domain", nil); err != nil {
		return d, err
	}
	err := m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) (err error) {
		if d, err = load[Domain](ctx, tx, p.ID, "domain"); err != nil {
			return err
		}
		set(&d.Name, p.Name)
		set(&d.Description, p.Description)
		d.Extra = d.Extra.with(p.Extra)
		if err := check(texts{"domain", d.Name, d.Description, maxShortName, d.Extra}); err != nil {
			return err
		}
		if set(&d.Enabled, p.Enabled) && !d.Enabled {
			r.by(token.ByDomain, string(d.ID))
		}
		return save(ctx, tx, &d, "domain "+d.Name)
	})
	return d, err
}

// DeleteDomain implements Service.
func (m *Manager) DeleteDomain(ctx context.Context, id DomainID) error {
	if err := Allow(ctx, "identity:delete_domain", nil); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) error {
		d, err := load[Domain](ctx, tx, id, "domain")
		if err != nil {
			return err
		}
		if d.Enabled || id == DefaultDomain {
			return fault.Forbidden.Errorf("domain %s is enabled; disable it first (the default domain stays)", id)
		}
		events, err := emptyDomain(ctx, tx, id)
		if err != nil {
			return err
		}
		if _, err := remove[Domain](ctx, tx, "id = ?", id); err != nil {
			return err
		}
		r.by(token.ByDomain, string(id))
		return bus.Publish(ctx, tx, append(events, DomainDeleted{id})...)
	})
}

// emptyDomain deletes all that is in a domain and returns the events to publish.
func emptyDomain(ctx context.Context, tx *db.Tx, id DomainID) ([]bus.Event, error) {
	var projects []ProjectID
	var users []UserID
	for table, into := range map[string]any{"identity_projects": &projects, "identity_users": &users} {
		if err := tx.NewSelect().Table(table).Column("id").Where("domain_id = ?", id).Scan(ctx, into); err != nil {
			return nil, db.Fault(err, "what is in domain %s", id)
		}
	}
	var events []bus.Event
	for _, p := range projects {
		events = append(events, ProjectDeleted{p})
	}
	for _, u := range users {
		events = append(events, UserDeleted{u})
	}
	const within = "IN (SELECT id FROM ? WHERE domain_id = ?)"
	steps := []func() (int64, error){
		func() (int64, error) {
			return remove[Assignment](ctx, tx, "scope = ? AND scope_id = ?", ScopeDomain, id)
		},
		func() (int64, error) {
			return remove[Assignment](ctx, tx, "scope = ? AND scope_id "+within, ScopeProject, bun.Ident("identity_projects"), id)
		},
		func() (int64, error) {
			return remove[Assignment](ctx, tx, "user_id "+within, bun.Ident("identity_users"), id)
		},
		func() (int64, error) {
			return remove[Assignment](ctx, tx, "group_id "+within, bun.Ident("identity_groups"), id)
		},
		func() (int64, error) {
			return remove[Credential](ctx, tx, "project_id "+within, bun.Ident("identity_projects"), id)
		},
		func() (int64, error) { return remove[Project](ctx, tx, "domain_id = ?", id) },
		func() (int64, error) { return remove[User](ctx, tx, "domain_id = ?", id) },
		func() (int64, error) { return remove[Group](ctx, tx, "domain_id = ?", id) },
		func() (int64, error) { return remove[Role](ctx, tx, "domain_id = ?", id) },
	}
	for _, step := range steps {
		if _, err := step(); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// again makes creating twice creating once: when err is a Conflict over an id
// that the caller chose, made becomes what is there already.
func again[T any, ID ~string](ctx context.Context, idb bun.IDB, chosen ID, err error) func(made T) (T, error) {
	return func(made T) (T, error) {
		if err == nil || chosen == "" || fault.Of(err) != fault.Conflict {
			return made, err
		}
		there, missing := load[T](ctx, idb, chosen, "id")
		if missing != nil {
			return made, err
		}
		return there, nil
	}
}

func orNew[ID ~string](id ID) ID {
	if id == "" {
		return NewID[ID]()
	}
	return id
}

// set changes a field to what a patch says and reports whether it did.
func set[T comparable](field *T, to *T) bool {
	if to == nil || *field == *to {
		return false
	}
	*field = *to
	return true
}
