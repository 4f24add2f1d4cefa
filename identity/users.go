package identity

import (
	"cmp"
	"context"
	"time"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
	"github.com/nacre-cloud/nacre/kit/page"
)

// CreateUser implements Service.
func (m *Manager) CreateUser(ctx context.Context, s UserSpec) (User, error) {
	u := User{
		ID: orNew(s.ID), DomainID: cmp.Or(s.DomainID, homeDomain(ctx)), Name: s.Name, Description: s.Description,
		Email: s.Email, DefaultProjectID: s.DefaultProjectID, Enabled: !s.Disabled, Extra: s.Extra, CreatedAt: m.now(),
	}
	err := may(ctx, "identity:create_user", func() (Target, error) { return held{domain: u.DomainID}, nil })
	if err != nil {
		return User{}, err
	}
	if err := checkUser(u); err != nil {
		return User{}, err
	}
	if s.Password != "" {
		if u.PasswordHash, err = m.hasher.hash(ctx, s.Password); err != nil {
			return User{}, err
		}
		u.PasswordChangedAt = u.CreatedAt
	}
	err = m.write(ctx, func(ctx context.Context, tx *db.Tx, _ *revoking) error {
		if _, err := load[Domain](ctx, tx, u.DomainID, "domain"); err != nil {
			return err
		}
		if err := insert(ctx, tx, &u, "user "+u.Name); err != nil {
			return err
		}
		if err := m.remember(ctx, tx, u); err != nil {
			return err
		}
		return bus.Publish(ctx, tx, UserCreated{u.ID})
	})
	return again[User](ctx, m.db.Read(), s.ID, err)(u)
}

func checkUser(u User) error {
	if len(u.Email) > maxName || len(u.DefaultProjectID) > maxShortName {
		return fault.Invalid.Errorf("the email or default project of user %s is too long", u.Name)
	}
	return check(texts{"user", u.Name, u.Description, maxName, u.Extra})
}

// User implements Service.
func (m *Manager) User(ctx context.Context, id UserID) (User, error) {
	if err := m.maySee(ctx, "identity:get_user", held{user: id}); err != nil {
		return User{}, err
	}
	u, err := load[User](ctx, m.db.Read(), id, "user")
	if err != nil {
		return u, err
	}
	return u, Allow(ctx, "identity:get_user", held{user: id, domain: u.DomainID})
}

// Users implements Service.
func (m *Manager) Users(ctx context.Context, q UserQuery) (page.Of[User], error) {
	if q.Group != "" {
		if err := m.mayGroup(ctx, "identity:list_users_in_group", q.Group); err != nil {
			return page.Of[User]{}, err
		}
		if _, err := load[Group](ctx, m.db.Read(), q.Group, "group"); err != nil {
			return page.Of[User]{}, err
		}
		return listUsers(ctx, m.db.Read(), q)
	}
	domain, err := mayList(ctx, "identity:list_users", q.DomainID)
	if err != nil {
		return page.Of[User]{}, err
	}
	q.DomainID = domain
	return listUsers(ctx, m.db.Read(), q)
}

// UpdateUser implements Service.
func (m *Manager) UpdateUser(ctx context.Context, p UserPatch) (User, error) {
	var u User
	if err := m.mayUser(ctx, "identity:update_user", p.ID); err != nil {
		return u, err
	}
	var hash string
	if p.Password != nil {
		var err error
		if hash, err = m.hasher.hash(ctx, *p.Password); err != nil {
			return u, err
		}
	}
	err := m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) (err error) {
		if u, err = load[User](ctx, tx, p.ID, "user"); err != nil {
			return err
		}
		if err := mayBecome(ctx, tx, p.ID); err != nil {
			return err
		}
		set(&u.Name, p.Name)
		set(&u.Description, p.Description)
		set(&u.Email, p.Email)
		set(&u.DefaultProjectID, p.DefaultProjectID)
		u.Extra = u.Extra.with(p.Extra)
		if err := checkUser(u); err != nil {
			return err
		}
		if set(&u.Enabled, p.Enabled) {
			u.FailedLogins = 0
			if !u.Enabled {
				r.by(token.ByUser, string(u.ID))
			}
		}
		if hash != "" {
			u.PasswordHash = hash
			return m.setPassword(ctx, tx, r, &u)
		}
		return save(ctx, tx, &u, "user "+u.Name)
	})
	return u, err
}

func (m *Manager) mayUser(ctx context.Context, action string, id UserID) error {
	return may(ctx, action, func() (Target, error) {
		u, err := load[User](ctx, m.db.Read(), id, "user")
		return held{user: id, domain: u.DomainID}, err
	})
}

// mayBecome refuses to change a user with roles that the caller could not give.
func mayBecome(ctx context.Context, tx *db.Tx, id UserID) error {
	rows, err := assignmentsOf(ctx, tx, id)
	if err != nil {
		return err
	}
	return mayGive(ctx, tx, rows...)
}

// DeleteUser implements Service.
func (m *Manager) DeleteUser(ctx context.Context, id UserID) error {
	if err := m.mayUser(ctx, "identity:delete_user", id); err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) error {
		if err := mayBecome(ctx, tx, id); err != nil {
			return err
		}
		if n, err := remove[User](ctx, tx, "id = ?", id); err != nil || n == 0 {
			return orNotFound(err, "user %s", id)
		}
		if _, err := remove[Assignment](ctx, tx, "user_id = ?", id); err != nil {
			return err
		}
		r.by(token.ByUser, string(id))
		return bus.Publish(ctx, tx, UserDeleted{id})
	})
}

// ChangePassword implements Service. Who knows the old password needs no token.
func (m *Manager) ChangePassword(ctx context.Context, c PasswordChange) error {
	u, err := m.provePassword(ctx, UserRef{ID: c.UserID}, c.Old)
	if err != nil {
		return m.refused(ctx, err)
	}
	if err := m.checkHistory(ctx, u, c); err != nil {
		return err
	}
	hash, err := m.hasher.hash(ctx, c.New)
	if err != nil {
		return err
	}
	return m.write(ctx, func(ctx context.Context, tx *db.Tx, r *revoking) error {
		now, err := load[User](ctx, tx, u.ID, "user")
		if err != nil {
			return err
		}
		if now.PasswordHash != u.PasswordHash {
			return fault.Conflict.Errorf("the password of user %s was changed meanwhile", u.ID)
		}
		now.PasswordHash = hash
		return m.setPassword(ctx, tx, r, &now)
	})
}

// checkHistory refuses the passwords that a user had last.
func (m *Manager) checkHistory(ctx context.Context, u User, c PasswordChange) error {
	if m.config.PasswordHistory <= 0 {
		return nil
	}
	if c.New == c.Old {
		return fault.Invalid.Errorf("the new password must differ from the last %d", m.config.PasswordHistory)
	}
	old, err := oldPasswords(ctx, m.db.Read(), u.ID, m.config.PasswordHistory)
	if err != nil {
		return err
	}
	for _, p := range old {
		same, err := m.hasher.matches(ctx, c.New, p.PasswordHash)
		if err != nil {
			return err
		}
		if same {
			return fault.Invalid.Errorf("the new password must differ from the last %d", m.config.PasswordHistory)
		}
	}
	return nil
}

// setPassword stores u, whose hash is new, and takes back every token of the user.
func (m *Manager) setPassword(ctx context.Context, tx *db.Tx, r *revoking, u *User) error {
	u.PasswordChangedAt, u.FailedLogins = r.now, 0
	r.by(token.ByUser, string(u.ID))
	if err := save(ctx, tx, u, "user "+u.Name); err != nil {
		return err
	}
	return m.remember(ctx, tx, *u)
}

// remember keeps a hash for checkHistory, and drops those it no longer asks for.
func (m *Manager) remember(ctx context.Context, tx *db.Tx, u User) error {
	if m.config.PasswordHistory <= 0 || u.PasswordHash == "" {
		return nil
	}
	row := oldPassword{UserID: u.ID, ChangedAt: u.PasswordChangedAt, PasswordHash: u.PasswordHash}
	if err := insert(ctx, tx, &row, "password"); err != nil {
		return err
	}
	kept, err := oldPasswords(ctx, tx, u.ID, m.config.PasswordHistory)
	if err != nil || len(kept) == 0 {
		return err
	}
	oldest := kept[len(kept)-1].ChangedAt
	_, err = remove[oldPassword](ctx, tx, "user_id = ? AND changed_at < ?", u.ID, oldest)
	return err
}

// locked reports whether too many wrong passwords keep the user out now.
func (m *Manager) locked(u User, now time.Time) bool {
	return m.config.LockoutAttempts > 0 && u.FailedLogins >= m.config.LockoutAttempts &&
		now.Before(u.FailedAt.Add(m.config.LockoutDuration))
}
