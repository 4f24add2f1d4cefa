package identity

import (
	"context"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/fault"
)

// scope returns what a token for p shall be for, and the roles it carries there.
func (m *Manager) scope(ctx context.Context, idb bun.IDB, want ScopeRef, p proof) (Scope, []Role, error) {
	if p.credential != nil {
		return boundScope(ctx, idb, want, p)
	}
	scope, err := resolveScope(ctx, idb, want)
	if err != nil {
		return scope, nil, err
	}
	if scope.Kind == "" && !want.None && p.user.DefaultProjectID != "" && p.parent == "" {
		return defaultScope(ctx, idb, p.user)
	}
	if scope.Kind == "" {
		return scope, nil, nil
	}
	roles, err := rolesIn(ctx, idb, p.user.ID, scope)
	if err == nil && len(roles) == 0 {
		err = fault.Unauthenticated.Errorf("user %s has no role on %s %s", p.user.ID, scope.Kind, scope.ID)
	}
	return scope, roles, err
}

// boundScope is the project of an application credential, with those of its
// roles that its user still has.
func boundScope(ctx context.Context, idb bun.IDB, want ScopeRef, p proof) (Scope, []Role, error) {
	scope := On(p.credential.ProjectID)
	asked, err := resolveScope(ctx, idb, want)
	if err != nil {
		return scope, nil, err
	}
	if want.None || asked.Kind != "" && asked != scope {
		return scope, nil, fault.Unauthenticated.Errorf("application credential %s is for project %s alone", p.credential.ID, scope.ID)
	}
	if scope, err = enabledProject(ctx, idb, ProjectRef{ID: p.credential.ProjectID}); err != nil {
		return scope, nil, err
	}
	has, err := rolesIn(ctx, idb, p.user.ID, scope)
	if err != nil {
		return scope, nil, err
	}
	g, err := rolesAndImplied(ctx, idb)
	if err != nil {
		return scope, nil, err
	}
	roles := slices.DeleteFunc(g.expand(p.credential.Roles...), func(r Role) bool {
		return !slices.ContainsFunc(has, func(h Role) bool { return h.ID == r.ID })
	})
	if len(roles) == 0 {
		err = fault.Unauthenticated.Errorf("the user of application credential %s lost its roles", p.credential.ID)
	}
	return scope, roles, err
}

// defaultScope is the user's default project when it may use it, or else nothing.
func defaultScope(ctx context.Context, idb bun.IDB, u User) (Scope, []Role, error) {
	scope, err := enabledProject(ctx, idb, ProjectRef{ID: u.DefaultProjectID})
	if err == nil {
		var roles []Role
		if roles, err = rolesIn(ctx, idb, u.ID, scope); err == nil && len(roles) > 0 {
			return scope, roles, nil
		}
	}
	switch fault.Of(err) {
	case fault.Unavailable, fault.Internal:
		if err != nil {
			return Scope{}, nil, err
		}
	}
	return Scope{}, nil, nil
}

func resolveScope(ctx context.Context, idb bun.IDB, want ScopeRef) (Scope, error) {
	switch {
	case want.System:
		return OnSystem(), nil
	case want.Project != nil:
		return enabledProject(ctx, idb, *want.Project)
	case want.Domain != nil:
		d, err := findDomain(ctx, idb, *want.Domain)
		if err == nil && !d.Enabled {
			err = fault.Unauthenticated.Errorf("domain %s is disabled", d.ID)
		}
		return OnDomain(d.ID), err
	}
	return Scope{}, nil
}

func enabledProject(ctx context.Context, idb bun.IDB, ref ProjectRef) (Scope, error) {
	p, err := findProject(ctx, idb, ref)
	if err != nil {
		return Scope{}, err
	}
	d, err := load[Domain](ctx, idb, p.DomainID, "domain")
	if err == nil && (!p.Enabled || !d.Enabled) {
		err = fault.Unauthenticated.Errorf("project %s or its domain is disabled", p.ID)
	}
	return On(p.ID), err
}

func (c Credential) expired(now time.Time) bool {
	return !c.ExpiresAt.IsZero() && !now.Before(c.ExpiresAt)
}
