package identity

import (
	"cmp"
	"context"
	"slices"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// maxDepth is how many projects may stand above one another.
const maxDepth = 5

// homeDomain is where a caller creates what it names no domain for.
func homeDomain(ctx context.Context) DomainID {
	c := CallerOf(ctx)
	return cmp.Or(DomainID(c.DomainID), DomainID(c.ProjectDomainID), DefaultDomain)
}

// CreateProject implements Service.
func (m *Manager) CreateProject(ctx context.Context, s ProjectSpec) (Project, error) {
	p := Project{
		ID: orNew(s.ID), DomainID: s.DomainID, ParentID: s.ParentID, Name: s.Name, Description: s.Description,
		Enabled: !s.Disabled, Tags: sortedTags(s.Tags), Extra: s.Extra, CreatedAt: m.now(),
	}
	err := may(ctx, "identity:create_project", func() (Target, error) {
		err := m.houseProject(ctx, &p)
		return held{domain: p.DomainID}, err
	})
	if err != nil {
		return Project{}, err
	}
	if err := checkProject(p); err != nil {
		return Project{}, err
	}
	if err := m.houseProject(ctx, &p); err != nil {
		return Project{}, err
	}
	err = m.write(ctx, func(ctx context.Context, tx *db.Tx, _ *revoking) error {
		if err := placeProject(ctx, tx, p); err != nil {
			return err
		}
		if err := insert(ctx, tx, &p, "project "+p.Name); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, ProjectCreated{p.ID})
	})
	return again[Project](ctx, m.db.Read(), s.ID, err)(p)
}

// houseProject settles the domain of a new project: the one named, its
// parent's, or the caller's. A parent that is a domain means that domain and no
// parent, as clients have it.
func (m *Manager) houseProject(ctx context.Context, p *Project) error {
	if p.ParentID != "" && p.DomainID == "" {
		d, err := load[Domain](ctx, m.db.Read(), p.ParentID, "domain")
		if err == nil {
			p.DomainID = d.ID
		} else {
			parent, err := load[Project](ctx, m.db.Read(), p.ParentID, "parent project")
			if err != nil {
				return err
			}
			p.DomainID = parent.DomainID
		}
	}
	p.DomainID = cmp.Or(p.DomainID, homeDomain(ctx))
	if string(p.ParentID) == string(p.DomainID) {
		p.ParentID = ""
	}
	return nil
}

// placeProject checks the domain and the parents of a new project.
func placeProject(ctx context.Context, tx *db.Tx, p Project) error {
	for depth, id := 1, p.ParentID; id != ""; depth++ {
		parent, err := load[Project](ctx, tx, id, "parent project")
		if err != nil {
			return err
		}
		if parent.DomainID != p.DomainID {
			return fault.Invalid.Errorf("project %s is in domain %s, its parent in another", p.Name, p.DomainID)
		}
		if !parent.Enabled && p.Enabled {
			return fault.Forbidden.Errorf("project %s cannot be enabled below the disabled project %s", p.Name, id)
		}
		if depth >= maxDepth {
			return fault.Forbidden.Errorf("project %s would be more than %d levels deep", p.Name, maxDepth)
		}
		id = parent.ParentID
	}
	_, err := load[Domain](ctx, tx, p.DomainID, "domain")
	return err
}

func checkProject(p Project) error {
	if err := check(texts{"project", p.Name, p.Description, maxShortName, p.Extra}); err != nil {
		return err
	}
	return checkTags(p.Tags)
}

// Project implements Service.
func (m *Manager) Project(ctx context.Context, id ProjectID) (Project, error) {
	if err := m.maySee(ctx, "identity:get_project", held{project: id}); err != nil {
		return Project{}, err
	}
	p, err := load[Project](ctx, m.db.Read(), id, "project")
	if err != nil {
		return p, err
	}
	return p, Allow(ctx, "identity:get_project", held{project: id, domain: p.DomainID})
}

// maySee refuses what can be refused before anything is looked up: the caller
// has no domain, so only what target says counts.
func (m *Manager) maySee(ctx context.Context, action string, target Target) error {
	if c := CallerOf(ctx); c.DomainID != "" && !c.Nobody() {
		return nil
	}
	return Allow(ctx, action, target)
}

// Projects implements Service.
func (m *Manager) Projects(ctx context.Context, q ProjectQuery) (page.Of[Project], error) {
	if q.User == "" {
		domain, err := mayList(ctx, "identity:list_projects", q.DomainID)
		if err != nil {
			return page.Of[Project]{}, err
		}
		q.DomainID = domain
		return listProjects(ctx, m.db.Read(), q)
	}
	if err := m.mayAboutUser(ctx, "identity:list_user_projects", q.User); err != nil {
		return page.Of[Project]{}, err
	}
	reach, err := reachOf(ctx, m.db.Read(), q.User)
	if err != nil {
		return page.Of[Project]{}, err
	}
	if q.IDs != nil {
		reach.projects = slices.DeleteFunc(reach.projects, func(id ProjectID) bool { return !slices.Contains(q.IDs, id) })
	}
	q.IDs = append([]ProjectID{}, reach.projects...)
	return listProjects(ctx, m.db.Read(), q)
}

// mayList checks an action on everything in a domain, and returns the domain to
// look in: a caller for one domain sees that one.
func mayList(ctx context.Context, action string, domain DomainID) (DomainID, error) {
	c := CallerOf(ctx)
	if c.DomainID != "" && !c.Admin() {
		domain = cmp.Or(domain, DomainID(c.DomainID))
	}
	err := may(ctx, action, func() (Target, error) { return held{domain: domain}, nil })
	return domain, err
}

// mayAboutUser checks an action that users may do about themselves.
func (m *Manager) mayAboutUser(ctx context.Context, action string, user UserID) error {
	if err := m.maySee(ctx, action, held{user: user}); err != nil {
		return err
	}
	u, err := load[User](ctx, m.db.Read(), user, "user")
	if err != nil {
		return err
	}
	return Allow(ctx, action, held{user: user, domain: u.DomainID})
}

// UpdateProject implements Service.
func (m *Manager) UpdateProject(ctx context.Context, patch ProjectPatch) (Project, error) {
	var p Project
	if err := m.mayProject(ctx, "identity:update_project", patch.ID); err != nil {
		return p, err
	}
	err := m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) (err error) {
		if p, err = load[Project](ctx, tx, patch.ID, "project"); err != nil {
			return err
		}
		set(&p.Name, patch.Name)
		set(&p.Description, patch.Description)
		p.Extra = p.Extra.with(patch.Extra)
		if patch.Tags != nil {
			p.Tags = *patch.Tags
		}
		p.Tags = sortedTags(db.MergeTags(p.Tags, patch.AddTags, patch.RemoveTags))
		if err := checkProject(p); err != nil {
			return err
		}
		if set(&p.Enabled, patch.Enabled) && !p.Enabled {
			r.by(token.ByProject, string(p.ID))
		}
		return save(ctx, tx, &p, "project "+p.Name)
	})
	return p, err
}

func (m *Manager) mayProject(ctx context.Context, action string, id ProjectID) error {
	return may(ctx, action, func() (Target, error) {
		p, err := load[Project](ctx, m.db.Read(), id, "project")
		return held{project: id, domain: p.DomainID}, err
	})
}

// DeleteProject implements Service.
func (m *Manager) DeleteProject(ctx context.Context, id ProjectID) error {
	if err := m.mayProject(ctx, "identity:delete_project", id); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) error {
		n, err := tx.NewSelect().Model((*Project)(nil)).Where("parent_id = ?", id).Count(ctx)
		if err != nil {
			return db.Fault(err, "projects below %s", id)
		}
		if n > 0 {
			return fault.Forbidden.Errorf("project %s has %d projects below it; delete them first", id, n)
		}
		if n, err := remove[Project](ctx, tx, "id = ?", id); err != nil || n == 0 {
			return orNotFound(err, "project %s", id)
		}
		if _, err := remove[Assignment](ctx, tx, "scope = ? AND scope_id = ?", ScopeProject, id); err != nil {
			return err
		}
		if _, err := remove[Credential](ctx, tx, "project_id = ?", id); err != nil {
			return err
		}
		r.by(token.ByProject, string(id))
		return bus.Publish(ctx, tx, ProjectDeleted{id})
	})
}

func orNotFound(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return fault.NotFound.Errorf(format, args...)
}

func sortedTags(tags []string) []string {
	out := append([]string{}, tags...)
	slices.Sort(out)
	return slices.Compact(out)
}
