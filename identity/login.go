package identity

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// Ways to prove who one is.
const (
	ByPassword   = "password"
	ByToken      = "token"
	ByCredential = "application_credential"
)

// A Login is one or more proofs of who is calling, and the scope wanted.
type Login struct {
	Methods    []string // ByPassword, ByToken, ByCredential; all of them must prove the same user
	User       UserRef  // for ByPassword
	Password   string
	Token      string
	Credential CredentialRef
	Scope      ScopeRef
}

// A DomainRef names a domain by its id or its name.
type DomainRef struct {
	ID   DomainID
	Name string
}

// A UserRef names a user by its id, or by its name and domain.
type UserRef struct {
	ID     UserID
	Name   string
	Domain DomainRef
}

// A ProjectRef names a project by its id, or by its name and domain.
type ProjectRef struct {
	ID     ProjectID
	Name   string
	Domain DomainRef
}

// A CredentialRef names an application credential by its id, or by its name and
// user, and proves it.
type CredentialRef struct {
	ID     CredentialID
	Name   string
	User   UserRef
	Secret string
}

// A ScopeRef says what a token shall be for. The zero value means the user's
// default project, or nothing without one.
type ScopeRef struct {
	None    bool // for nothing, whatever the default project is
	System  bool
	Project *ProjectRef
	Domain  *DomainRef
}

// errLogin is the one answer to every login that fails, so that it tells nothing.
var errLogin = fault.Unauthenticated.Errorf("the request you have made requires authentication")

// ErrBadToken is why a Login by token fails when the token itself is not good.
var ErrBadToken = fault.Unauthenticated.Reason("identity.bad-token")

// A proof is what a Login established.
type proof struct {
	user       User
	began      time.Time // before anything was read: whatever is revoked later takes the token with it
	methods    []string
	expires    time.Time
	parent     string      // audit id of the token that was the proof
	credential *Credential // which binds the scope and the roles

	scope Scope // what the new token is for
	roles []Role
}

// LogIn implements Service. It needs no caller: it is how one becomes one.
func (m *Manager) LogIn(ctx context.Context, l Login) (Token, error) {
	began := m.now()
	p, err := m.prove(ctx, l)
	if err != nil {
		return Token{}, m.refused(ctx, err)
	}
	p.began = began
	idb := m.db.Read()
	if err := usable(ctx, idb, p.user); err != nil {
		return Token{}, m.refused(ctx, err)
	}
	if p.scope, p.roles, err = m.scope(ctx, idb, l.Scope, p); err != nil {
		return Token{}, m.refused(ctx, err)
	}
	t, err := m.issue(ctx, idb, p)
	if err == nil {
		m.log.LogAttrs(ctx, slog.LevelInfo, "token issued", slog.String("user", string(p.user.ID)),
			slog.String("scope", p.scope.Kind+"/"+p.scope.ID), slog.String("audit", t.AuditIDs[0]))
	}
	return t, err
}

// refused hides why a login failed, but for failures of ours and malformed requests.
func (m *Manager) refused(ctx context.Context, err error) error {
	switch fault.Of(err) {
	case fault.Unavailable, fault.Internal, fault.Invalid:
		return err
	}
	m.log.LogAttrs(ctx, slog.LevelInfo, "login refused", slog.Any("error", err))
	if errors.Is(err, ErrBadToken) {
		return ErrBadToken.Errorf("the token is not valid")
	}
	return errLogin
}

// prove checks every proof of l. They must be of one user.
func (m *Manager) prove(ctx context.Context, l Login) (proof, error) {
	p := proof{expires: m.now().Add(m.config.TokenLifetime).Truncate(time.Second)}
	for i, method := range l.Methods {
		var u User
		var err error
		switch {
		case slices.Contains(l.Methods[:i], method):
			continue
		case method == ByPassword:
			u, err = m.provePassword(ctx, l.User, l.Password)
		case method == ByToken:
			u, err = m.proveToken(ctx, l.Token, &p)
		case method == ByCredential && len(l.Methods) == 1:
			u, err = m.proveCredential(ctx, l.Credential, &p)
		default:
			err = fault.Unauthenticated.Errorf("method %q is not supported here", method)
		}
		if err != nil {
			return p, err
		}
		if p.user.ID != "" && p.user.ID != u.ID {
			return p, fault.Unauthenticated.Errorf("the proofs are of different users")
		}
		p.user = u
		p.methods = append(p.methods, method)
	}
	if p.user.ID == "" {
		return p, fault.Invalid.Errorf("the login names no method, such as password")
	}
	slices.Sort(p.methods)
	p.methods = slices.Compact(p.methods)
	return p, nil
}

// provePassword returns the user whose password it is. Whatever is wrong, it
// takes about as long.
func (m *Manager) provePassword(ctx context.Context, ref UserRef, password string) (User, error) {
	u, err := findUser(ctx, m.db.Read(), ref)
	if err != nil && fault.Of(err) != fault.NotFound {
		return u, err
	}
	ok, known := false, err == nil
	for hash, first := u.PasswordHash, true; first || known && hash != u.PasswordHash; first = false {
		hash = u.PasswordHash
		if ok, err = m.hasher.matches(ctx, password, hash); err != nil {
			return u, err
		}
		// Others may have guessed, or changed the user, while this one waited its turn.
		u, err = findUser(ctx, m.db.Read(), ref)
		if known = err == nil; err != nil && fault.Of(err) != fault.NotFound {
			return u, err
		}
	}
	switch {
	case !known:
		return u, fault.Unauthenticated.Errorf("there is no user %s%s", ref.ID, ref.Name)
	case m.locked(u, m.now()):
		return u, fault.Unauthenticated.Errorf("user %s is locked after %d wrong passwords", u.ID, u.FailedLogins)
	case !ok:
		return u, m.noteFailure(ctx, u)
	}
	return u, m.noteSuccess(ctx, u, password)
}

// noteFailure counts a wrong password and returns the refusal.
func (m *Manager) noteFailure(ctx context.Context, u User) error {
	if m.config.LockoutAttempts > 0 {
		err := m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
			if err := lock(ctx, tx); err != nil {
				return err
			}
			_, err := tx.NewUpdate().Model((*User)(nil)).Where("id = ?", u.ID).
				Set("failed_logins = failed_logins + 1").Set("failed_at = ?", m.now()).Exec(ctx)
			return db.Fault(err, "count a failed login")
		})
		if err != nil {
			return err
		}
	}
	return fault.Unauthenticated.Errorf("wrong password for user %s", u.ID)
}

// noteSuccess forgets failures and renews a hash made at another cost.
func (m *Manager) noteSuccess(ctx context.Context, u User, password string) error {
	outdated := m.hasher.outdated(u.PasswordHash)
	if u.FailedLogins == 0 && !outdated {
		return nil
	}
	hash := u.PasswordHash
	if outdated {
		var err error
		if hash, err = m.hasher.hash(ctx, password); err != nil {
			return err
		}
	}
	return m.db.Tx(ctx, func(ctx context.Context, tx *db.Tx) error {
		if err := lock(ctx, tx); err != nil {
			return err
		}
		_, err := tx.NewUpdate().Model((*User)(nil)).Where("id = ? AND password_hash = ?", u.ID, u.PasswordHash).
			Set("failed_logins = 0").Set("password_hash = ?", hash).Exec(ctx)
		return db.Fault(err, "note a login")
	})
}

func (m *Manager) proveToken(ctx context.Context, text string, p *proof) (User, error) {
	v, err := m.auth.verify(ctx, text)
	if fault.Of(err) == fault.Unauthenticated {
		return User{}, ErrBadToken.Errorf("login by token: %w", err)
	}
	if err != nil {
		return User{}, err
	}
	c := v.claims
	p.parent = cmp.Or(c.ParentAuditID, c.AuditID)
	p.methods = append(p.methods, c.Methods...)
	if c.ExpiresAt.Before(p.expires) {
		p.expires = c.ExpiresAt
	}
	if c.CredentialID != "" {
		cred, err := load[Credential](ctx, m.db.Read(), CredentialID(c.CredentialID), "application credential")
		if err != nil {
			return User{}, err
		}
		p.credential = &cred
	}
	return load[User](ctx, m.db.Read(), UserID(c.UserID), "user")
}

func (m *Manager) proveCredential(ctx context.Context, ref CredentialRef, p *proof) (User, error) {
	idb := m.db.Read()
	cred, err := findCredential(ctx, idb, ref)
	if err != nil && fault.Of(err) != fault.NotFound {
		return User{}, err
	}
	known := err == nil
	ok, err := m.hasher.matches(ctx, ref.Secret, cred.SecretHash)
	switch {
	case err != nil:
		return User{}, err
	case !known:
		return User{}, fault.Unauthenticated.Errorf("there is no application credential %s%s", ref.ID, ref.Name)
	case !ok:
		return User{}, fault.Unauthenticated.Errorf("wrong secret for application credential %s", cred.ID)
	case cred.expired(m.now()):
		return User{}, fault.Unauthenticated.Errorf("application credential %s has expired", cred.ID)
	}
	p.credential = &cred
	if !cred.ExpiresAt.IsZero() && cred.ExpiresAt.Before(p.expires) {
		p.expires = cred.ExpiresAt.UTC().Truncate(time.Second)
	}
	return load[User](ctx, idb, cred.UserID, "user")
}

// usable refuses a user who is disabled or whose domain is.
func usable(ctx context.Context, idb bun.IDB, u User) error {
	d, err := load[Domain](ctx, idb, u.DomainID, "domain")
	if err != nil {
		return err
	}
	if !u.Enabled || !d.Enabled {
		return fault.Unauthenticated.Errorf("user %s or its domain is disabled", u.ID)
	}
	return nil
}

func findDomain(ctx context.Context, idb bun.IDB, ref DomainRef) (Domain, error) {
	if ref.ID != "" {
		return load[Domain](ctx, idb, ref.ID, "domain")
	}
	return domainNamed(ctx, idb, ref.Name)
}

func findUser(ctx context.Context, idb bun.IDB, ref UserRef) (User, error) {
	if ref.ID != "" {
		return load[User](ctx, idb, ref.ID, "user")
	}
	d, err := findDomain(ctx, idb, ref.Domain)
	if err != nil {
		return User{}, err
	}
	return loadNamed[User](ctx, idb, nameIn{d.ID, ref.Name})
}

func findProject(ctx context.Context, idb bun.IDB, ref ProjectRef) (Project, error) {
	if ref.ID != "" {
		return load[Project](ctx, idb, ref.ID, "project")
	}
	d, err := findDomain(ctx, idb, ref.Domain)
	if err != nil {
		return Project{}, err
	}
	return loadNamed[Project](ctx, idb, nameIn{d.ID, ref.Name})
}
