package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/uptrace/bun"

	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/db"
	"github.com/nacre-cloud/nacre/kit/fault"
)

// firstRoles are the roles of a new cloud. ResellerAdmin is what object storage
// calls an administrator of all accounts.
var firstRoles = []string{RoleAdmin, RoleManager, RoleMember, RoleReader, RoleService, "ResellerAdmin"}

// adminName is the name of the first user and its project.
const adminName = "admin"

// bootstrap makes what a cloud cannot begin without. Where a domain exists
// nothing is touched: whoever runs the cloud may have renamed or removed all of it.
func (m *Manager) bootstrap(ctx context.Context) error {
	if found, err := bootstrapped(ctx, m.db.Read()); err != nil || found {
		return err
	}
	password, keep, err := m.firstPassword()
	if err != nil {
		return err
	}
	hash, err := m.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return m.db.Tx(With(ctx, System("identity.bootstrap")), func(ctx context.Context, tx *db.Tx) error {
		if err := tx.Lock(ctx, "identity/bootstrap"); err != nil {
			return err
		}
		if found, err := bootstrapped(ctx, tx); err != nil || found {
			return err
		}
		if err := m.firstThings(ctx, tx, hash); err != nil {
			return err
		}
		// Last, so that a file which cannot be written leaves no cloud without a password.
		return keep()
	})
}

func bootstrapped(ctx context.Context, idb bun.IDB) (bool, error) {
	n, err := idb.NewSelect().Model((*Domain)(nil)).Count(ctx)
	return n > 0, db.Fault(err, "look for domains")
}

// firstPassword returns the administrator's password, and what keeps it for the operator.
func (m *Manager) firstPassword() (password string, keep func() error, err error) {
	path := m.config.AdminPasswordFile
	switch {
	case m.config.AdminPassword != "":
		return m.config.AdminPassword, func() error { return nil }, nil
	case path == "":
		return "", nil, fault.Invalid.Errorf("identity: the first start needs Config.AdminPassword, or AdminPasswordFile to write a random one to")
	}
	password = rand.Text()
	return password, func() error {
		if err := writeSecret(path, password+"\n"); err != nil {
			return fault.Unavailable.Wrap(err, "write the administrator's password")
		}
		m.log.Info("the administrator's password was written", slog.String("file", path))
		return nil
	}, nil
}

// writeSecret replaces a file whole, so that nobody else ever reads any of it.
func writeSecret(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".password-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path)) // or a power cut leaves a cloud without its password
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (m *Manager) firstThings(ctx context.Context, tx *db.Tx, hash string) error {
	now := m.now()
	domain := Domain{ID: DefaultDomain, Name: "Default", Description: "The default domain", Enabled: true, CreatedAt: now}
	project := Project{
		ID: NewID[ProjectID](), DomainID: domain.ID, Name: adminName, Description: "The administrator's project",
		Enabled: true, Tags: []string{}, CreatedAt: now,
	}
	user := User{
		ID: NewID[UserID](), DomainID: domain.ID, Name: adminName, Enabled: true, CreatedAt: now,
		PasswordHash: hash, PasswordChangedAt: now,
	}
	rows := []any{&domain, &project, &user}
	roles := map[string]RoleID{}
	for _, name := range firstRoles {
		r := Role{ID: NewID[RoleID](), Name: name, CreatedAt: now}
		roles[name] = r.ID
		rows = append(rows, &r)
	}
	for i := range ranks[1:] {
		rows = append(rows, &Implication{RoleID: roles[ranks[i]], Implies: roles[ranks[i+1]]})
	}
	for _, scope := range []Scope{On(project.ID), OnSystem()} {
		rows = append(rows, &Assignment{UserID: user.ID, RoleID: roles[RoleAdmin], Scope: scope})
	}
	for _, row := range rows {
		if err := insert(ctx, tx, row, "what a cloud begins with"); err != nil {
			return err
		}
	}
	if err := m.remember(ctx, tx, user); err != nil {
		return err
	}
	return bus.Publish(ctx, tx, DomainCreated{domain.ID}, ProjectCreated{project.ID}, UserCreated{user.ID})
}
