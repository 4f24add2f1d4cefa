package identity

import "github.com/nacre-cloud/nacre/identity/token"

// DomainCreated says that there is a new domain.
type DomainCreated struct{ ID DomainID }

// DomainDeleted says that a domain is gone, after all that was in it.
type DomainDeleted struct{ ID DomainID }

// ProjectCreated says that there is a new project.
type ProjectCreated struct{ ID ProjectID }

// ProjectDeleted says that a project is gone. Whoever keeps things for projects
// deletes what it owned.
type ProjectDeleted struct{ ID ProjectID }

// UserCreated says that there is a new user.
type UserCreated struct{ ID UserID }

// UserDeleted says that a user is gone. Whoever keeps things for users deletes them.
type UserDeleted struct{ ID UserID }

// Revoked says that tokens were taken back. Every process that verifies tokens hears it.
type Revoked struct{ Revocations []token.Revocation }

// Name returns the event's name on the bus.
func (DomainCreated) Name() string { return "identity.domain.created.v1" }

// Name returns the event's name on the bus.
func (DomainDeleted) Name() string { return "identity.domain.deleted.v1" }

// Name returns the event's name on the bus.
func (ProjectCreated) Name() string { return "identity.project.created.v1" }

// Name returns the event's name on the bus.
func (ProjectDeleted) Name() string { return "identity.project.deleted.v1" }

// Name returns the event's name on the bus.
func (UserCreated) Name() string { return "identity.user.created.v1" }

// Name returns the event's name on the bus.
func (UserDeleted) Name() string { return "identity.user.deleted.v1" }

// Name returns the event's name on the bus.
func (Revoked) Name() string { return "identity.revoked.v1" }
