package identityrpc

import (
	"context"
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/page"
)

// Client is an identity.Service in another process.
type Client struct{ Bus *bus.Bus }

// order sends a call that answers with nothing but an error.
func order[Req any](ctx context.Context, c Client, m bus.Method[Req, bus.None], req Req) error {
	_, err := m.Call(ctx, c.Bus, req)
	return err
}

// LogIn implements identity.Service.
func (c Client) LogIn(ctx context.Context, req identity.Login) (identity.Token, error) {
	return logIn.Call(ctx, c.Bus, req)
}

// Token implements identity.Service.
func (c Client) Token(ctx context.Context, req string) (identity.Token, error) {
	return showToken.Call(ctx, c.Bus, req)
}

// RevokeToken implements identity.Service.
func (c Client) RevokeToken(ctx context.Context, req string) error {
	return order(ctx, c, revokeToken, req)
}

// Revocations implements identity.Service.
func (c Client) Revocations(ctx context.Context, req time.Time) ([]token.Revocation, error) {
	return revocations.Call(ctx, c.Bus, req)
}

// Scopes implements identity.Service.
func (c Client) Scopes(ctx context.Context, req identity.UserID) (identity.Scopes, error) {
	return scopes.Call(ctx, c.Bus, req)
}

// CreateDomain implements identity.Service.
func (c Client) CreateDomain(ctx context.Context, req identity.DomainSpec) (identity.Domain, error) {
	return createDomain.Call(ctx, c.Bus, req)
}

// Domain implements identity.Service.
func (c Client) Domain(ctx context.Context, req identity.DomainID) (identity.Domain, error) {
	return showDomain.Call(ctx, c.Bus, req)
}

// Domains implements identity.Service.
func (c Client) Domains(ctx context.Context, req identity.DomainQuery) (page.Of[identity.Domain], error) {
	return listDomains.Call(ctx, c.Bus, req)
}

// UpdateDomain implements identity.Service.
func (c Client) UpdateDomain(ctx context.Context, req identity.DomainPatch) (identity.Domain, error) {
	return updateDomain.Call(ctx, c.Bus, req)
}

// DeleteDomain implements identity.Service.
func (c Client) DeleteDomain(ctx context.Context, req identity.DomainID) error {
	return order(ctx, c, deleteDomain, req)
}

// CreateProject implements identity.Service.
func (c Client) CreateProject(ctx context.Context, req identity.ProjectSpec) (identity.Project, error) {
	return createProject.Call(ctx, c.Bus, req)
}

// Project implements identity.Service.
func (c Client) Project(ctx context.Context, req identity.ProjectID) (identity.Project, error) {
	return showProject.Call(ctx, c.Bus, req)
}

// Projects implements identity.Service.
func (c Client) Projects(ctx context.Context, req identity.ProjectQuery) (page.Of[identity.Project], error) {
	return listProjects.Call(ctx, c.Bus, req)
}

// UpdateProject implements identity.Service.
func (c Client) UpdateProject(ctx context.Context, req identity.ProjectPatch) (identity.Project, error) {
	return updateProject.Call(ctx, c.Bus, req)
}

// DeleteProject implements identity.Service.
func (c Client) DeleteProject(ctx context.Context, req identity.ProjectID) error {
	return order(ctx, c, deleteProject, req)
}

// CreateUser implements identity.Service.
func (c Client) CreateUser(ctx context.Context, req identity.UserSpec) (identity.User, error) {
	return createUser.Call(ctx, c.Bus, req)
}

// User implements identity.Service.
func (c Client) User(ctx context.Context, req identity.UserID) (identity.User, error) {
	return showUser.Call(ctx, c.Bus, req)
}

// Users implements identity.Service.
func (c Client) Users(ctx context.Context, req identity.UserQuery) (page.Of[identity.User], error) {
	return listUsers.Call(ctx, c.Bus, req)
}

// UpdateUser implements identity.Service.
func (c Client) UpdateUser(ctx context.Context, req identity.UserPatch) (identity.User, error) {
	return updateUser.Call(ctx, c.Bus, req)
}

// DeleteUser implements identity.Service.
func (c Client) DeleteUser(ctx context.Context, req identity.UserID) error {
	return order(ctx, c, deleteUser, req)
}

// ChangePassword implements identity.Service.
func (c Client) ChangePassword(ctx context.Context, req identity.PasswordChange) error {
	return order(ctx, c, changePassword, req)
}

// CreateGroup implements identity.Service.
func (c Client) CreateGroup(ctx context.Context, req identity.GroupSpec) (identity.Group, error) {
	return createGroup.Call(ctx, c.Bus, req)
}

// Group implements identity.Service.
func (c Client) Group(ctx context.Context, req identity.GroupID) (identity.Group, error) {
	return showGroup.Call(ctx, c.Bus, req)
}

// Groups implements identity.Service.
func (c Client) Groups(ctx context.Context, req identity.GroupQuery) (page.Of[identity.Group], error) {
	return listGroups.Call(ctx, c.Bus, req)
}

// UpdateGroup implements identity.Service.
func (c Client) UpdateGroup(ctx context.Context, req identity.GroupPatch) (identity.Group, error) {
	return updateGroup.Call(ctx, c.Bus, req)
}

// DeleteGroup implements identity.Service.
func (c Client) DeleteGroup(ctx context.Context, req identity.GroupID) error {
	return order(ctx, c, deleteGroup, req)
}

// AddMember implements identity.Service.
func (c Client) AddMember(ctx context.Context, req identity.Membership) error {
	return order(ctx, c, addMember, req)
}

// Member implements identity.Service.
func (c Client) Member(ctx context.Context, req identity.Membership) error {
	return order(ctx, c, showMember, req)
}

// RemoveMember implements identity.Service.
func (c Client) RemoveMember(ctx context.Context, req identity.Membership) error {
	return order(ctx, c, removeMember, req)
}

// CreateRole implements identity.Service.
func (c Client) CreateRole(ctx context.Context, req identity.RoleSpec) (identity.Role, error) {
	return createRole.Call(ctx, c.Bus, req)
}

// Role implements identity.Service.
func (c Client) Role(ctx context.Context, req identity.RoleID) (identity.Role, error) {
	return showRole.Call(ctx, c.Bus, req)
}

// Roles implements identity.Service.
func (c Client) Roles(ctx context.Context, req identity.RoleQuery) (page.Of[identity.Role], error) {
	return listRoles.Call(ctx, c.Bus, req)
}

// UpdateRole implements identity.Service.
func (c Client) UpdateRole(ctx context.Context, req identity.RolePatch) (identity.Role, error) {
	return updateRole.Call(ctx, c.Bus, req)
}

// DeleteRole implements identity.Service.
func (c Client) DeleteRole(ctx context.Context, req identity.RoleID) error {
	return order(ctx, c, deleteRole, req)
}

// Imply implements identity.Service.
func (c Client) Imply(ctx context.Context, req identity.Implication) error {
	return order(ctx, c, imply, req)
}

// Unimply implements identity.Service.
func (c Client) Unimply(ctx context.Context, req identity.Implication) error {
	return order(ctx, c, unimply, req)
}

// Implications implements identity.Service.
func (c Client) Implications(ctx context.Context, req identity.RoleID) ([]identity.Implication, error) {
	return listImplications.Call(ctx, c.Bus, req)
}

// Assign implements identity.Service.
func (c Client) Assign(ctx context.Context, req identity.Assignment) error {
	return order(ctx, c, assign, req)
}

// Assigned implements identity.Service.
func (c Client) Assigned(ctx context.Context, req identity.Assignment) error {
	return order(ctx, c, assigned, req)
}

// Unassign implements identity.Service.
func (c Client) Unassign(ctx context.Context, req identity.Assignment) error {
	return order(ctx, c, unassign, req)
}

// Assignments implements identity.Service.
func (c Client) Assignments(ctx context.Context, req identity.AssignmentQuery) ([]identity.Assignment, error) {
	return listAssignments.Call(ctx, c.Bus, req)
}

// CreateCredential implements identity.Service.
func (c Client) CreateCredential(ctx context.Context, req identity.CredentialSpec) (identity.NewCredential, error) {
	return createCredential.Call(ctx, c.Bus, req)
}

// Credential implements identity.Service.
func (c Client) Credential(ctx context.Context, req identity.CredentialID) (identity.Credential, error) {
	return showCredential.Call(ctx, c.Bus, req)
}

// Credentials implements identity.Service.
func (c Client) Credentials(ctx context.Context, req identity.CredentialQuery) (page.Of[identity.Credential], error) {
	return listCredentials.Call(ctx, c.Bus, req)
}

// DeleteCredential implements identity.Service.
func (c Client) DeleteCredential(ctx context.Context, req identity.CredentialID) error {
	return order(ctx, c, deleteCredential, req)
}

var _ identity.Service = Client{}
