package identity

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// A Token is a token and everything it says, with names.
type Token struct {
	Text         string
	Methods      []string
	User         InDomain
	Project      *InDomain // at most one of these three
	Domain       *Named
	System       bool
	Roles        []Named
	AuditIDs     []string // its own, then that of the first token in its chain
	IssuedAt     time.Time
	ExpiresAt    time.Time
	Credential   *Named // the application credential it was made with
	Unrestricted bool   // what that credential may do
}

// Named is an id and the name people know it by.
type Named struct{ ID, Name string }

// InDomain is a user or a project with its domain.
type InDomain struct {
	Named
	Domain Named
}

// validated is a Token that was good when the Manager's epoch was this.
type validated struct {
	token Token
	epoch uint64
}

// issue makes a token for what was proved.
func (m *Manager) issue(ctx context.Context, idb bun.IDB, p proof) (Token, error) {
	c := token.Claims{
		UserID: string(p.user.ID), UserName: p.user.Name, UserDomainID: string(p.user.DomainID),
		Methods: p.methods, AuditID: token.NewAuditID(), ParentAuditID: p.parent,
		IssuedAt: p.began, ExpiresAt: p.expires, System: p.scope.Kind == ScopeSystem,
	}
	for _, r := range p.roles {
		c.Roles = append(c.Roles, r.Name)
	}
	if p.credential != nil {
		c.CredentialID = string(p.credential.ID)
	}
	switch p.scope.Kind {
	case ScopeProject:
		project, err := load[Project](ctx, idb, ProjectID(p.scope.ID), "project")
		if err != nil {
			return Token{}, err
		}
		c.ProjectID, c.ProjectName, c.ProjectDomainID = p.scope.ID, project.Name, string(project.DomainID)
	case ScopeDomain:
		c.DomainID = p.scope.ID
	}
	text, err := token.Issue(m.auth.keys, c)
	if err != nil {
		return Token{}, err
	}
	return m.describe(ctx, idb, text, c)
}

// describe adds the names of the moment to what a token says.
func (m *Manager) describe(ctx context.Context, idb bun.IDB, text string, c token.Claims) (Token, error) {
	domains, err := loadMany(ctx, idb, []DomainID{DomainID(c.UserDomainID), DomainID(c.ProjectDomainID), DomainID(c.DomainID)},
		func(d Domain) DomainID { return d.ID })
	if err != nil {
		return Token{}, err
	}
	named := func(id string) Named { return Named{id, domains[DomainID(id)].Name} }
	t := Token{
		Text: text, Methods: c.Methods, System: c.System, IssuedAt: c.IssuedAt, ExpiresAt: c.ExpiresAt,
		User: InDomain{Named{c.UserID, c.UserName}, named(c.UserDomainID)}, AuditIDs: []string{c.AuditID},
	}
	if c.ParentAuditID != "" {
		t.AuditIDs = append(t.AuditIDs, c.ParentAuditID)
	}
	if c.ProjectID != "" {
		t.Project = &InDomain{Named{c.ProjectID, c.ProjectName}, named(c.ProjectDomainID)}
	}
	if c.DomainID != "" {
		d := named(c.DomainID)
		t.Domain = &d
	}
	if c.CredentialID != "" {
		cred, err := load[Credential](ctx, idb, CredentialID(c.CredentialID), "application credential")
		if err != nil {
			return Token{}, err
		}
		t.Credential, t.Unrestricted = &Named{c.CredentialID, cred.Name}, cred.Unrestricted
	}
	t.Roles, err = namedRoles(ctx, idb, c.Roles)
	return t, err
}

func namedRoles(ctx context.Context, idb bun.IDB, names []string) ([]Named, error) {
	if len(names) == 0 {
		return nil, nil
	}
	var roles []Role
	err := idb.NewSelect().Model(&roles).Where("domain_id = '' AND name IN (?)", bun.List(names)).Order("name").Scan(ctx)
	if err != nil {
		return nil, db.Fault(err, "roles of a token")
	}
	out := make([]Named, len(roles))
	for i, r := range roles {
		out[i] = Named{string(r.ID), r.Name}
	}
	return out, nil
}

// Token implements Service.
func (m *Manager) Token(ctx context.Context, text string) (Token, error) {
	v, err := m.verifySubject(ctx, "identity:validate_token", text)
	if err != nil {
		return Token{}, err
	}
	epoch := m.epoch.Load()
	if known, ok := m.tokens.GetIfPresent(text); ok && known.epoch == epoch {
		return known.token, nil
	}
	idb := m.db.Read()
	u, err := load[User](ctx, idb, UserID(v.claims.UserID), "user")
	if err == nil {
		err = usable(ctx, idb, u)
	}
	if err == nil && v.claims.ProjectID != "" {
		_, err = enabledProject(ctx, idb, ProjectRef{ID: ProjectID(v.claims.ProjectID)})
	}
	if fault.Of(err) == fault.Unauthenticated {
		err = errSubject
	}
	if err != nil {
		return Token{}, err
	}
	t, err := m.describe(ctx, idb, text, v.claims)
	if err != nil {
		return Token{}, err
	}
	m.tokens.Set(text, validated{t, epoch})
	return t, nil
}

// errSubject is the answer about a token that somebody asks about.
var errSubject = fault.NotFound.Errorf("there is no such token")

// verifySubject verifies a token that the caller wants to do something with.
func (m *Manager) verifySubject(ctx context.Context, action, text string) (*verified, error) {
	if c := CallerOf(ctx); c.Nobody() {
		return nil, Allow(ctx, action, nil)
	}
	v, err := m.auth.verify(ctx, text)
	if fault.Of(err) == fault.Unauthenticated {
		return nil, errSubject
	}
	if err != nil {
		return nil, err
	}
	return v, Allow(ctx, action, held{user: UserID(v.claims.UserID), domain: DomainID(v.claims.UserDomainID)})
}

// RevokeToken implements Service.
func (m *Manager) RevokeToken(ctx context.Context, text string) error {
	v, err := m.verifySubject(ctx, "identity:revoke_token", text)
	if err != nil {
		return err
	}
	return m.write(ctx, func(_ context.Context, _ *db.Tx, r *revoking) error {
		r.by(token.ByAudit, v.claims.AuditID)
		return nil
	})
}

// Revocations implements Service.
func (m *Manager) Revocations(ctx context.Context, since time.Time) ([]token.Revocation, error) {
	if err := Allow(ctx, "identity:list_revocations", nil); err != nil {
		return nil, err
	}
	return revocationsSince(ctx, m.db.Read(), since)
}

// Scopes implements Service.
func (m *Manager) Scopes(ctx context.Context, user UserID) (Scopes, error) {
	if err := m.mayAboutUser(ctx, "identity:list_user_projects", user); err != nil {
		return Scopes{}, err
	}
	idb := m.db.Read()
	r, err := reachOf(ctx, idb, user)
	if err != nil {
		return Scopes{}, err
	}
	out := Scopes{System: r.system}
	enabled := func(q *bun.SelectQuery) *bun.SelectQuery { return q.Where("enabled = ?", true).Order("name") }
	if len(r.projects) > 0 {
		err = enabled(idb.NewSelect().Model(&out.Projects).Where("id IN (?)", bun.List(r.projects))).Scan(ctx)
	}
	if err == nil && len(r.domains) > 0 {
		err = enabled(idb.NewSelect().Model(&out.Domains).Where("id IN (?)", bun.List(r.domains))).Scan(ctx)
	}
	return out, db.Fault(err, "scopes of user %s", user)
}
