// Package identityrpc lets a process use identity that lives in another one.
//
// Client is the identity.Service of processes without identity's tables, Serve
// offers ours to them. Passwords and tokens cross the bus, so its transport must
// be private or encrypted.
package identityrpc

import (
	"time"

	"github.com/nacre-cloud/nacre/identity"
	"github.com/nacre-cloud/nacre/identity/token"
	"github.com/nacre-cloud/nacre/kit/bus"
	"github.com/nacre-cloud/nacre/kit/page"
)

const (
	logIn       = bus.Method[identity.Login, identity.Token]("identity.log-in")
	showToken   = bus.Method[string, identity.Token]("identity.token")
	revokeToken = bus.Method[string, bus.None]("identity.revoke-token")
	revocations = bus.Method[time.Time, []token.Revocation]("identity.revocations")
	scopes      = bus.Method[identity.UserID, identity.Scopes]("identity.scopes")

	createDomain = bus.Method[identity.DomainSpec, identity.Domain]("identity.create-domain")
	showDomain   = bus.Method[identity.DomainID, identity.Domain]("identity.domain")
	listDomains  = bus.Method[identity.DomainQuery, page.Of[identity.Domain]]("identity.list-domains")
	updateDomain = bus.Method[identity.DomainPatch, identity.Domain]("identity.update-domain")
	deleteDomain = bus.Method[identity.DomainID, bus.None]("identity.delete-domain")

	createProject = bus.Method[identity.ProjectSpec, identity.Project]("identity.create-project")
	showProject   = bus.Method[identity.ProjectID, identity.Project]("identity.project")
	listProjects  = bus.Method[identity.ProjectQuery, page.Of[identity.Project]]("identity.list-projects")
	updateProject = bus.Method[identity.ProjectPatch, identity.Project]("identity.update-project")
	deleteProject = bus.Method[identity.ProjectID, bus.None]("identity.delete-project")

	createUser     = bus.Method[identity.UserSpec, identity.User]("identity.create-user")
	showUser       = bus.Method[identity.UserID, identity.User]("identity.user")
	listUsers      = bus.Method[identity.UserQuery, page.Of[identity.User]]("identity.list-users")
	updateUser     = bus.Method[identity.UserPatch, identity.User]("identity.update-user")
	deleteUser     = bus.Method[identity.UserID, bus.None]("identity.delete-user")
	changePassword = bus.Method[identity.PasswordChange, bus.None]("identity.change-password")

	createGroup  = bus.Method[identity.GroupSpec, identity.Group]("identity.create-group")
	showGroup    = bus.Method[identity.GroupID, identity.Group]("identity.group")
	listGroups   = bus.Method[identity.GroupQuery, page.Of[identity.Group]]("identity.list-groups")
	updateGroup  = bus.Method[identity.GroupPatch, identity.Group]("identity.update-group")
	deleteGroup  = bus.Method[identity.GroupID, bus.None]("identity.delete-group")
	addMember    = bus.Method[identity.Membership, bus.None]("identity.add-member")
	showMember   = bus.Method[identity.Membership, bus.None]("identity.member")
	removeMember = bus.Method[identity.Membership, bus.None]("identity.remove-member")

	createRole       = bus.Method[identity.RoleSpec, identity.Role]("identity.create-role")
	showRole         = bus.Method[identity.RoleID, identity.Role]("identity.role")
	listRoles        = bus.Method[identity.RoleQuery, page.Of[identity.Role]]("identity.list-roles")
	updateRole       = bus.Method[identity.RolePatch, identity.Role]("identity.update-role")
	deleteRole       = bus.Method[identity.RoleID, bus.None]("identity.delete-role")
	imply            = bus.Method[identity.Implication, bus.None]("identity.imply")
	unimply          = bus.Method[identity.Implication, bus.None]("identity.unimply")
	listImplications = bus.Method[identity.RoleID, []identity.Implication]("identity.list-implications")

	assign          = bus.Method[identity.Assignment, bus.None]("identity.assign")
	assigned        = bus.Method[identity.Assignment, bus.None]("identity.assigned")
	unassign        = bus.Method[identity.Assignment, bus.None]("identity.unassign")
	listAssignments = bus.Method[identity.AssignmentQuery, []identity.Assignment]("identity.list-assignments")

	createCredential = bus.Method[identity.CredentialSpec, identity.NewCredential]("identity.create-credential")
	showCredential   = bus.Method[identity.CredentialID, identity.Credential]("identity.credential")
	listCredentials  = bus.Method[identity.CredentialQuery, page.Of[identity.Credential]]("identity.list-credentials")
	deleteCredential = bus.Method[identity.CredentialID, bus.None]("identity.delete-credential")
)

// Serve answers for s on b.
func Serve(b *bus.Bus, s identity.Service) {
	serveTokens(b, s)
	serveDomains(b, s)
	serveProjects(b, s)
	serveUsers(b, s)
	serveGroups(b, s)
	serveRoles(b, s)
	serveAssignments(b, s)
	serveCredentials(b, s)
}

func serveTokens(b *bus.Bus, s identity.Tokens) {
	logIn.Serve(b, s.LogIn)
	showToken.Serve(b, s.Token)
	revokeToken.Serve(b, bus.NoResult(s.RevokeToken))
	revocations.Serve(b, s.Revocations)
	scopes.Serve(b, s.Scopes)
}

func serveDomains(b *bus.Bus, s identity.Domains) {
	createDomain.Serve(b, s.CreateDomain)
	showDomain.Serve(b, s.Domain)
	listDomains.Serve(b, s.Domains)
	updateDomain.Serve(b, s.UpdateDomain)
	deleteDomain.Serve(b, bus.NoResult(s.DeleteDomain))
}

func serveProjects(b *bus.Bus, s identity.Projects) {
	createProject.Serve(b, s.CreateProject)
	showProject.Serve(b, s.Project)
	listProjects.Serve(b, s.Projects)
	updateProject.Serve(b, s.UpdateProject)
	deleteProject.Serve(b, bus.NoResult(s.DeleteProject))
}

func serveUsers(b *bus.Bus, s identity.Users) {
	createUser.Serve(b, s.CreateUser)
	showUser.Serve(b, s.User)
	listUsers.Serve(b, s.Users)
	updateUser.Serve(b, s.UpdateUser)
	deleteUser.Serve(b, bus.NoResult(s.DeleteUser))
	changePassword.Serve(b, bus.NoResult(s.ChangePassword))
}

func serveGroups(b *bus.Bus, s identity.Groups) {
	createGroup.Serve(b, s.CreateGroup)
	showGroup.Serve(b, s.Group)
	listGroups.Serve(b, s.Groups)
	updateGroup.Serve(b, s.UpdateGroup)
	deleteGroup.Serve(b, bus.NoResult(s.DeleteGroup))
	addMember.Serve(b, bus.NoResult(s.AddMember))
	showMember.Serve(b, bus.NoResult(s.Member))
	removeMember.Serve(b, bus.NoResult(s.RemoveMember))
}

func serveRoles(b *bus.Bus, s identity.Roles) {
	createRole.Serve(b, s.CreateRole)
	showRole.Serve(b, s.Role)
	listRoles.Serve(b, s.Roles)
	updateRole.Serve(b, s.UpdateRole)
	deleteRole.Serve(b, bus.NoResult(s.DeleteRole))
	imply.Serve(b, bus.NoResult(s.Imply))
	unimply.Serve(b, bus.NoResult(s.Unimply))
	listImplications.Serve(b, s.Implications)
}

func serveAssignments(b *bus.Bus, s identity.Assignments) {
	assign.Serve(b, bus.NoResult(s.Assign))
	assigned.Serve(b, bus.NoResult(s.Assigned))
	unassign.Serve(b, bus.NoResult(s.Unassign))
	listAssignments.Serve(b, s.Assignments)
}

func serveCredentials(b *bus.Bus, s identity.Credentials) {
	createCredential.Serve(b, s.CreateCredential)
	showCredential.Serve(b, s.Credential)
	listCredentials.Serve(b, s.Credentials)
	deleteCredential.Serve(b, bus.NoResult(s.DeleteCredential))
}
