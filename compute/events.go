package compute

import "time"

// ServerStarted says that a server exists on a host and is billed from now on.
type ServerStarted struct {
	ID         ServerID
	ProjectID  string
	UserID     string
	ServerName string
	Flavor     Flavor
	Host       string
	At         time.Time
}

// Name returns the event's topic.
func (ServerStarted) Name() string { return "compute.server.started.v1" }

// ServerChanged says that a server's status changed.
type ServerChanged struct {
	ID        ServerID
	ProjectID string
	Status    Status
	At        time.Time
}

// Name returns the event's topic.
func (ServerChanged) Name() string { return "compute.server.changed.v1" }

// ServerDeleted says that a server is gone.
type ServerDeleted struct {
	ID        ServerID
	ProjectID string
	At        time.Time
}

// Name returns the event's topic.
func (ServerDeleted) Name() string { return "compute.server.deleted.v1" }
