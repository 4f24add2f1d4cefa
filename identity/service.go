package identity

import (
	"context"
	"time"

	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/page"
)

// Service is identity as other domains and the HTTP face call it.
type Service interface {
	Tokens
	Domains
	Projects
	Users
	Groups
	Roles
	Assignments
	Credentials
}

// Tokens turns proofs into tokens and takes tokens back.
type Tokens interface {
	// LogIn checks a proof and returns a token for the scope asked for. What is
	// wrong with the proof or the scope is never told apart: Unauthenticated.
	LogIn(ctx context.Context, l Login) (Token, error)
	// Token returns what a token says, with names. A bad one is NotFound.
	Token(ctx context.Context, text string) (Token, error)
	// RevokeToken takes a token back at once, in every process.
	RevokeToken(ctx context.Context, text string) error
	// Revocations returns those made since a time, for processes that verify tokens.
	Revocations(ctx context.Context, since time.Time) ([]token.Revocation, error)
	// Scopes returns where a user has a role.
	Scopes(ctx context.Context, user UserID) (Scopes, error)
}

// Domains keeps domains.
type Domains interface {
	CreateDomain(ctx context.Context, s DomainSpec) (Domain, error)
	Domain(ctx context.Context, id DomainID) (Domain, error)
	Domains(ctx context.Context, q DomainQuery) (page.Of[Domain], error)
	UpdateDomain(ctx context.Context, p DomainPatch) (Domain, error)
	// DeleteDomain deletes a disabled domain and all in it; an enabled one is Forbidden.
	DeleteDomain(ctx context.Context, id DomainID) error
}

// Projects keeps projects.
type Projects interface {
	CreateProject(ctx context.Context, s ProjectSpec) (Project, error)
	Project(ctx context.Context, id ProjectID) (Project, error)
	Projects(ctx context.Context, q ProjectQuery) (page.Of[Project], error)
	UpdateProject(ctx context.Context, p ProjectPatch) (Project, error)
	// DeleteProject takes back the project's tokens; what it owned goes with ProjectDeleted.
	DeleteProject(ctx context.Context, id ProjectID) error
}

// Users keeps users.
type Users interface {
	CreateUser(ctx context.Context, s UserSpec) (User, error)
	User(ctx context.Context, id UserID) (User, error)
	Users(ctx context.Context, q UserQuery) (page.Of[User], error)
	UpdateUser(ctx context.Context, p UserPatch) (User, error)
	DeleteUser(ctx context.Context, id UserID) error
	// ChangePassword is for the user itself: the old password is the permission.
	ChangePassword(ctx context.Context, c PasswordChange) error
}

// Groups keeps groups and who is in them.
type Groups interface {
	CreateGroup(ctx context.Context, s GroupSpec) (Group, error)
	Group(ctx context.Context, id GroupID) (Group, error)
	Groups(ctx context.Context, q GroupQuery) (page.Of[Group], error)
	UpdateGroup(ctx context.Context, p GroupPatch) (Group, error)
	DeleteGroup(ctx context.Context, id GroupID) error
	AddMember(ctx context.Context, m Membership) error
	// Member returns NotFound when the user is not in the group.
	Member(ctx context.Context, m Membership) error
	RemoveMember(ctx context.Context, m Membership) error
}

// Roles keeps roles and what they imply.
type Roles interface {
	CreateRole(ctx context.Context, s RoleSpec) (Role, error)
	Role(ctx context.Context, id RoleID) (Role, error)
	Roles(ctx context.Context, q RoleQuery) (page.Of[Role], error)
	UpdateRole(ctx context.Context, p RolePatch) (Role, error)
	DeleteRole(ctx context.Context, id RoleID) error
	Imply(ctx context.Context, i Implication) error
	Unimply(ctx context.Context, i Implication) error
	// Implications returns those of one role, or all for an empty id.
	Implications(ctx context.Context, of RoleID) ([]Implication, error)
}

// Assignments gives roles to users and groups.
type Assignments interface {
	// Assign gives a role; giving it twice is giving it once.
	Assign(ctx context.Context, a Assignment) error
	// Assigned returns NotFound when exactly this assignment does not exist.
	Assigned(ctx context.Context, a Assignment) error
	Unassign(ctx context.Context, a Assignment) error
	Assignments(ctx context.Context, q AssignmentQuery) ([]Assignment, error)
}

// Credentials keeps application credentials.
type Credentials interface {
	// CreateCredential returns the secret; it cannot be read again.
	CreateCredential(ctx context.Context, s CredentialSpec) (NewCredential, error)
	Credential(ctx context.Context, id CredentialID) (Credential, error)
	Credentials(ctx context.Context, q CredentialQuery) (page.Of[Credential], error)
	DeleteCredential(ctx context.Context, id CredentialID) error
}

// A DomainSpec says what domain to create. Without an ID it is given one.
type DomainSpec struct {
	ID                DomainID
	Name, Description string
	Disabled          bool
	Extra             Extra
}

// A DomainQuery selects domains; empty fields select all.
type DomainQuery struct {
	page.Query
	Name    string
	Enabled *bool
}

// A DomainPatch changes the fields that are not nil.
type DomainPatch struct {
	ID                DomainID
	Name, Description *string
	Enabled           *bool
	Extra             Extra // added to what is there; nil values remove
}

// A ProjectSpec says what project to create. Without an ID it is given one,
// without a DomainID it goes into the caller's domain.
type ProjectSpec struct {
	ID                ProjectID
	DomainID          DomainID
	ParentID          ProjectID
	Name, Description string
	Disabled          bool
	Tags              []string
	Extra             Extra
}

// A ProjectQuery selects projects; empty fields select all.
type ProjectQuery struct {
	page.Query
	DomainID DomainID
	ParentID ProjectID
	Name     string
	Enabled  *bool
	Tags     TagQuery
	User     UserID      // only projects where this user has a role
	IDs      []ProjectID // only these; nil for all
}

// A TagQuery selects by tags: all of these, any of these, not all, none.
type TagQuery struct{ All, Any, NotAll, None []string }

// A ProjectPatch changes the fields that are not nil.
type ProjectPatch struct {
	ID                ProjectID
	Name, Description *string
	Enabled           *bool
	Tags              *[]string // all of them, before those to add and to remove
	AddTags           []string
	RemoveTags        []string
	Extra             Extra
}

// A UserSpec says what user to create. Without a password it cannot log in with one.
type UserSpec struct {
	ID                       UserID
	DomainID                 DomainID
	Name, Description, Email string
	Password                 string
	DefaultProjectID         ProjectID
	Disabled                 bool
	Extra                    Extra
}

// A UserQuery selects users; empty fields select all.
type UserQuery struct {
	page.Query
	DomainID DomainID
	Name     string
	Enabled  *bool
	Group    GroupID // only its members
}

// A UserPatch changes the fields that are not nil.
type UserPatch struct {
	ID                       UserID
	Name, Description, Email *string
	Password                 *string
	DefaultProjectID         *ProjectID
	Enabled                  *bool
	Extra                    Extra
}

// A PasswordChange replaces the password of a user who knows the old one.
type PasswordChange struct {
	UserID   UserID
	Old, New string
}

// A GroupSpec says what group to create.
type GroupSpec struct {
	ID                GroupID
	DomainID          DomainID
	Name, Description string
	Extra             Extra
}

// A GroupQuery selects groups; empty fields select all.
type GroupQuery struct {
	page.Query
	DomainID DomainID
	Name     string
	User     UserID // only groups with this member
}

// A GroupPatch changes the fields that are not nil.
type GroupPatch struct {
	ID                GroupID
	Name, Description *string
	Extra             Extra
}

// A Membership is a user in a group.
type Membership struct {
	GroupID GroupID
	UserID  UserID
}

// A RoleSpec says what role to create.
type RoleSpec struct {
	ID                RoleID
	DomainID          DomainID
	Name, Description string
	Extra             Extra
}

// A RoleQuery selects roles of one domain, or of the whole cloud when it is empty.
type RoleQuery struct {
	page.Query
	DomainID DomainID
	Name     string
	IDs      []RoleID // only these, of any domain
}

// A RolePatch changes the fields that are not nil.
type RolePatch struct {
	ID                RoleID
	Name, Description *string
	Extra             Extra
}

// An AssignmentQuery selects assignments; empty fields select all.
type AssignmentQuery struct {
	UserID    UserID
	GroupID   GroupID
	RoleID    RoleID
	Scope     Scope
	Inherited *bool
	// Effective answers what users may do: groups as their members, roles with
	// those they imply, inherited ones in each project.
	Effective bool
}

// A CredentialSpec says what application credential to create, for the calling
// user in the project of its token. Without roles it has all the caller's.
type CredentialSpec struct {
	ID                CredentialID
	UserID            UserID
	Name, Description string
	Secret            string // chosen by the caller; empty for a random one
	Roles             []RoleID
	RoleNames         []string
	Unrestricted      bool
	ExpiresAt         time.Time
}

// A NewCredential is a Credential with the secret that proves it.
type NewCredential struct {
	Credential
	Secret string
}

// A CredentialQuery selects a user's application credentials.
type CredentialQuery struct {
	page.Query
	UserID UserID
	Name   string
}

// Scopes is where a user has a role. Disabled projects and domains are left out.
type Scopes struct {
	Projects []Project
	Domains  []Domain
	System   bool
}
