// Package identity says who is calling, in which project and with which roles.
//
// Every other domain imports it for three things: CallerOf, the caller that
// travels with a context; Allow, which decides whether that caller may do an
// action; and Define, which declares a domain's actions and their default
// rules. The rest is for those who manage users: Service creates domains,
// projects, users, groups and roles, and turns a proof of identity (a password,
// a token, an application credential) into a token for one scope.
//
// Manager implements Service in the process that owns the tables, and
// identityrpc.Client where identity lives elsewhere. Authenticator turns the
// token of a request into a Caller in any process that has the keys: no
// database and no call is needed. In OpenStack's words it is Keystone.
//
// It promises that nobody is allowed nothing, that what a caller may not see is
// NotFound, that a password is stored only as an argon2id hash, and that a
// token taken back is refused in every process within moments.
package identity

import (
	"time"

	"github.com/google/uuid"
	"github.com/uptrace/bun"
)

// Ids of things that identity keeps: UUIDs, but for the domain "default".
type (
	// DomainID names a domain.
	DomainID string
	// ProjectID names a project.
	ProjectID string
	// UserID names a user.
	UserID string
	// GroupID names a group.
	GroupID string
	// RoleID names a role.
	RoleID string
	// CredentialID names an application credential.
	CredentialID string
)

// DefaultDomain is the domain that every cloud begins with.
const DefaultDomain DomainID = "default"

// NewID returns an id for anything identity keeps.
func NewID[ID ~string]() ID { return ID(uuid.Must(uuid.NewV7()).String()) }

// A Domain holds projects, users and groups whose names are its own.
type Domain struct {
	bun.BaseModel `bun:"table:identity_domains,alias:d" json:"-"`

	ID          DomainID `bun:"id,pk"`
	Name        string
	Description string
	Enabled     bool
	Extra       Extra `bun:"type:text"`
	CreatedAt   time.Time
}

// A Project owns things: servers, volumes, networks.
type Project struct {
	bun.BaseModel `bun:"table:identity_projects,alias:p" json:"-"`

	ID          ProjectID `bun:"id,pk"`
	DomainID    DomainID
	ParentID    ProjectID // empty for one directly below its domain
	Name        string
	Description string
	Enabled     bool
	Tags        []string `bun:"type:text"`
	Extra       Extra    `bun:"type:text"`
	CreatedAt   time.Time
}

// Owner returns the project itself: a Project is a Target.
func (p Project) Owner() string { return string(p.ID) }

// A User is a person or a program that can prove who it is.
type User struct {
	bun.BaseModel `bun:"table:identity_users,alias:u" json:"-"`

	ID               UserID `bun:"id,pk"`
	DomainID         DomainID
	Name             string
	Description      string
	Email            string
	DefaultProjectID ProjectID
	Enabled          bool
	Extra            Extra `bun:"type:text"`
	CreatedAt        time.Time

	PasswordHash      string    `json:"-"`
	PasswordChangedAt time.Time // zero when the user has no password
	FailedLogins      int       `json:"-"` // in a row
	FailedAt          time.Time `json:"-"`
}

// A Group is users that are given roles together.
type Group struct {
	bun.BaseModel `bun:"table:identity_groups,alias:g" json:"-"`

	ID          GroupID `bun:"id,pk"`
	DomainID    DomainID
	Name        string
	Description string
	Extra       Extra `bun:"type:text"`
	CreatedAt   time.Time
}

// A Role is a name that rules ask for. A role of a domain never shows in a
// token; it only stands for the roles it implies.
type Role struct {
	bun.BaseModel `bun:"table:identity_roles,alias:r" json:"-"`

	ID          RoleID   `bun:"id,pk"`
	DomainID    DomainID // empty for a role of the whole cloud
	Name        string
	Description string
	Extra       Extra `bun:"type:text"`
	CreatedAt   time.Time
}

// Extra is what clients noted on a thing beside the fields identity knows.
type Extra map[string]any

// An Implication gives whoever has one role another one too.
type Implication struct {
	bun.BaseModel `bun:"table:identity_implications,alias:i" json:"-"`

	RoleID  RoleID `bun:"role_id,pk"`
	Implies RoleID `bun:"implies_id,pk"`
}

// Kinds of Scope.
const (
	ScopeProject = "project"
	ScopeDomain  = "domain"
	ScopeSystem  = "system"
)

// A Scope is where a role holds, and what a token is for.
type Scope struct {
	Kind string `bun:"scope"` // a project, a domain, or the system; empty for none
	ID   string `bun:"scope_id"`
}

// On returns the scope of a project.
func On(p ProjectID) Scope { return Scope{ScopeProject, string(p)} }

// OnDomain returns the scope of a domain.
func OnDomain(d DomainID) Scope { return Scope{ScopeDomain, string(d)} }

// OnSystem returns the scope of the whole cloud.
func OnSystem() Scope { return Scope{ScopeSystem, "all"} }

// An Assignment gives a user, or each member of a group, a role in a scope.
// An inherited one holds in the projects of its domain instead of the domain.
type Assignment struct {
	bun.BaseModel `bun:"table:identity_assignments,alias:a" json:"-"`

	UserID  UserID  `bun:"user_id,pk"`
	GroupID GroupID `bun:"group_id,pk"`
	RoleID  RoleID  `bun:"role_id,pk"`
	Scope
	Inherited bool `bun:"inherited,pk"`
}

// A Credential lets a program act for a user in one project with some of the
// user's roles, without the user's password.
type Credential struct {
	bun.BaseModel `bun:"table:identity_credentials,alias:c" json:"-"`

	ID           CredentialID `bun:"id,pk"`
	UserID       UserID
	ProjectID    ProjectID
	Name         string
	Description  string
	SecretHash   string    `json:"-"`
	Roles        []RoleID  `bun:"type:text"`
	Unrestricted bool      // may make further credentials
	ExpiresAt    time.Time // zero for never
	CreatedAt    time.Time

	RoleNames map[RoleID]string `bun:"-"` // of Roles, for those who may not list roles
}
