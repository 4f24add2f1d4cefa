package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"slices"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// CreateCredential implements Service.
func (m *Manager) CreateCredential(ctx context.Context, s CredentialSpec) (NewCredential, error) {
	c, err := m.mayCreateCredential(ctx, s)
	if err != nil {
		return NewCredential{}, err
	}
	if err := check(texts{"application credential", s.Name, s.Description, maxName, nil}); err != nil {
		return NewCredential{}, err
	}
	cred := Credential{
		ID: orNew(s.ID), UserID: s.UserID, ProjectID: ProjectID(c.ProjectID), Name: s.Name, Description: s.Description,
		Unrestricted: s.Unrestricted, ExpiresAt: s.ExpiresAt.UTC(), CreatedAt: m.now(),
	}
	if s.ExpiresAt.IsZero() {
		cred.ExpiresAt = s.ExpiresAt
	}
	if cred.expired(cred.CreatedAt) {
		return NewCredential{}, fault.Invalid.Errorf("application credential %s would have expired already", s.Name)
	}
	if cred.Roles, err = m.delegated(ctx, s, c); err != nil {
		return NewCredential{}, err
	}
	secret := s.Secret
	if secret == "" {
		secret = newSecret()
	}
	if cred.SecretHash, err = m.hasher.hash(ctx, secret); err != nil {
		return NewCredential{}, err
	}
	err = m.write(ctx, func(ctx context.Context, tx *db.Tx, _ *revoking) error {
		return insert(ctx, tx, &cred, "application credential "+cred.Name)
	})
	if err != nil {
		return NewCredential{}, err
	}
	err = nameRoles(ctx, m.db.Read(), &cred)
	return NewCredential{Credential: cred, Secret: secret}, err
}

// nameRoles fills in the names of a credential's roles.
func nameRoles(ctx context.Context, idb bun.IDB, c *Credential) error {
	roles, err := loadMany(ctx, idb, c.Roles, func(r Role) RoleID { return r.ID })
	c.RoleNames = make(map[RoleID]string, len(roles))
	for id, r := range roles {
		c.RoleNames[id] = r.Name
	}
	return err
}

// mayCreateCredential allows users to make credentials for themselves in the
// project they are in; a credential makes no others unless it is unrestricted.
func (m *Manager) mayCreateCredential(ctx context.Context, s CredentialSpec) (Caller, error) {
	c := CallerOf(ctx)
	if err := Allow(ctx, "identity:create_application_credential", held{user: s.UserID}); err != nil {
		return c, err
	}
	if c.ProjectID == "" {
		return c, fault.Invalid.Errorf("an application credential is for a project: use a token for one")
	}
	return c, m.mayUseCredentials(ctx, c)
}

// mayUseCredentials refuses callers that come with a restricted credential.
func (m *Manager) mayUseCredentials(ctx context.Context, c Caller) error {
	if c.CredentialID == "" {
		return nil
	}
	own, err := load[Credential](ctx, m.db.Read(), CredentialID(c.CredentialID), "application credential")
	if err == nil && !own.Unrestricted {
		err = fault.Forbidden.Errorf("application credential %s is restricted: it cannot manage others", own.Name)
	}
	return err
}

// delegated returns the roles of a new credential: those asked for, which the
// user must have in the project, or else all of them. One made with another
// credential has no more than that.
func (m *Manager) delegated(ctx context.Context, s CredentialSpec, c Caller) ([]RoleID, error) {
	has, err := rolesIn(ctx, m.db.Read(), s.UserID, On(ProjectID(c.ProjectID)))
	if err != nil {
		return nil, err
	}
	var all, wanted []RoleID
	for _, r := range has {
		if c.CredentialID != "" && !c.Has(r.Name) {
			continue
		}
		all = append(all, r.ID)
		if slices.Contains(s.RoleNames, r.Name) || slices.Contains(s.Roles, r.ID) {
			wanted = append(wanted, r.ID)
		}
	}
	if len(s.Roles)+len(s.RoleNames) == 0 {
		return all, nil
	}
	if len(wanted) < len(s.Roles)+len(s.RoleNames) {
		return nil, fault.Invalid.Errorf("application credential %s: it can have only roles that you have in the project", s.Name)
	}
	return wanted, nil
}

func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Credential implements Service.
func (m *Manager) Credential(ctx context.Context, id CredentialID) (Credential, error) {
	cred, err := load[Credential](ctx, m.db.Read(), id, "application credential")
	if fault.Of(err) == fault.NotFound && CallerOf(ctx).Nobody() {
		err = Allow(ctx, "identity:get_application_credential", nil)
	}
	if err != nil {
		return Credential{}, err
	}
	if err := Allow(ctx, "identity:get_application_credential", held{user: cred.UserID}); err != nil {
		return Credential{}, err
	}
	return cred, nameRoles(ctx, m.db.Read(), &cred)
}

// Credentials implements Service.
func (m *Manager) Credentials(ctx context.Context, q CredentialQuery) (page.Of[Credential], error) {
	if err := Allow(ctx, "identity:list_application_credentials", held{user: q.UserID}); err != nil {
		return page.Of[Credential]{}, err
	}
	found, err := listCredentials(ctx, m.db.Read(), q)
	for i := range found.Items {
		if err == nil {
			err = nameRoles(ctx, m.db.Read(), &found.Items[i])
		}
	}
	return found, err
}

// DeleteCredential implements Service. Tokens made with it are taken back.
func (m *Manager) DeleteCredential(ctx context.Context, id CredentialID) error {
	cred, err := m.Credential(ctx, id)
	if err != nil {
		return err
	}
	if err := Allow(ctx, "identity:delete_application_credential", held{user: cred.UserID}); err != nil {
		return err
	}
	if err := m.mayUseCredentials(ctx, CallerOf(ctx)); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) error {
		if n, err := remove[Credential](ctx, tx, "id = ?", id); err != nil || n == 0 {
			return orNotFound(err, "application credential %s", id)
		}
		r.by(token.ByCredential, string(id))
		return nil
	})
}

func findCredential(ctx context.Context, idb bun.IDB, ref CredentialRef) (Credential, error) {
	if ref.ID != "" {
		return load[Credential](ctx, idb, ref.ID, "application credential")
	}
	u, err := findUser(ctx, idb, ref.User)
	if err != nil {
		return Credential{}, err
	}
	var c Credential
	err = idb.NewSelect().Model(&c).Where("user_id = ? AND name = ?", u.ID, ref.Name).Scan(ctx)
	return c, db.Fault(err, "application credential %q", ref.Name)
}
